"""Whatever a stranger sends: one refusal that names what is wrong and no value, and the service goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import grpc
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.service import method_path
from nearfar_wire.status import Code, code_from_status
from nearfar_wire.tensors import decode_response, encode_request
from tests.builders.clouds import RunningCloud, refused, running_cloud
from tests.builders.onnx_models import identity, softmax_mlp
from tests.builders.repositories import write_repository
from tests.builders.rest import infer_json, send_raw

pytestmark = pytest.mark.wide

_LIMIT = 256 << 10
_GOOD = {"pixels": np.ones((2, 4), np.uint8)}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    models: dict[str, bytes | dict[int, bytes]] = {
        "mlp": softmax_mlp(),
        "floats": identity("FP32"),
        "bytes": identity("BYTES"),
    }
    with running_cloud(write_repository(tmp_path_factory.mktemp("models"), models), max_message_bytes=_LIMIT) as cloud:
        yield cloud


def _pixels(shape: Sequence[int], raw: bytes | None = bytes(8), datatype: str = "UINT8") -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="mlp")
    request.inputs.add(name="pixels", datatype=datatype, shape=shape)
    if raw is not None:
        request.raw_input_contents.append(raw)
    return request


def _twice() -> pb.ModelInferRequest:
    request = _pixels([2, 4])
    request.inputs.add().CopyFrom(request.inputs[0])
    request.raw_input_contents.append(bytes(8))
    return request


def _both() -> pb.ModelInferRequest:
    request = _pixels([2, 4])
    request.inputs[0].contents.uint_contents.extend([0] * 8)
    return request


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        pytest.param(_pixels([2, 4], bytes(7)), "pixels", id="C1 raw is shorter than its shape"),
        pytest.param(_pixels([2, 4], bytes(9)), "pixels", id="C1 raw is longer than its shape"),
        pytest.param(_both(), "pixels", id="C2 typed and raw"),
        pytest.param(_twice(), "pixels", id="C11 an input twice"),
        pytest.param(_pixels([-1, 4]), "pixels", id="C3 a size of -1"),
        pytest.param(_pixels([2**31, 2**31]), "pixels", id="C3 2^62 elements"),
        pytest.param(_pixels([2**63 - 1, 4]), "pixels", id="C3 more elements than an integer holds"),
        pytest.param(_pixels([1] * 1000), "pixels", id="C3 a thousand dimensions"),
        pytest.param(_pixels([2, 4], datatype="BF16"), "BF16", id="C4 a datatype that numpy lacks"),
        pytest.param(_pixels([2, 4], datatype="FP32"), "pixels", id="C4 another datatype than the contract's"),
        pytest.param(_pixels([1, 8]), "pixels", id="C11 another shape than the contract's"),
        pytest.param(_pixels([2, 4], None), "pixels", id="no contents"),
        pytest.param(encode_request("mlp", {}), "pixels", id="C11 a missing input"),
        pytest.param(encode_request("mlp", _GOOD | {"more": np.ones(1)}), "more", id="C11 an extra input"),
        pytest.param(encode_request("mlp", _GOOD, outputs=["labels"]), "labels", id="C11 an unknown output"),
        pytest.param(encode_request("mlp", _GOOD, outputs=["logits"] * 2), "logits", id="an output twice"),
    ],
)
def test_C1_to_C11_a_tensor_that_is_not_what_it_says_is_refused_by_its_name(
    cloud: RunningCloud, request_: pb.ModelInferRequest, named: str
) -> None:
    code, message = refused(lambda: cloud.stub.ModelInfer(request_))
    assert code is Code.INVALID_INPUT
    assert named in message
    assert cloud.stub.ModelInfer(encode_request("mlp", _GOOD)).model_name == "mlp"


@pytest.mark.parametrize(
    ("model", "version", "code"),
    [
        ("nope", "", Code.MODEL_NOT_FOUND),
        ("", "", Code.MODEL_NOT_FOUND),
        ("../mlp", "", Code.MODEL_NOT_FOUND),
        ("mlp\0", "", Code.MODEL_NOT_FOUND),
        ("mlp", "9", Code.MODEL_NOT_FOUND),
        ("mlp", "latest", Code.MODEL_NOT_FOUND),
        ("m" * 10_000, "", Code.INVALID_INPUT),
    ],
)
def test_C11_an_unknown_model_or_version_is_not_found(
    cloud: RunningCloud, model: str, version: str, code: Code
) -> None:
    found, message = refused(lambda: cloud.stub.ModelInfer(encode_request(model, _GOOD, version=version)))
    assert found is code
    assert len(message) < 300
    metadata = pb.ModelMetadataRequest(name=model, version=version)
    assert refused(lambda: cloud.stub.ModelMetadata(metadata))[0] is code
    assert not cloud.stub.ModelReady(pb.ModelReadyRequest(name=model, version=version)).ready


def test_B11_a_request_over_the_limit_is_too_large(cloud: RunningCloud) -> None:
    request = encode_request("floats", {"x": np.zeros(_LIMIT // 4, np.float32)})
    assert refused(lambda: cloud.stub.ModelInfer(request))[0] is Code.TOO_LARGE


def test_B11_an_answer_over_the_limit_is_refused_and_not_sent(cloud: RunningCloud) -> None:
    # The answer repeats the input and adds the model's name, version and digest.
    request = encode_request("floats", {"x": np.zeros(_LIMIT // 4 - 20, np.float32)})
    assert request.ByteSize() < _LIMIT
    assert refused(lambda: cloud.stub.ModelInfer(request))[0] is Code.TOO_LARGE


def test_C5_a_bomb_of_gzip_is_too_large(cloud: RunningCloud) -> None:
    request = encode_request("floats", {"x": np.zeros(4 << 20, np.float32)})
    gzip = grpc.Compression.Gzip
    assert refused(lambda: cloud.stub.ModelInfer(request, compression=gzip))[0] is Code.TOO_LARGE


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param([("x-note", "n" * 20_000)], id="20 kB"),
        pytest.param([(f"x-{i}", "") for i in range(10_000)], id="10,000 keys"),
    ],
)
def test_C6_too_much_metadata_is_refused(cloud: RunningCloud, metadata: list[tuple[str, str]]) -> None:
    request = encode_request("mlp", _GOOD)
    assert refused(lambda: cloud.stub.ModelInfer(request, metadata=metadata))[0] in (Code.OVERLOADED, Code.TOO_LARGE)
    assert cloud.stub.ModelInfer(request, metadata=[("x-note-bin", b"\xff\0")]).model_name == "mlp"


def _raw(cloud: RunningCloud, message: bytes) -> Code | None:
    call = cloud.channel.unary_unary(method_path("ModelInfer"), bytes, bytes).future(message)
    error = call.exception(30)
    return None if error is None else code_from_status(call.code(), list(call.trailing_metadata()))


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_C7_bytes_that_are_no_message_are_refused(cloud: RunningCloud, message: bytes) -> None:
    assert _raw(cloud, message) in (Code.INVALID_INPUT, Code.MODEL_NOT_FOUND)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"\xff" * 99, id="garbage"),
        pytest.param(b"\x0a\x02\xff\xff", id="not UTF-8"),
        pytest.param(b"\x78\x01" * 1000, id="longer than any"),
    ],
)
@pytest.mark.parametrize("method", ["Check", "Watch"])
def test_C7_bytes_that_are_no_question_of_health_are_refused_in_our_words(
    cloud: RunningCloud, method: str, message: bytes
) -> None:
    """The parser's own words went to whoever asked, who needs no credential for it."""
    call = cloud.channel.unary_stream(f"/grpc.health.v1.Health/{method}", bytes, bytes)(message, timeout=30)
    assert refused(lambda: next(call)) == (
        Code.INVALID_INPUT,
        "this is no HealthCheckRequest, which is a short message",
    )


