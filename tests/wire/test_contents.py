"""Typed contents: one field a datatype, as many elements as the shape says, each within its range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire.contents import FIELDS, from_contents
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.errors import TensorError
from nearfar_wire.inference_pb2 import InferTensorContents

SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


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
    decoded = from_contents("x", datatype, array.shape, typed(datatype, array.ravel().tolist()))
    assert (decoded.shape, decoded.dtype) == (array.shape, array.dtype)
    assert decoded.tobytes() == array.tobytes()


@given(hnp.arrays(object, SHAPES, elements=st.binary(max_size=20)))
def test_bytes_are_read(array: np.ndarray[Any, Any]) -> None:
    decoded = from_contents("x", BYTES, array.shape, typed(BYTES, array.ravel().tolist()))
    assert decoded.shape == array.shape
    assert decoded.ravel().tolist() == array.ravel().tolist()


@pytest.mark.parametrize(
    ("datatype", "value"),
    [("INT8", 128), ("INT8", -129), ("INT16", 1 << 15), ("INT16", -(1 << 15) - 1), ("UINT8", 256), ("UINT16", 1 << 16)],
)
def test_a_value_that_does_not_fit_is_refused_and_not_wrapped(datatype: str, value: int) -> None:
    with pytest.raises(TensorError, match=f"does not fit {datatype}"):
        from_contents("pixels", datatype, [2], typed(datatype, [0, value]))


@pytest.mark.parametrize("datatype", ["INT8", "INT16", "UINT8", "UINT16"])
def test_the_ends_of_the_range_fit(datatype: str) -> None:
    limits = np.iinfo(DATATYPES[datatype].name)
    decoded = from_contents("x", datatype, [2], typed(datatype, [limits.min, limits.max]))
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
        from_contents("pixels", datatype, shape, contents)
    assert refused.value.tensor == "pixels"
