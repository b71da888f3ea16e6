"""The envelope says what the parser and decode_request say, of every message, and refuses what no request needs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import example, given
from hypothesis import strategies as st

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.envelope import MAX_HEAD_BYTES, MAX_PARTS, open_envelope
from nearfar_wire.errors import MessageError, TensorError
from nearfar_wire.fields import MAX_FIELDS
from nearfar_wire.tensors import decode_request, encode_request
from tests.wire.mutation import mutations

TENSORS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "text": np.array([b"a", b""], dtype=object)}
NUMBERS = [datatype for datatype in DATATYPES if datatype not in (BYTES, "FP16")]


def head_of(request: pb.ModelInferRequest) -> pb.ModelInferRequest:
    head = pb.ModelInferRequest()
    head.CopyFrom(request)
    head.ClearField("inputs")
    head.ClearField("raw_input_contents")
    head.DiscardUnknownFields()
    return head


def decoded(tensors: dict[str, np.ndarray[Any, Any]]) -> list[tuple[object, ...]]:
    return [(name, array.dtype, array.shape, array.tolist()) for name, array in tensors.items()]


def request() -> pb.ModelInferRequest:
    request = encode_request("m", TENSORS, version="2", request_id="r", outputs=["p", "q"])
    request.parameters["priority"].int64_param = 1
    request.outputs[0].parameters["anything"].bool_param = True
    return request


def typed_request() -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(model_name="m")
    for datatype in NUMBERS:
        one = request.inputs.add(name=datatype, datatype=datatype, shape=[2, 1])
        field = {"FP32": "fp32", "FP64": "fp64", "BOOL": "bool", "INT64": "int64", "UINT64": "uint64"}.get(datatype)
        field = field or ("uint" if datatype.startswith("U") else "int")
        getattr(one.contents, f"{field}_contents").extend([1, 0])
    request.inputs.add(name="text", datatype="BYTES", shape=[2]).contents.bytes_contents.extend([b"", b"ab"])
    return request


@pytest.mark.parametrize("made", [request, typed_request, pb.ModelInferRequest], ids=["raw", "typed", "empty"])
def test_a_request_is_read_as_the_parser_reads_it(made: Any) -> None:
    envelope = open_envelope(made().SerializeToString())
    assert envelope.head == head_of(made())
    assert decoded(envelope.tensors()) == decoded(decode_request(made()))


@given(mutations(request().SerializeToString()) | mutations(typed_request().SerializeToString()) | st.binary())
@example(b"\x2a\x04\x2a\x02\x12\x00")
def test_whatever_the_bytes_both_ways_agree(content: bytes) -> None:
    """The envelope may refuse more, by its bounds and for groups; what it takes, the parser reads alike."""
    try:
        envelope = open_envelope(content)
        ours = decoded(envelope.tensors())
    except (MessageError, TensorError) as error:
        if isinstance(error, TensorError):
            with pytest.raises((DecodeError, TensorError)):
                decode_request(pb.ModelInferRequest.FromString(content))
        return
    theirs = pb.ModelInferRequest.FromString(content)
    assert envelope.head == head_of(theirs)
    assert repr(ours) == repr(decoded(decode_request(theirs)))  # NaN is not itself


@given(mutations(request().SerializeToString()) | mutations(typed_request().SerializeToString()))
def test_what_the_parser_takes_is_refused_for_a_reason_of_our_own_alone(content: bytes) -> None:
    try:
        decode_request(pb.ModelInferRequest.FromString(content))
    except (DecodeError, TensorError, MessageError):
        return
    if not has_groups(content):
        open_envelope(content).tensors()


def has_groups(content: bytes) -> bool:
    """Roughly: a group is the one thing that proto3 does not have, and mutated bytes may."""
    return any(byte & 7 in (3, 4) for byte in content)


def test_fields_come_in_any_order_and_the_last_one_of_a_kind_wins() -> None:
    parts = [
        encode_request("first", {}).SerializeToString(),
        b"".join(b"\x3a" + bytes([len(raw)]) + raw for raw in request().raw_input_contents),
        pb.ModelInferRequest(inputs=request().inputs).SerializeToString(),
        pb.ModelInferRequest(model_name="last", id="i").SerializeToString(),
    ]
    envelope = open_envelope(b"".join(parts))
    assert (envelope.head.model_name, envelope.head.id) == ("last", "i")
    assert decoded(envelope.tensors()) == decoded(TENSORS)


def test_what_a_newer_peer_adds_is_left_unread() -> None:
    one = request().inputs[0].SerializeToString() + b"\xfa\x01\x03new" + b"\xf0\x01\x01"
    content = pb.ModelInferRequest(model_name="m").SerializeToString() + b"\xfa\x01\xff\x7f" + bytes(16383)
    content += b"\x2a" + bytes([len(one)]) + one + b"\x3a\x18" + TENSORS["x"].tobytes()
    envelope = open_envelope(content)
    assert envelope.head == pb.ModelInferRequest(model_name="m")
    assert decoded(envelope.tensors()) == decoded({"x": TENSORS["x"]})


def test_a_known_number_of_another_kind_is_an_unknown_field() -> None:
    content = encode_request("m", {"x": TENSORS["x"]}).SerializeToString() + b"\x28\x01" + b"\x38\x01" + b"\x08\x01"
    assert decoded(open_envelope(content).tensors()) == decoded({"x": TENSORS["x"]})


def test_raw_contents_are_views_over_the_message_and_copied_only_where_they_lie_askew() -> None:
    array = np.arange(1000, dtype=np.float64)
    shared = 0
    for length in range(1, 9):
        content = encode_request("m" * length, {"x": array}).SerializeToString()
        tensor = open_envelope(content).tensors()["x"]
        assert tensor.flags.aligned and np.array_equal(tensor, array)
        shared += not tensor.flags.owndata and np.shares_memory(tensor, np.frombuffer(content, np.uint8))
    assert shared == 1  # one address in eight is a double's


def repeated(field: bytes, times: int) -> bytes:
    return field * times


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(repeated(b"\x2a\x00", MAX_PARTS + 1), "parts", id="inputs"),
        pytest.param(repeated(b"\x3a\x00", MAX_PARTS + 1), "parts", id="raw contents"),
        pytest.param(repeated(b"\x32\x00", MAX_PARTS + 1), "parts", id="outputs"),
        pytest.param(repeated(b"\x22\x00", MAX_PARTS + 1), "parts", id="parameters"),
        pytest.param(repeated(b"\x78\x01", MAX_PARTS + 1), "parts", id="unknown fields"),
        pytest.param(b"\x0a\x81\x80\x04" + bytes(65537), f"{MAX_HEAD_BYTES} bytes", id="a name"),
        pytest.param(b"\x32\x80\x80\x04" + repeated(b"\x12\x00", 32768), "bytes", id="an output's parameters"),
        pytest.param(b"\x2a\x84\x80\x04" + b"\x1a\x80\x80\x04" + bytes(65536), "bytes", id="a shape"),
        pytest.param(b"\x2a\x82\x80\x04" + repeated(b"\x18\x01", 32769), "parts", id="a shape of single numbers"),
        pytest.param(
            b"\x2a\x80\x80\x40" + repeated(b"\x78\x01", 1 << 19), f"{MAX_FIELDS} fields", id="an input's unknown fields"
        ),
        pytest.param(b"\x2a\x02\x0a\xff", "damaged", id="a damaged input"),
        pytest.param(b"\x0a\x01\xff", "no ModelInferRequest", id="a name that is no text"),
        pytest.param(b"\x2a\x03\x0a\x01\xff", "no ModelInferRequest", id="an input's name that is no text"),
    ],
)
def test_what_no_request_needs_is_refused(content: bytes, says: str) -> None:
    with pytest.raises(MessageError, match=says):
        open_envelope(content).tensors()


def test_strings_are_counted_over_all_inputs() -> None:
    half = np.full(MAX_FIELDS // 2, b"", dtype=object)
    too_many = encode_request("m", {"a": half, "b": half, "c": half})
    for read in (lambda: open_envelope(too_many.SerializeToString()).tensors(), lambda: decode_request(too_many)):
        with pytest.raises(TensorError, match=f"'c'|'b'.*at most {MAX_FIELDS}"):
            read()