_VALID = encode_request("mlp", _GOOD, request_id="r", outputs=["probabilities"]).SerializeToString()


@given(st.integers(0, len(_VALID) - 1), st.integers(0, 255), st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_C7_a_damaged_message_is_answered_or_refused_and_never_an_accident(
    cloud: RunningCloud, place: int, byte: int, cut: bool
) -> None:
    damaged = _VALID[:place] + bytes([byte]) + (b"" if cut else _VALID[place + 1 :])
    assert _raw(cloud, damaged) in (None, Code.INVALID_INPUT, Code.MODEL_NOT_FOUND)


def test_C8_odd_floats_pass_unchanged_where_no_contract_forbids_them(cloud: RunningCloud) -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1e-45, -0.0], np.float32)
    answer = decode_response(cloud.stub.ModelInfer(encode_request("floats", {"x": odd})))["y"]
    assert answer.tobytes() == odd.tobytes()


@pytest.mark.parametrize(
    ("element", "code"),
    [
        pytest.param(b"", None, id="empty"),
        pytest.param(b"a\0b", None, id="NUL"),
        pytest.param("\u202eשלום z\u0351\u036b".encode(), None, id="right to left, zalgo"),
        pytest.param(b"x" * 100_000, None, id="long"),
        pytest.param(b"\xff\xfe", Code.INVALID_INPUT, id="not UTF-8"),
        pytest.param(b"\xed\xa0\x80", Code.INVALID_INPUT, id="a lone surrogate"),
    ],
)
def test_C9_strings_go_through_unchanged_or_are_refused(cloud: RunningCloud, element: bytes, code: Code | None) -> None:
    request = encode_request("bytes", {"x": np.array([element], object)})
    if code is None:
        assert decode_response(cloud.stub.ModelInfer(request))["y"].tolist() == [element]
    else:
        assert refused(lambda: cloud.stub.ModelInfer(request))[0] is code


