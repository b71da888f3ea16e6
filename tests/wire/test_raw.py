"""Raw contents: what is written is read back, and nothing else is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire.datatypes import BYTES, DATATYPES, datatype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.raw import from_raw, to_raw

NUMBERS = sorted(set(DATATYPES) - {BYTES})
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def same(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> bool:
    """Equal to the last bit, so that NaN and -0.0 count."""
    return left.shape == right.shape and left.dtype == right.dtype and left.tobytes() == right.tobytes()


@pytest.mark.parametrize("datatype", NUMBERS)
@given(data=st.data())
def test_numbers_survive_the_round_trip_to_the_bit(datatype: str, data: st.DataObject) -> None:
    array = data.draw(hnp.arrays(DATATYPES[datatype], SHAPES))
    assert same(from_raw("x", datatype, array.shape, to_raw("x", array)), array)


@given(hnp.arrays(object, SHAPES, elements=st.binary(max_size=20)))
def test_bytes_survive_the_round_trip(array: np.ndarray[Any, Any]) -> None:
    decoded = from_raw("x", BYTES, array.shape, to_raw("x", array))
    assert decoded.shape == array.shape
    assert decoded.ravel().tolist() == array.ravel().tolist()


@pytest.mark.parametrize("dtype", [">i2", ">u4", ">i8", ">f2", ">f4", ">f8"])
def test_big_endian_numbers_are_turned_round(dtype: str) -> None:
    array = np.array([1, 2, 300], dtype)
    decoded = from_raw("x", datatype_of(array.dtype), [3], to_raw("x", array))
    assert decoded.tolist() == [1, 2, 300]
    assert decoded.dtype.byteorder != ">"


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(lambda a: a.T, id="transposed"),
        pytest.param(lambda a: a[:, ::2], id="every second column"),
        pytest.param(lambda a: a[::-1], id="reversed"),
        pytest.param(np.asfortranarray, id="column-major"),
        pytest.param(lambda a: np.broadcast_to(a[:1], (5, 4)), id="broadcast"),
    ],
)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", object])
def test_any_memory_layout_is_written_row_by_row(layout: Any, dtype: Any) -> None:
    array = np.arange(12).reshape(3, 4).astype(dtype)
    if dtype is object:
        array = np.array([str(number).encode() for number in range(12)], dtype=object).reshape(3, 4)
    laid_out = layout(array)
    decoded = from_raw("x", datatype_of(laid_out.dtype), laid_out.shape, to_raw("x", laid_out))
    assert decoded.tolist() == laid_out.tolist()


@pytest.mark.parametrize("datatype", NUMBERS)
def test_numbers_are_read_as_a_view_without_a_copy(datatype: str) -> None:
    content = bytes(8 * 6)
    shape = [len(content) // DATATYPES[datatype].itemsize]
    decoded = from_raw("x", datatype, shape, content)
    assert np.shares_memory(decoded, np.frombuffer(content, np.uint8))
    assert not decoded.flags.writeable


def test_bytes_follow_their_length_in_four_little_endian_bytes() -> None:
    assert to_raw("x", np.array([b"ab", b""], dtype=object)) == b"\x02\x00\x00\x00ab\x00\x00\x00\x00"


def test_text_is_written_as_utf_8() -> None:
    for array in (np.array(["grün"], dtype=object), np.array(["grün"])):
        assert from_raw("x", BYTES, [1], to_raw("x", array)).tolist() == ["grün".encode()]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        pytest.param(np.array([1j]), "complex", id="complex numbers"),
        pytest.param(np.array(["2020-01-01"], "datetime64[D]"), "datetime64", id="dates"),
        pytest.param(np.zeros(1, [("a", "i4")]), "no datatype", id="records"),
        pytest.param(np.array([3], dtype=object), "not int", id="objects that are no bytes"),
        pytest.param(np.array(["a\ud800"], dtype=object), "lone surrogate", id="C9 lone surrogate"),
    ],
)
def test_what_the_protocol_cannot_carry_is_not_written(array: np.ndarray[Any, Any], says: str) -> None:
    with pytest.raises(TensorError, match=says) as refused:
        to_raw("pixels", array)
    assert refused.value.tensor == "pixels"


@pytest.mark.parametrize(
    ("datatype", "shape", "content", "says"),
    [
        pytest.param("FP32", [2], b"\0" * 7, "takes 8 bytes of raw contents, 7 were sent", id="C1 shorter"),
        pytest.param("FP32", [2], b"\0" * 9, "takes 8 bytes of raw contents, 9 were sent", id="C1 longer"),
        pytest.param("FP32", [], b"", "takes 4 bytes", id="C1 scalar without bytes"),
        pytest.param("INT8", [0], b"\0", "takes 0 bytes", id="C1 empty tensor with bytes"),
        pytest.param("BOOL", [2], b"\x01\x02", "0 or 1", id="a bool that is neither"),
        pytest.param("BF16", [1], b"\0\0", "datatype 'BF16' is not one of", id="C4 BF16"),
        pytest.param("FLOAT", [1], b"\0" * 4, "datatype 'FLOAT' is not one of", id="C4 unknown datatype"),
        pytest.param("fp32", [1], b"\0" * 4, "datatype 'fp32' is not one of", id="C4 wrong case"),
        pytest.param("", [1], b"\0" * 4, "datatype '' is not one of", id="C4 no datatype"),
        pytest.param("BYTES", [1], b"\x05\0\0\0abc", "element 0 of 1 runs past", id="C4 length beyond the payload"),
        pytest.param("BYTES", [1], b"\xff\xff\xff\xffabc", "runs past", id="C4 length of 4 GiB"),
        pytest.param("BYTES", [2], b"\x04\0\0\0abcd", "end before element 1", id="C1 no second element"),
        pytest.param("BYTES", [2], b"\x02\0\0\0ab\x00\0", "end before element 1", id="C1 half a length"),
        pytest.param("BYTES", [1], b"\x01\0\0\0ab", "1 bytes follow the last", id="C1 bytes left over"),
        pytest.param("BYTES", [2], b"\0\0\0\0", "at least 8 bytes", id="C1 fewer bytes than lengths"),
        pytest.param("BYTES", [0, 3], b"\0", "bytes follow the last of 0", id="C1 empty BYTES with bytes"),
    ],
)
def test_contents_that_contradict_their_shape_are_refused(
    datatype: str, shape: list[int], content: bytes, says: str
) -> None:
    with pytest.raises(TensorError, match=says) as refused:
        from_raw("pixels", datatype, shape, content)
    assert refused.value.tensor == "pixels"


@given(
    datatype=st.sampled_from(sorted(DATATYPES)),
    shape=st.lists(st.integers(-2, 5), max_size=4),
    content=st.binary(max_size=64),
)
def test_any_bytes_are_a_tensor_of_that_shape_or_refused(datatype: str, shape: list[int], content: bytes) -> None:
    try:
        decoded = from_raw("x", datatype, shape, content)
    except TensorError:
        return
    assert list(decoded.shape) == shape
    assert to_raw("x", decoded) == content
