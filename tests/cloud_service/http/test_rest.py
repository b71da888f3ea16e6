"""The REST port of a running service: the protocol's endpoints, and gRPC's answers."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.config import Address
from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.raw import from_raw, to_raw
from nearfar_wire.status import CODES, Code
from nearfar_wire.tensors import decode_response, encode_request
from tests.builders.backends import HeldBackend, RaisingBackend
from tests.builders.certificates import Authority
from tests.builders.clouds import HttpAnswer, RunningCloud, running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.rest import ask, infer_json, send_raw
from tests.builders.tokens import Issuer
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

_PIXELS = {"name": "pixels", "datatype": "UINT8", "shape": [2, 4], "data": list(range(8))}
_LENGTH = "inference-header-content-length"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {name.lower(): identity(name) for name in DATATYPES}
    models |= {"mlp": {1: softmax_mlp(), 3: softmax_mlp()}}
    root = write_repository(tmp_path_factory.mktemp("models"), models)
    with running_cloud(root, max_message_bytes=1 << 20) as cloud:
        yield cloud


def _rest(cloud: RunningCloud) -> Address:
    assert cloud.app.rest_address is not None
    return cloud.app.rest_address


def _error(answer: HttpAnswer) -> tuple[int, Code, str]:
    code = Code(answer.headers["nearfar-error"])
    assert answer.headers["content-type"] == "application/json"
    return answer.status, code, json.loads(answer.body)["error"]


def test_the_server_and_its_models_are_described(cloud: RunningCloud) -> None:
    server = json.loads(ask(_rest(cloud), "/v2").body)
    assert server["name"] == "nearfar"
    assert "binary_tensor_data" in server["extensions"]
    model = json.loads(ask(_rest(cloud), "/v2/models/mlp").body)
    assert (model["name"], model["versions"], model["platform"]) == ("mlp", ["1", "3"], "onnxruntime_onnx")
    assert model["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 4]}]
    assert model["properties"]["model_digest"].startswith("sha256:")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/health/live", 200),
        ("/v2/health/ready", 200),
        ("/v2/models/mlp/ready", 200),
        ("/v2/models/mlp/versions/3/ready", 200),
        ("/v2/models/mlp/versions/2/ready", 400),
        ("/v2/models/nope/ready", 400),
        ("/v2/models/nope", 404),
        ("/v2/models/mlp/versions/2", 404),
        ("/v2/models", 404),
    ],
)
def test_health_and_metadata_are_told_by_the_status(cloud: RunningCloud, path: str, status: int) -> None:
    answer = ask(_rest(cloud), path)
    assert answer.status == status
    head = ask(_rest(cloud), path, method="HEAD")
    assert (head.status, head.body) == (status, b"")


def test_another_verb_is_told_which_are_taken(cloud: RunningCloud) -> None:
    for path, allowed in (("/v2", "GET, HEAD"), ("/v2/models/mlp/infer", "POST")):
        answer = ask(_rest(cloud), path, method="DELETE")
        assert (answer.status, answer.headers["allow"]) == (405, allowed)


def _value(datatype: str) -> np.ndarray[Any, Any]:
    if datatype == "BYTES":
        return np.array([b"", "ü]".encode(), b'"{'], object)
    if datatype == "BOOL":
        return np.array([True, False, True])
    dtype = DATATYPES[datatype]
    limits = np.iinfo(dtype.name) if dtype.kind in "iu" else np.finfo(dtype.name)
    return np.array([limits.min, 1, limits.max], dtype)


@pytest.mark.parametrize("datatype", DATATYPES)
def test_json_binary_and_grpc_give_the_same_answer(cloud: RunningCloud, datatype: str) -> None:
    sent = _value(datatype)
    over_grpc = decode_response(cloud.stub.ModelInfer(encode_request(datatype.lower(), {"x": sent})))["y"]
    assert over_grpc.tolist() == sent.tolist()

    raw = to_raw("x", sent)
    entry: dict[str, object] = {"name": "x", "datatype": datatype, "shape": [3]}
    head = json.dumps(
        {"inputs": [entry | {"parameters": {"binary_data_size": len(raw)}}], "parameters": {"binary_data_output": True}}
    ).encode()
    path = f"/v2/models/{datatype.lower()}/infer"
    binary = ask(_rest(cloud), path, head + raw, headers={_LENGTH: str(len(head))})
    assert binary.status == 200, binary.body
    at = int(binary.headers[_LENGTH])
    (output,) = json.loads(binary.body[:at])["outputs"]
    assert from_raw("y", output["datatype"], output["shape"], binary.body[at:]).tolist() == sent.tolist()

    texts = [element.decode() for element in sent] if datatype == "BYTES" else sent.tolist()
    plain = infer_json(_rest(cloud), datatype.lower(), {"inputs": [entry | {"data": texts}]})
    if datatype == "FP16":
        assert _error(plain)[:2] == (400, Code.INVALID_INPUT)
    else:
        assert json.loads(plain.body)["outputs"][0]["data"] == texts


def test_the_answer_names_its_version_and_file_and_repeats_the_id(cloud: RunningCloud) -> None:
    answer = infer_json(
        _rest(cloud), "mlp/versions/1", {"id": "r", "inputs": [_PIXELS], "outputs": [{"name": "logits"}]}
    )
    document = json.loads(answer.body)
    assert (document["model_name"], document["model_version"], document["id"]) == ("mlp", "1", "r")
    assert document["parameters"]["model_digest"].startswith("sha256:")
    assert [output["name"] for output in document["outputs"]] == ["logits"]


def test_nan_is_refused_in_json_and_passed_in_binary(cloud: RunningCloud) -> None:
    entry = {"name": "x", "datatype": "FP32", "shape": [1], "parameters": {"binary_data_size": 4}}
    raw = np.array([np.nan], np.float32).tobytes()
    for binary, status in ((True, 200), (False, 400)):
        head = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": binary}}).encode()
        answer = ask(_rest(cloud), "/v2/models/fp32/infer", head + raw, headers={_LENGTH: str(len(head))})
        assert answer.status == status
        assert binary or "as binary data" in _error(answer)[2]


@pytest.mark.parametrize(
    ("path", "document", "code"),
    [
        ("nope", {"inputs": [_PIXELS]}, Code.MODEL_NOT_FOUND),
        ("mlp/versions/2", {"inputs": [_PIXELS]}, Code.MODEL_NOT_FOUND),
        ("mlp/versions/latest", {"inputs": [_PIXELS]}, Code.MODEL_NOT_FOUND),
        ("m" * 200, {"inputs": [_PIXELS]}, Code.INVALID_INPUT),
        ("mlp", {"inputs": []}, Code.INVALID_INPUT),
        ("mlp", {"inputs": [_PIXELS, _PIXELS | {"name": "more"}]}, Code.INVALID_INPUT),
        ("mlp", {"inputs": [_PIXELS | {"shape": [4, 2]}]}, Code.INVALID_INPUT),
        ("mlp", {"inputs": [_PIXELS | {"datatype": "FP32"}]}, Code.INVALID_INPUT),
        ("mlp", {"inputs": [_PIXELS], "outputs": [{"name": "nope"}]}, Code.INVALID_INPUT),
        ("mlp", {"id": "x" * (2 << 20)}, Code.TOO_LARGE),
        ("mlp", {"id": "x" * 800_000}, Code.INVALID_INPUT),
    ],
)
def test_a_refusal_has_the_status_and_the_code_of_the_contract(
    cloud: RunningCloud, path: str, document: dict[str, object], code: Code
) -> None:
    status, found, message = _error(infer_json(_rest(cloud), path, document))
    assert (status, found) == (CODES[code].http, code)
    assert len(message) < 300


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_bodies_may_be_packed_both_ways(cloud: RunningCloud, encoding: str, pack: Any) -> None:
    numbers = [0] * 2000
    body = json.dumps({"inputs": [{"name": "x", "datatype": "INT32", "shape": [2000], "data": numbers}]}).encode()
    headers = {"content-encoding": encoding, "accept-encoding": encoding}
    answer = ask(_rest(cloud), "/v2/models/int32/infer", pack(body), headers=headers)
    assert (answer.status, answer.headers["content-encoding"]) == (200, encoding)
    unpacked = gzip.decompress(answer.body) if encoding == "gzip" else zlib.decompress(answer.body)
    assert json.loads(unpacked)["outputs"][0]["data"] == numbers


def test_a_bomb_is_too_large_by_its_unpacked_size(cloud: RunningCloud) -> None:
    bomb = gzip.compress(bytes(200 << 20), 1)
    answer = ask(_rest(cloud), "/v2/models/int32/infer", bomb, headers={"content-encoding": "gzip"})
    assert _error(answer)[:2] == (413, Code.TOO_LARGE)


@pytest.mark.parametrize(("wanted", "start"), [("json", "JSON {"), ("text", "TEXT "), ("xml", None)])
def test_who_asks_for_the_load_is_told_it(cloud: RunningCloud, wanted: str, start: str | None) -> None:
    headers = {"endpoint-load-metrics-format": wanted}
    told = infer_json(_rest(cloud), "mlp", {"inputs": [_PIXELS]}, **headers).headers.get("endpoint-load-metrics")
    assert (told is None) if start is None else (told or "").startswith(start)


def test_a_body_that_nobody_would_read_is_not_asked_for(cloud: RunningCloud) -> None:
    def answer_to(path: str, length: int) -> bytes:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
        with socket.create_connection((_rest(cloud).host, _rest(cloud).port), timeout=30) as connection:
            connection.sendall(head.encode())
            return connection.recv(1 << 12)

    assert answer_to("/v2/models/mlp/infer", 10).startswith(b"HTTP/1.1 100 Continue\r\n")
    assert answer_to("/v2/models/nope/infer", 10).startswith(b"HTTP/1.1 404")
    assert answer_to("/v2/models/mlp/infer", 2 << 20).startswith(b"HTTP/1.1 413")


def test_one_connection_takes_many_calls(cloud: RunningCloud) -> None:
    one = b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    assert send_raw(_rest(cloud), one * 5, answers=5).count(b"HTTP/1.1 200 OK") == 5


def test_who_is_refused_because_the_service_stops_is_asked_to_connect_elsewhere(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"mlp": softmax_mlp()})) as cloud:
        assert "connection" not in infer_json(cloud.app.rest_address, "mlp", {"inputs": [_PIXELS]}).headers
        cloud.app._service.drain()
        refused = infer_json(cloud.app.rest_address, "mlp", {"inputs": [_PIXELS]})
        assert (refused.status, refused.headers["connection"]) == (503, "close")


def test_every_call_is_counted_by_its_method_and_code(cloud: RunningCloud) -> None:
    before = cloud.count("requests_total", method="rest.ModelInfer", code="OK")
    infer_json(_rest(cloud), "mlp", {"inputs": [_PIXELS]})
    eventually(lambda: cloud.count("requests_total", method="rest.ModelInfer", code="OK") == before + 1)
    ask(_rest(cloud), "/anything")
    eventually(lambda: cloud.count("requests_total", method="rest.unknown", code="UNIMPLEMENTED") > 0)
    assert "anything" not in cloud.metrics()


_ONE = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1], "data": [1]}]}


def _held(tmp_path: Path) -> tuple[Path, HeldBackend]:
    return write_repository(tmp_path, {"m": b"any"}), HeldBackend()


def test_a_call_past_its_timeout_is_ended_and_its_run_stopped(tmp_path: Path) -> None:
    root, backend = _held(tmp_path)
    with running_cloud(root, open_backend=lambda *_: backend) as cloud:
        answer = infer_json(_rest(cloud), "m", _ONE | {"parameters": {"timeout": 100_000}})
        assert _error(answer)[:2] == (504, Code.DEADLINE_EXCEEDED)
        eventually(lambda: backend.running == 0)


def test_a_caller_that_leaves_has_its_run_stopped(tmp_path: Path) -> None:
    root, backend = _held(tmp_path)
    with running_cloud(root, open_backend=lambda *_: backend) as cloud:
        body = json.dumps(_ONE).encode()
        head = f"POST /v2/models/m/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection((_rest(cloud).host, _rest(cloud).port)) as connection:
            connection.sendall(head + body)
            eventually(lambda: backend.running == 1)
        eventually(lambda: backend.running == 0)
        eventually(lambda: cloud.count("requests_total", method="rest.ModelInfer", code="CANCELLED") == 1)


def test_what_a_failing_model_says_stays_in_the_service(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = write_repository(tmp_path, {"m": b"any"})
    with running_cloud(root, open_backend=lambda *_: RaisingBackend(ValueError("canary"))) as cloud:
        answer = infer_json(_rest(cloud), "m", _ONE)
        assert _error(answer)[:2] == (500, Code.INTERNAL)
        assert b"canary" not in answer.body
        assert "canary" not in cloud.metrics()
    assert "canary" not in caplog.text


def test_a_body_that_does_not_come_is_given_up(tmp_path: Path) -> None:
    root = write_repository(tmp_path, {"mlp": softmax_mlp()})
    with running_cloud(root, longest_call_s=0.3) as cloud:
        head = b"POST /v2/models/mlp/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
        with socket.create_connection((_rest(cloud).host, _rest(cloud).port), timeout=30) as connection:
            connection.sendall(head)
            assert connection.recv(1 << 12).startswith(b"HTTP/1.1 504")
            connection.settimeout(30)
            while connection.recv(1 << 12):
                pass


def test_rest_may_be_off(tmp_path: Path) -> None:
    with running_cloud(write_repository(tmp_path, {"mlp": softmax_mlp()}), rest="off") as cloud:
        assert cloud.app.rest_address is None
        assert cloud.stub.ModelInfer(encode_request("mlp", {"pixels": np.ones((1, 4), np.uint8)})).model_name == "mlp"


_ADMINISTRATOR = {"authorization": "Bearer an-administrators-token"}


def test_administrators_change_what_is_served(tmp_path: Path) -> None:
    root = write_repository(tmp_path, {"mlp": {1: softmax_mlp()}, "bad": {2: b"junk"}})
    with running_cloud(root, admin_token="an-administrators-token") as cloud:
        rest = _rest(cloud)

        def change(path: str, document: object = None, **headers: str) -> HttpAnswer:
            body = "" if document is None else json.dumps(document)
            return ask(rest, f"/v2/repository/{path}", body, headers=_ADMINISTRATOR | headers)

        index = json.loads(change("index").body)
        assert {(e["name"], e["version"], e["state"]) for e in index} == {
            ("mlp", "1", "READY"),
            ("bad", "2", "UNAVAILABLE"),
        }
        assert [entry["name"] for entry in json.loads(change("index", {"ready": True}).body)] == ["mlp"]
        assert change("models/mlp/unload", {"parameters": {"unload_dependents": False}}).status == 200
        assert _error(infer_json(rest, "mlp", {"inputs": [_PIXELS]}))[1] in (Code.MODEL_NOT_READY, Code.MODEL_NOT_FOUND)
        assert change("models/mlp/load").status == 200
        assert infer_json(rest, "mlp", {"inputs": [_PIXELS]}).status == 200
        assert change("models/nope/load").status == 404
        assert change("models/bad/load").status == 503
        assert change("models/mlp/load", {"parameters": {"config": "{}"}}).status == 400


def test_why_a_version_cannot_answer_is_told_to_administrators_only(tmp_path: Path) -> None:
    root = write_repository(tmp_path, {"bad": b"junk"})
    with running_cloud(root, admin_token="an-administrators-token") as cloud:
        for headers, told in ((_ADMINISTRATOR, True), ({}, False)):
            (entry,) = json.loads(ask(_rest(cloud), "/v2/repository/index", "", headers=headers).body)
            assert (entry["state"], bool(entry["reason"])) == ("UNAVAILABLE", told)


@pytest.mark.parametrize("path", ["models/mlp/load", "models/mlp/unload"])
def test_nobody_else_changes_what_is_served(cloud: RunningCloud, path: str) -> None:
    status, code, _ = _error(ask(_rest(cloud), f"/v2/repository/{path}", ""))
    assert (status, code) == (401, Code.UNAUTHENTICATED)


def test_who_calls_is_known_before_a_body_is_read(tmp_path: Path) -> None:
    root = write_repository(tmp_path / "models", {"mlp": softmax_mlp()})
    issuer = Issuer()
    (tmp_path / "keys.pem").write_bytes(issuer.public_pem)
    with running_cloud(root, token_keys=tmp_path / "keys.pem", token_audience="nearfar") as cloud:
        rest = _rest(cloud)
        document = {"inputs": [_PIXELS]}
        good = issuer.token(aud="nearfar")
        assert infer_json(rest, "mlp", document, authorization=f"Bearer {good}").status == 200
        expired, foreign = issuer.token(aud="nearfar", exp=1), Issuer().token(aud="nearfar")
        for wrong in ("", f"Bearer {expired}", f"Bearer {foreign}", f"Basic {good}", f"Bearer {good}, Bearer {good}"):
            answer = infer_json(rest, "mlp", document, authorization=wrong)
            assert _error(answer)[:2] == (401, Code.UNAUTHENTICATED)
            assert answer.headers["www-authenticate"] == "Bearer"
        head = b"POST /v2/models/mlp/infer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
        assert send_raw(rest, head).startswith(b"HTTP/1.1 401")
        assert ask(rest, "/v2/models/mlp").status == 401
        assert ask(rest, "/v2/health/ready").status == 200, "whoever probes has no credential"


def test_the_port_speaks_tls_and_a_client_s_certificate_names_it(tmp_path: Path) -> None:
    root = write_repository(tmp_path / "models", {"mlp": softmax_mlp()})
    authority = Authority(tmp_path / "ca")
    chain, key = authority.issue("localhost")
    settings = {"tls_certificate": chain, "tls_key": key, "tls_client_ca": authority.file}
    with running_cloud(root, **settings) as cloud:
        context = ssl.create_default_context(cafile=authority.file)
        body = json.dumps({"inputs": [_PIXELS]})
        with pytest.raises((ssl.SSLError, ConnectionError)):
            _over_tls(cloud, context, body)
        context.load_cert_chain(*authority.issue("device"))
        assert _over_tls(cloud, context, body) == 200


def _over_tls(cloud: RunningCloud, context: ssl.SSLContext, body: str) -> int:
    connection = http.client.HTTPSConnection("localhost", _rest(cloud).port, timeout=30, context=context)
    try:
        connection.request("POST", "/v2/models/mlp/infer", body)
        return connection.getresponse().status
    finally:
        connection.close()
