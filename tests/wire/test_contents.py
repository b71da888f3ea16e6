"""Typed contents: one field a datatype, as many elements as the shape says, each within its range."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire.contents import FIELDS, from_contents
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.errors import MessageError, TensorError
from nearfar_wire.fields import Allowance
from nearfar_wire.inference_pb2 import InferTensorContents

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def read(datatype: str, shape: Sequence[int], *parts: InferTensorContents, name: str = "x") -> np.ndarray[Any, Any]:
    message = b"".join(part.SerializeToString() for part in parts)
    return from_contents(name, datatype, shape, message, Allowance())


def typed(datatype: str, values: list[Any]) -> InferTensorContents:
    contents = InferTensorContents()
    getattr(contents, FIELDS[datatype]).extend(values)
    return contents


def test_every_datatype_but_FP16_has_a_field() -> None:
    assert set(FIELDS) == set(DATATYPES) - {"FP16"}
    assert set(FIELDS.values()) == {field.name for field in InferTensorContents.DESCRIPTOR.fields}


@pytest.mark.parametrize("datatype", sorted(set(FIELDS) - {BYTES}))
@given(data=st.data())
def test_numbers_are_read_to_the_bit(datatype: str, data: st.DataObject) -> None:
    array = data.draw(hnp.arrays(DATATYPES[datatype], SHAPES))
    if array.dtype.kind == "f":
        array = np.where(
            np.isnan(array), array.dtype.type(np.nan), array
        )  # which NaN it is may change on the way through Python's float
    decoded = read(datatype, array.shape, typed(datatype, array.ravel().tolist()))
    assert (decoded.shape, decoded.dtype) == (array.shape, array.dtype)
    assert decoded.tobytes() == array.tobytes()


@given(hnp.arrays(object, SHAPES, elements=st.binary(max_size=20)))
def test_bytes_are_read(array: np.ndarray[Any, Any]) -> None:
    decoded = read(BYTES, array.shape, typed(BYTES, array.ravel().tolist()))
    assert decoded.shape == array.shape
    assert decoded.ravel().tolist() == array.ravel().tolist()


@pytest.mark.parametrize(
    ("datatype", "value"),
    [("INT8", 128), ("INT8", -129), ("INT16", 1 << 15), ("INT16", -(1 << 15) - 1), ("UINT8", 256), ("UINT16", 1 << 16)],
)
def test_a_value_that_does_not_fit_is_refused_and_not_wrapped(datatype: str, value: int) -> None:
    with pytest.raises(TensorError, match=f"does not fit {datatype}"):
        read(datatype, [2], typed(datatype, [0, value]))


@pytest.mark.parametrize("datatype", ["INT8", "INT16", "UINT8", "UINT16"])
def test_the_ends_of_the_range_fit(datatype: str) -> None:
    limits = np.iinfo(DATATYPES[datatype].name)
    decoded = read(datatype, [2], typed(datatype, [limits.min, limits.max]))
    assert decoded.tolist() == [limits.min, limits.max]


@pytest.mark.parametrize(
    ("datatype", "shape", "contents", "says"),
    [
        pytest.param("FP16", [1], typed("FP32", [1.0]), "FP16 has no typed contents; send it as raw", id="C4 FP16"),
        pytest.param("FP16", [0], InferTensorContents(), "FP16 has no typed contents", id="C4 empty FP16"),
        pytest.param("BF16", [1], typed("FP32", [1.0]), "'BF16' is not one of", id="C4 unknown datatype"),
        pytest.param("FP32", [2], typed("FP32", [1.0]), "takes 2 elements, fp32_contents holds 1", id="too few"),
        pytest.param("FP32", [1], typed("FP32", [1.0, 2.0]), "takes 1 elements, fp32_contents holds 2", id="too many"),
        pytest.param("FP32", [1], InferTensorContents(), "takes 1 elements, fp32_contents holds 0", id="nothing"),
        pytest.param(
            "INT64", [1], typed("INT32", [1]), "read from int64_contents, but int_contents is filled", id="other field"
        ),
        pytest.param(
            "INT32",
            [1],
            InferTensorContents(int_contents=[1], fp32_contents=[1.0]),
            "read from int_contents, but fp32_contents is filled",
            id="two fields",
        ),
    ],
)
def test_contents_that_contradict_their_tensor_are_refused(
    datatype: str, shape: list[int], contents: InferTensorContents, says: str
) -> None:
    with pytest.raises(TensorError, match=says) as refused:
        read(datatype, shape, contents, name="pixels")
    assert refused.value.tensor == "pixels"


def test_contents_in_parts_are_one() -> None:
    """A message field that stands twice is merged, and its elements follow each other."""
    assert read("INT32", [3], typed("INT32", [1]), typed("INT32", [-2, 3])).tolist() == [1, -2, 3]
    assert read(BYTES, [2], typed(BYTES, [b"a"]), typed(BYTES, [b""])).tolist() == [b"a", b""]
    assert read("FP64", [2], typed("FP64", [0.5]), InferTensorContents(), typed("FP64", [2])).tolist() == [0.5, 2]


@pytest.mark.parametrize(
    ("datatype", "content", "values"),
    [
        pytest.param("BOOL", b"\x08\x01\x08\x00", [True, False], id="BOOL"),
        pytest.param("INT64", b"\x18\x05\x1a\x02\x06\x07\x18\xac\x02", [5, 6, 7, 300], id="INT64, some packed"),
        pytest.param("FP32", b"\x35\x00\x00\x80\x3f\x35\x00\x00\x00\x40", [1.0, 2.0], id="FP32"),
    ],
)
def test_numbers_that_stand_alone_are_read_like_packed_ones(datatype: str, content: bytes, values: list[Any]) -> None:
    assert from_contents("x", datatype, [len(values)], content, Allowance()).tolist() == values


def test_a_number_of_more_bits_than_its_field_has_is_cut_as_protobuf_cuts_it() -> None:
    content = b"\x12\x06\xff\xff\xff\xff\xff\x01"
    assert InferTensorContents.FromString(content).int_contents == [-1]
    assert from_contents("x", "INT32", [1], content, Allowance()).tolist() == [-1]


def test_what_is_not_a_field_of_the_message_is_left_unread() -> None:
    unknown = b"\x7a\x03abc" + b"\x78\x01" + b"\x30\x01"  # fields 15, and 6 as another kind than it is
    assert InferTensorContents.FromString(unknown + b"\x35\x00\x00\x80\x3f").fp32_contents == [1.0]
    assert from_contents("x", "FP32", [1], unknown + b"\x35\x00\x00\x80\x3f", Allowance()).tolist() == [1]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"\x1a\x02\x80\x80", TensorError, id="a number without an end: none is counted"),
        pytest.param(b"\x1a\x03\x01\x80\x80", MessageError, id="a last number without an end"),
        pytest.param(b"\x1a\x0b" + b"\xff" * 10 + b"\x01", MessageError, id="a number of eleven bytes"),
        pytest.param(b"\x1a\x0a" + b"\xff" * 9 + b"\x02", MessageError, id="a number of 65 bits"),
        pytest.param(b"\x1a\x09\x01", MessageError, id="a length beyond the end"),
    ],
)
def test_damaged_numbers_are_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        from_contents("x", "INT64", [1], content, Allowance())


@pytest.mark.wide
def test_numbers_are_counted_before_the_first_is_decoded() -> None:
    """Decoding takes 8 ns a byte: what contradicts its shape, or is too much of it, does not get that far."""
    with pytest.raises(TensorError, match="takes 1 elements, int64_contents holds 5242880"):
        read("INT64", [1], typed("INT64", [0] * (5 << 20)))
    with pytest.raises(TensorError, match="send raw contents"):
        read("INT64", [5 << 20], typed("INT64", [0] * (5 << 20)))


def test_more_numbers_than_are_decoded_at_once_come_out_in_order() -> None:
    values = np.arange(100_000, dtype=np.int64) * 12_345_678_901 - 7
    assert np.array_equal(read("INT64", values.shape, typed("INT64", values.tolist())), values)


def test_floats_lie_as_a_runtime_needs_them_and_are_not_copied_where_they_already_do() -> None:
    content = typed("FP32", [1.0] * 64).SerializeToString()
    for padding in range(8):
        part = memoryview(bytes(padding) + content)[padding:]
        array = from_contents("x", "FP32", [64], part, Allowance())
        assert array.flags.aligned and array.tolist() == [1.0] * 64
