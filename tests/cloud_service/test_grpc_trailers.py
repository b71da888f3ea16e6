"""What goes with an answer or a refusal: how busy the service is, when to come again; and what a call may ask for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import grpc
import grpc.aio
import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from cloud_service.auth.authenticator import Authenticator
from cloud_service.caller import Caller
from cloud_service.calls import Calls
from cloud_service.errors import Overloaded
from cloud_service.grpc.arrival import Arrivals
from cloud_service.grpc.guard import Context, guarded
from cloud_service.grpc.parting import Parting
from cloud_service.metrics import Metrics
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.load_report import LOAD_KEYS, LoadReport, decode_load
from nearfar_wire.service import Stub
from nearfar_wire.status import Code
from nearfar_wire.tensors import encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import write_repository

pytestmark = pytest.mark.wide

_PIXELS = {"pixels": np.zeros((1, 4), np.uint8)}
_LIMIT = 1 << 20


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {"mlp": softmax_mlp(), "copy": identity("FP32")}
    with running_cloud(write_repository(tmp_path_factory.mktemp("models"), models), max_message_bytes=_LIMIT) as cloud:
        yield cloud


def trailing(call: grpc.Call) -> dict[str, str | bytes]:
    return dict(call.trailing_metadata() or ())


def failed(cloud: RunningCloud, request: pb.ModelInferRequest) -> grpc.Call:
    call: grpc.Call = cloud.stub.ModelInfer.future(request)
    assert call.code() is not grpc.StatusCode.OK
    return call


def report(call: grpc.Call) -> LoadReport | None:
    # The other key is not handed to applications.
    content = trailing(call).get(LOAD_KEYS[1])
    return decode_load(content) if isinstance(content, bytes) else None


def test_an_answer_tells_how_busy_the_service_is(cloud: RunningCloud) -> None:
    told = report(cloud.stub.ModelInfer.with_call(encode_request("mlp", _PIXELS))[1])
    assert told is not None
    assert told.limit > 0 and told.queue_wait_s < 1 and told.stay_local_s == 0


def test_a_refusal_tells_so_too_beside_its_code(cloud: RunningCloud) -> None:
    call = failed(cloud, encode_request("mlp", {"wrong": _PIXELS["pixels"]}))
    assert report(call) is not None
    assert trailing(call)["nearfar-error"] == "INVALID_INPUT"


def test_of_a_model_that_there_is_not_nothing_is_told(cloud: RunningCloud) -> None:
    assert report(failed(cloud, encode_request("nope", _PIXELS))) is None


@pytest.mark.parametrize(
    ("pushback_s", "sent"),
    [(0.25, {"grpc-retry-pushback-ms": "250"}), (1e-9, {"grpc-retry-pushback-ms": "1"}), (None, {})],
)
def test_whoever_is_pushed_back_hears_for_how_long(pushback_s: float | None, sent: dict[str, str]) -> None:
    async def full(_received: bytes, context: Context, _caller: Caller) -> bytes:
        context.set_trailing_metadata((("beside", "it"),))
        raise Overloaded("no room", reason="limit", pushback_s=pushback_s)

    async def trailers() -> dict[str, str | bytes]:
        calls = Calls(Metrics(CollectorRegistry()))
        server = grpc.aio.server()
        server.add_generic_rpc_handlers(
            (guarded({"ServerLive": full}, calls, Authenticator.open(), Parting(), Arrivals(within_s=10, at_most=10)),)
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                call = Stub(channel).ServerLive(pb.ServerLiveRequest(), timeout=10)
                assert await call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                return dict(await call.trailing_metadata())
        finally:
            await server.stop(None)

    assert asyncio.run(trailers()) == {"beside": "it", "nearfar-error": "OVERLOADED"} | sent


def parameters(**given: int | str | bool) -> pb.ModelInferRequest:
    request = encode_request("mlp", _PIXELS)
    for name, value in given.items():
        if isinstance(value, bool):
            request.parameters[name].bool_param = value
        elif isinstance(value, str):
            request.parameters[name].string_param = value
        elif name.startswith("u_"):
            request.parameters[name.removeprefix("u_")].uint64_param = value
        else:
            request.parameters[name].int64_param = value
    return request


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(parameters(priority=1), id="a priority"),
        pytest.param(parameters(u_priority=7), id="one without a sign"),
        pytest.param(parameters(priority=0, timeout=0), id="none"),
        pytest.param(parameters(timeout=10_000_000), id="ten seconds"),
        pytest.param(parameters(anything="else", more=True), id="what nobody knows"),
    ],
)
def test_a_call_s_priority_and_time_are_read_and_unknown_parameters_ignored(
    cloud: RunningCloud, request_: pb.ModelInferRequest
) -> None:
    assert cloud.stub.ModelInfer(request_).model_version == "1"


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        pytest.param(parameters(priority=-1), "priority", id="negative"),
        pytest.param(parameters(priority="high"), "priority", id="text"),
        pytest.param(parameters(timeout=True), "timeout", id="a truth"),
        pytest.param(parameters(u_timeout=(1 << 64) - 1), "timeout", id="longer than ever"),
    ],
)
def test_a_parameter_that_is_no_number_is_refused_by_its_name(
    cloud: RunningCloud, request_: pb.ModelInferRequest, named: str
) -> None:
    code, message = refused(lambda: cloud.stub.ModelInfer(request_))
    assert code is Code.INVALID_INPUT
    assert f"the parameter {named}" in message


def test_a_timeout_is_a_deadline(cloud: RunningCloud) -> None:
    assert refused(lambda: cloud.stub.ModelInfer(parameters(timeout=1)))[0] is Code.DEADLINE_EXCEEDED


def test_an_answer_that_is_too_long_is_an_error_of_ours(cloud: RunningCloud) -> None:
    """gRPC's own would be counted nowhere."""
    before = cloud.count("requests_total", method="ModelInfer", code="TOO_LARGE")
    # The answer says more of itself than the question does.
    values = np.zeros((_LIMIT - 60) // 4, np.float32)
    assert refused(lambda: cloud.stub.ModelInfer(encode_request("copy", {"x": values})))[0] is Code.TOO_LARGE
    assert cloud.count("requests_total", method="ModelInfer", code="TOO_LARGE") == before + 1