def test_C13_an_empty_batch_has_an_empty_answer(cloud: RunningCloud) -> None:
    request = encode_request("mlp", {"pixels": np.ones((0, 4), np.uint8)})
    assert decode_response(cloud.stub.ModelInfer(request))["probabilities"].shape == (0, 3)


@pytest.mark.parametrize(("timeout_s", "code"), [(-1, Code.DEADLINE_EXCEEDED), (3e8, None), (None, None)])
def test_C14_a_deadline_in_the_past_is_exceeded_and_one_in_ten_years_is_none(
    cloud: RunningCloud, timeout_s: float | None, code: Code | None
) -> None:
    request = encode_request("mlp", _GOOD)
    if code is None:
        assert cloud.stub.ModelInfer(request, timeout=timeout_s).model_name == "mlp"
    else:
        assert refused(lambda: cloud.stub.ModelInfer(request, timeout=timeout_s))[0] is code


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"X-Note: " + b"n" * 20_000, id="20 kB"),
        pytest.param(b"\r\n".join(b"X-%d: v" % number for number in range(10_000)), id="10,000 headers"),
        pytest.param(b"X-\xff\xfe: v", id="a name that is not ASCII"),
        pytest.param(b"X-Note: a\0b", id="NUL"),
    ],
)
def test_C6_a_head_that_no_client_needs_is_refused_over_rest(cloud: RunningCloud, head: bytes) -> None:
    answer = send_raw(cloud.app.rest_address, b"GET /v2 HTTP/1.1\r\nHost: h\r\n" + head + b"\r\n\r\n")
    assert answer.split()[1] in (b"400", b"431")
    assert cloud.stub.ServerLive(pb.ServerLiveRequest()).live


@pytest.mark.parametrize(
    ("timeout_us", "status"),
    [(0, 200), (1, 504), (-1, 400), (10 * 365 * 86_400 * 10**6, 200), (10**30, 400), ("1", 400)],
)
def test_C14_a_timeout_over_rest_is_held_cut_or_refused(
    cloud: RunningCloud, timeout_us: int | str, status: int
) -> None:
    pixels = {"name": "pixels", "datatype": "UINT8", "shape": [1, 4], "data": [1, 2, 3, 4]}
    document = {"parameters": {"timeout": timeout_us}, "inputs": [pixels]}
    assert infer_json(cloud.app.rest_address, "mlp", document).status == status


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param([], 200, id="empty"),
        pytest.param([[1, 2, 3, 4], [5, 6, 7]], 400, id="ragged"),
        pytest.param([[1, 2], [3, 4]], 400, id="nested otherwise"),
    ],
)
def test_C13_a_batch_over_rest_is_whole_or_refused(cloud: RunningCloud, data: list[object], status: int) -> None:
    pixels = {"name": "pixels", "datatype": "UINT8", "shape": [len(data), 4], "data": data}
    assert infer_json(cloud.app.rest_address, "mlp", {"inputs": [pixels]}).status == status
