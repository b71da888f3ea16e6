"""Whatever bytes a stranger sends to the REST port: one clear refusal, no incident, and the service goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.builders.clouds import RunningCloud, running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.rest import infer_json, send_raw

pytestmark = pytest.mark.wide

_GOOD = {"inputs": [{"name": "pixels", "datatype": "UINT8", "shape": [1, 4], "data": [1, 2, 3, 4]}]}
_LENGTH = "Inference-Header-Content-Length"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {"mlp": softmax_mlp(), "floats": identity("FP32")}
    with running_cloud(
        write_repository(tmp_path_factory.mktemp("models"), models), max_message_bytes=1 << 20, longest_call_s=0.5
    ) as cloud:
        yield cloud


def _post(body: bytes | str, *headers: str, path: str = "/v2/models/mlp/infer", length: int | None = None) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + content


def _chunked(body: bytes) -> bytes:
    return b"POST /v2/models/mlp/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def _input(text: str) -> bytes:
    return _post(f'{{"inputs": [{text}]}}')


def _pixels(**changed: object) -> bytes:
    return _post(json.dumps({"inputs": [_GOOD["inputs"][0] | changed]}))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        # bodies
        pytest.param(_post(""), 400, id="no body"),
        pytest.param(_post("null"), 400, id="null"),
        pytest.param(_post("[]"), 400, id="an array"),
        pytest.param(_post('"text"'), 400, id="a string"),
        pytest.param(_post("{"), 400, id="half an object"),
        pytest.param(_post("{}"), 400, id="no inputs"),
        pytest.param(_post("{}{}"), 400, id="two objects"),
        pytest.param(_post("<html/>"), 400, id="HTML"),
        pytest.param(_post(b"\x0a\x03mlp"), 400, id="protobuf"),
        pytest.param(_post(b"\xff\xfe{\x00}\x00"), 400, id="UTF-16"),
        pytest.param(_post(b"\xef\xbb\xbf{}"), 400, id="a byte order mark"),
        pytest.param(_post(b'{"id": "\xff"}'), 400, id="not UTF-8"),
        pytest.param(_post(b"\0" * 1000), 400, id="NUL"),
        pytest.param(_post("[" * 100_000), 400, id="100,000 brackets"),
        pytest.param(_post('{"a":' * 100_000), 400, id="100,000 objects"),
        pytest.param(_post('{"id": 1%s}' % ("0" * 100_000)), 400, id="an integer of 100,000 digits"),
        pytest.param(_post('{"id": "a", "id": "b"}'), 400, id="a key twice"),
        pytest.param(_post('{"inputs": [], "inputs": []}'), 400, id="inputs twice"),
        pytest.param(_post('{"id": "%s"}' % ("x" * 300)), 400, id="a long id"),
        pytest.param(_post('{"parameters": {"timeout": -1}}'), 400, id="a timeout of -1"),
        pytest.param(_post('{"parameters": {"timeout": 1e400}}'), 400, id="a timeout of infinity"),
        pytest.param(_post('{"parameters": {"priority": "high"}}'), 400, id="a priority in words"),
        pytest.param(_post("{}" + " " * 800_000), 400, id="too much JSON"),
        pytest.param(_post(" " * (2 << 20)), 413, id="too long"),
        # tensors
        pytest.param(_input("1"), 400, id="an input is a number"),
        pytest.param(_input("{}"), 400, id="an input is empty"),
        pytest.param(_input('{"name": "pixels"}'), 400, id="an input is a name"),
        pytest.param(_pixels(data=None), 400, id="no data"),
        pytest.param(_pixels(data=7), 400, id="data is a number"),
        pytest.param(_pixels(data="AQIDBA=="), 400, id="data is base64"),
        pytest.param(_pixels(data=[1, 2, 3]), 400, id="too few"),
        pytest.param(_pixels(data=[1, 2, 3, 4, 5]), 400, id="too many"),
        pytest.param(_pixels(data=[[1, 2], [3, 4]]), 400, id="nested otherwise"),
        pytest.param(_pixels(data=[[1, 2, 3, 4], [1]]), 400, id="ragged"),
        pytest.param(_pixels(data=[1, 2, 3, 256]), 400, id="out of range"),
        pytest.param(_pixels(data=[1, 2, 3, -1]), 400, id="negative"),
        pytest.param(_pixels(data=[1, 2, 3, 4.5]), 400, id="a fraction"),
        pytest.param(_pixels(data=[1, 2, 3, None]), 400, id="null among numbers"),
        pytest.param(_pixels(data=[1, 2, 3, float("nan")]), 400, id="NaN"),
        pytest.param(_pixels(data=["1", "2", "3", "4"]), 400, id="strings"),
        pytest.param(_pixels(shape=[-1, 4]), 400, id="a dimension of -1"),
        pytest.param(_pixels(shape=[1 << 62, 4]), 400, id="2^64 elements"),
        pytest.param(_pixels(shape=[1] * 1000), 400, id="1,000 dimensions"),
        pytest.param(_pixels(shape="[1, 4]"), 400, id="a shape in quotes"),
        pytest.param(_pixels(datatype="FLOAT"), 400, id="an unknown datatype"),
        pytest.param(_pixels(datatype="BF16"), 400, id="BF16"),
        pytest.param(_pixels(name="x" * 10_000), 400, id="a name of 10,000 characters"),
        pytest.param(_pixels(name="\ud800"), 400, id="a lone surrogate for a name"),
        pytest.param(_pixels(parameters={"shared_memory_region": "r"}), 400, id="shared memory"),
        pytest.param(_pixels(parameters={"binary_data_size": 4}), 400, id="both forms"),
        # the binary extension
        pytest.param(_post("{}", f"{_LENGTH}: 0"), 400, id="a JSON of no length"),
        pytest.param(_post("{}", f"{_LENGTH}: -2"), 400, id="a JSON of negative length"),
        pytest.param(_post("{}", f"{_LENGTH}: 3"), 400, id="a JSON longer than the body"),
        pytest.param(_post("{}", f"{_LENGTH}: {'9' * 500}"), 400, id="a length of 500 digits"),
        pytest.param(_post("{}", f"{_LENGTH}: 2, 2"), 400, id="two lengths"),
        pytest.param(_post("{}" + "x" * 8, f"{_LENGTH}: 2"), 400, id="bytes that nobody wants"),
        # encodings and framing
        pytest.param(_post("{}", "Content-Encoding: br"), 400, id="an unknown encoding"),
        pytest.param(_post("{}", "Content-Encoding: gzip"), 400, id="not gzip"),
        pytest.param(_post("{}", "Content-Encoding: gzip, gzip"), 400, id="gzip twice"),
        pytest.param(_post("{}", "Expect: a-miracle"), 400, id="another expectation"),
        pytest.param(_post("{}", "Transfer-Encoding: chunked"), 400, id="two framings"),
        pytest.param(_post("{}", "Content-Length: 5"), 400, id="two lengths of the body"),
        pytest.param(_chunked(b"zz\r\n{}\r\n0\r\n\r\n"), 400, id="a chunk of no length"),
        pytest.param(_chunked(b"ffffffffffffffffff\r\n{}"), 400, id="a chunk of 2^72"),
        pytest.param(
            _chunked(b"100000\r\n" + b" " * (1 << 20) + b"\r\n2\r\n  \r\n0\r\n\r\n"), 413, id="chunks too long"
        ),
        pytest.param(_post("{", length=50), 504, id="a body that does not come"),
        # heads
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, id="TLS to a plaintext port"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
        pytest.param(b"GET /v2\r\n\r\n", 400, id="HTTP/0.9"),
        pytest.param(b"GET /v2 HTTP/9.9\r\nHost: x\r\n\r\n", 400, id="HTTP/9.9"),
        pytest.param(b"GET /v2 HTTP/1.1\r\nno colon\r\n\r\n", 400, id="a header without a colon"),
        pytest.param(b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 431, id="an endless path"),
        pytest.param(b"GET /v2 HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431, id="an endless header"),
        pytest.param(b"GET /v2 HTTP/1.1\r\n" + b"X: 1\r\n" * 10_000 + b"\r\n", 400, id="10,000 headers"),
        pytest.param(b"GET /%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="a path of odd bytes"),
        pytest.param(b"GET http://elsewhere/v2x HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="a proxy's path"),
        pytest.param(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="a tunnel"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404, id="asterisk"),
        # paths
        pytest.param(_post("{}", path="/v2/models/%2e%2e%2f/infer"), 404, id="a model above"),
        pytest.param(_post("{}", path="/v2/models//infer"), 404, id="a model without a name"),
        pytest.param(_post("{}", path="/v2/models/mlp%00/infer"), 404, id="a model with NUL"),
        pytest.param(_post("{}", path="/v2/models/mlp/versions/-1/infer"), 404, id="a version of -1"),
        pytest.param(_post("{}", path=f"/v2/models/{'m' * 5000}/infer"), 400, id="a model of 5,000 characters"),
    ],
)
def test_what_is_malformed_is_refused_and_the_service_goes_on(
    cloud: RunningCloud, caplog: pytest.LogCaptureFixture, request_: bytes, status: int
) -> None:
    answer = send_raw(cloud.app.rest_address, request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/"), answer[:300]
    assert int(head.split(b" ")[1]) == status, answer[:300]
    told = json.loads(body)
    assert list(told) == ["error"]
    assert 0 < len(told["error"]) < 300
    assert "incident" not in caplog.text
    assert infer_json(cloud.app.rest_address, "mlp", _GOOD).status == 200


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        pytest.param(b"GET /v2 HTTP/1.1\r\n\r\n", "one Host", id="no host"),
        pytest.param(b"GET /v2 HTTP/1.1\nHost: x\n\n", "end in CRLF", id="line feeds alone"),
        pytest.param(b"GET /v2 HTTP/1.1\r\nHost: x\r\n" + b"X: 1\r\n" * 200 + b"\r\n", "100 lines", id="200 lines"),
        pytest.param(b"GET /v2 HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", "longer than 12288", id="a long line"),
        pytest.param(b"GET /v2/logging HTTP/1.1\r\nHost: x\r\n\r\n", "GET /v2 names", id="logs"),
    ],
)
def test_who_comes_close_to_the_protocol_is_told_what_is_missing(
    cloud: RunningCloud, request_: bytes, told: str
) -> None:
    """A head without a Host, of line feeds or of too many lines was said to be no HTTP, and a path of an extension that
    is not there to begin with something else than /v2."""
    assert told in json.loads(send_raw(cloud.app.rest_address, request_).partition(b"\r\n\r\n")[2])["error"]
