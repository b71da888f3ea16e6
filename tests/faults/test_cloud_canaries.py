"""Whatever a caller sends is nowhere in what the service writes: its log in either form, access log included, its
metrics, its traces, and what it prints. Asked of a process of its own, because nothing there is left out.

The one exception is the trace context (traceparent, tracestate), which a caller sends to be in the trace."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import grpc
import numpy as np
import pytest

from cloud_service.config import Address
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import Stub, method_path
from nearfar_wire.tensors import encode_request
from tests.builders.onnx_models import gather, identity
from tests.builders.processes import CloudProcess, cloud_process
from tests.builders.repositories import write_repository
from tests.builders.rest import ask, send_raw
from tests.builders.tokens import Issuer, bearer
from tests.builders.waiting import eventually

pytest.importorskip("opentelemetry.sdk", reason="traces need the extra otel")

pytestmark = pytest.mark.wide

_CANARY = "canary7f3a"
_BYTES = _CANARY.encode()
_X = {"x": np.array([_BYTES], object)}
_TRACE = f"00-{'ab' * 16}-{'cd' * 8}-01"

Metadata = tuple[tuple[str, str | bytes], ...]


def _grpc_calls(channel: grpc.Channel, known: Metadata) -> Mapping[str, Callable[[], object]]:
    stub = Stub(channel)

    def infer(request: pb.ModelInferRequest, *metadata: tuple[str, str | bytes]) -> object:
        return stub.ModelInfer(request, metadata=(*known, ("traceparent", _TRACE), *metadata), timeout=30)

    def raw(method: str, message: bytes) -> object:
        return channel.unary_unary(method, bytes, bytes)(message, metadata=known, timeout=30)

    parameters = encode_request("texts", _X)
    parameters.parameters[_CANARY].string_param = _CANARY
    return {
        "answered": lambda: infer(encode_request("texts", _X, request_id=_CANARY)),
        "parameters": lambda: infer(parameters),
        "model": lambda: infer(encode_request(_CANARY, _X)),
        "version": lambda: infer(encode_request("texts", _X, version=_CANARY)),
        "input": lambda: infer(encode_request("texts", {_CANARY: _X["x"]})),
        "output": lambda: infer(encode_request("texts", _X, outputs=[_CANARY])),
        "value that the model refuses": lambda: infer(encode_request("rows", {"x": np.array([77123477])})),
        "metadata": lambda: infer(encode_request("texts", _X), ("x-note", _CANARY), ("x-note-bin", _BYTES + b"\xff")),
        "baggage": lambda: infer(encode_request("texts", _X), ("baggage", f"{_CANARY}={_CANARY}")),
        "method": lambda: raw(f"/{_CANARY}/{_CANARY}", _BYTES),
        "message": lambda: raw(method_path("ModelInfer"), b"\x2a" + _BYTES),
        "metadata of nobody": lambda: stub.ModelInfer(encode_request("texts", _X), metadata=bearer(_CANARY)),
        "token of nobody": lambda: stub.ModelInfer(encode_request("texts", _X), metadata=bearer(f"a.{_CANARY}.b")),
    }


def _rest_calls(address: Address, known: Mapping[str, str]) -> Mapping[str, Callable[[], object]]:
    def infer(document: object, model: str = "texts", **headers: str) -> object:
        return ask(address, f"/v2/models/{model}/infer", json.dumps(document), headers={**known, **headers})

    good = {"inputs": [{"name": "x", "datatype": "BYTES", "shape": [1], "data": [_CANARY]}]}
    wrong = {"inputs": [{"name": "x", "datatype": _CANARY, "shape": [1], "data": [_CANARY]}]}
    return {
        "answered": lambda: infer({"id": _CANARY, "parameters": {_CANARY: _CANARY}, **good}),
        "model": lambda: infer(good, _CANARY),
        "datatype": lambda: infer(wrong),
        "headers": lambda: infer(good, **{"x-note": _CANARY, "content-type": _CANARY, "user-agent": _CANARY}),
        "encoding": lambda: infer(good, **{"content-encoding": _CANARY}),
        "lengths": lambda: infer(good, **{"inference-header-content-length": _CANARY}),
        "load's form": lambda: infer(good, **{"endpoint-load-metrics-format": _CANARY}),
        "no JSON": lambda: ask(address, "/v2/models/texts/infer", _BYTES, headers=known),
        "path": lambda: ask(address, f"/{_CANARY}?{_CANARY}", headers=known),
        "verb": lambda: ask(address, "/v2", method=_CANARY.upper(), headers=known),
        "token of nobody": lambda: ask(address, "/v2", headers={"authorization": f"Bearer {_CANARY}"}),
        "no HTTP": lambda: send_raw(address, _BYTES + b"\r\n\r\n"),
        "a header that is none": lambda: send_raw(address, b"GET /v2 HTTP/1.1\r\n" + _BYTES + b"\xff: \0\r\n\r\n"),
    }


@pytest.mark.parametrize("form", ["json", "text"])
def test_G2_C6_nothing_that_a_caller_sends_is_in_a_log_a_metric_or_a_trace(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    issuer = Issuer()
    (tmp_path / "keys.pem").write_bytes(issuer.public_pem)
    models = write_repository(tmp_path / "models", {"texts": identity("BYTES"), "rows": gather()})
    flags = ("--log-format", form, "--log-level", "debug", "--access-log", "--token-keys", str(tmp_path / "keys.pem"))
    known = bearer(issuer.token(sub=f"sub-{_CANARY}", tenant=f"tenant-{_CANARY}", jti=_CANARY))
    with cloud_process(models, *flags) as cloud, grpc.insecure_channel(cloud.target) as channel:
        eventually(lambda: cloud.http("/readyz").status == 200)
        rest = Address.parse(cloud.address("rest"))
        calls = [*_grpc_calls(channel, known).values(), *_rest_calls(rest, dict(known)).values()]
        for call in calls:
            try:
                call()
            except grpc.RpcError:
                continue
        metrics = cloud.http("/metrics").body.decode()
        ready = cloud.http("/readyz").body.decode()
        eventually(lambda: _told_of_all(cloud, len(calls)))
        cloud.process.terminate()
        assert cloud.process.wait(60) == 0
    told = "\n".join([metrics, ready, *cloud.lines, *cloud.log])
    assert "ab" * 16 in told, "the traces are there"
    assert "nearfar.model" in told
    assert _CANARY not in told.lower()
    assert "77123477" not in told


def _told_of_all(cloud: CloudProcess, calls: int) -> bool:
    """Whether the log has a line for each call, but for the four that are none of the protocol's."""
    return sum("cloud_service.access" in line or '"method"' in line for line in list(cloud.log)) >= calls - 4
