from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cloud_service.errors import InvalidInput
from cloud_service.http.json_data import from_json, to_json
from cloud_service.http.json_reader import Elements
from nearfar_wire.datatypes import DATATYPES, datatype_of
from nearfar_wire.errors import TensorError

_NUMBERS = [name for name in DATATYPES if name not in ("FP16", "BYTES")]
_SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


def _read(text: str, datatype: str, shape: Sequence[int]) -> np.ndarray[Any, Any]:
    return from_json("x", datatype, shape, Elements(text.encode(), '"' in text))


def _tensors(datatype: str) -> st.SearchStrategy[np.ndarray[Any, Any]]:
    if datatype == "BYTES":
        texts = st.text(st.characters(codec="utf-8"), max_size=6).map(str.encode)
        return hnp.arrays(object, _SHAPES, elements=texts)
    dtype = DATATYPES[datatype]
    finite = {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else {}
    return hnp.arrays(dtype, _SHAPES, elements=hnp.from_dtype(dtype, **finite))


@pytest.mark.wide
@pytest.mark.parametrize("datatype", [*_NUMBERS, "BYTES"])
@given(data=st.data())
def test_a_tensor_comes_back_exactly_flat_or_nested(datatype: str, data: st.DataObject) -> None:
    tensor = data.draw(_tensors(datatype))
    flat = b"".join(to_json("x", tensor)).decode()
    nested = json.dumps(json.loads(_nested(tensor)), ensure_ascii=data.draw(st.booleans()))
    for text in (flat, nested if tensor.ndim else flat):
        back = _read(text, datatype, tensor.shape)
        assert datatype_of(back.dtype) == datatype
        assert back.shape == tensor.shape
        assert back.tolist() == tensor.tolist()


def _nested(tensor: np.ndarray[Any, Any]) -> str:
    return json.dumps(tensor.tolist(), default=bytes.decode)


def test_more_than_one_piece_is_read_and_written_whole() -> None:
    tensor = np.random.default_rng(0).normal(size=(7, 7001))
    text = b"".join(to_json("x", tensor)).decode()
    assert json.loads(text) == tensor.ravel().tolist()
    np.testing.assert_array_equal(_read(text, "FP64", tensor.shape), tensor)
    np.testing.assert_array_equal(_read(json.dumps(tensor.tolist()), "FP64", tensor.shape), tensor)


@pytest.mark.parametrize(
    ("text", "datatype", "shape", "problem"),
    [
        pytest.param("[[1,2],[3]]", "FP32", [2, 2], "neither flat nor nested", id="ragged"),
        pytest.param("[[1,2],3,4]", "FP32", [2, 2], "neither flat nor nested", id="half nested"),
        pytest.param("[[1,2,3,4]]", "FP32", [2, 2], "neither flat nor nested", id="nested otherwise"),
        pytest.param("[1,2,3]", "FP32", [2, 2], "neither flat nor nested", id="too few"),
        pytest.param("[1,2,3,4,5]", "FP32", [2, 2], "neither flat nor nested", id="too many"),
        pytest.param("[]", "FP32", [1], "not JSON", id="none for one"),
        pytest.param("[0]", "FP32", [0], "not JSON", id="one for none"),
        pytest.param("[1[],[]2]", "FP32", [2, 1], "not JSON", id="numbers outside of their brackets"),
        pytest.param("[1,,2]", "FP32", [3], "not JSON", id="a comma too many"),
        pytest.param("[1,2,]", "FP32", [3], "not JSON", id="a trailing comma"),
        pytest.param("[1 2]", "FP32", [1], "not JSON", id="no comma"),
        pytest.param("[01]", "INT32", [1], "not JSON", id="a leading zero"),
        pytest.param("[+1]", "INT32", [1], "not JSON", id="a plus"),
        pytest.param("[- 1]", "INT32", [1], "not JSON", id="a space in a number"),
        pytest.param("[tru]", "BOOL", [1], "not JSON", id="half a word"),
        pytest.param("[1e39]", "FP32", [1], "does not fit FP32", id="beyond FP32"),
        pytest.param("[1e999]", "FP64", [1], "does not fit FP64", id="beyond FP64"),
        pytest.param("[1" + "0" * 400 + "]", "FP64", [1], "does not fit FP64", id="an integer beyond FP64"),
        pytest.param("[256]", "UINT8", [1], "does not fit UINT8", id="beyond UINT8"),
        pytest.param("[-1]", "UINT64", [1], "does not fit UINT64", id="below UINT64"),
        pytest.param("[9223372036854775808]", "INT64", [1], "does not fit INT64", id="beyond INT64"),
        pytest.param("[" + "9" * 5000 + "]", "INT64", [1], "not JSON", id="5,000 digits"),
        pytest.param("[" + "9" * 200_000 + "]", "FP64", [1], "more than 512 characters", id="200,000 digits"),
        pytest.param("[1.0]", "INT8", [1], "INT8 takes integers", id="a float for an integer"),
        pytest.param("[true]", "INT8", [1], "INT8 takes integers", id="a boolean for an integer"),
        pytest.param("[1]", "BOOL", [1], "BOOL takes true and false", id="an integer for a boolean"),
        pytest.param("[false]", "FP32", [1], "FP32 takes numbers", id="a boolean for a float"),
        pytest.param('["1"]', "FP32", [1], "FP32 takes numbers", id="a string for a number"),
        pytest.param("[1]", "BYTES", [1], "BYTES takes strings", id="a number for a string"),
        pytest.param('["a","b"]', "BYTES", [1], "neither flat nor nested", id="too many strings"),
        pytest.param('["a"]', "BYTES", [1 << 30], "neither flat nor nested", id="room for a billion strings"),
        pytest.param("[1]", "FP32", [1 << 30], "neither flat nor nested", id="room for a billion numbers"),
        pytest.param("[1]", "FP32", [1 << 40], "more than", id="too many elements to count"),
        pytest.param("[1]", "FP32", [-1], "negative dimension", id="a negative dimension"),
        pytest.param("[1]", "FP32", [1] * 33, "33 dimensions", id="33 dimensions"),
        pytest.param('["\\ud800"]', "BYTES", [1], "lone surrogate", id="a lone surrogate"),
        pytest.param('["\\x"]', "BYTES", [1], "escape", id="an escape that is none"),
        pytest.param("[1]", "FP16", [1], "send it as binary data", id="FP16"),
        pytest.param("[1]", "BF16", [1], "is not one of", id="BF16"),
    ],
)
def test_data_that_does_not_fit_is_refused_by_its_tensor_s_name(
    text: str, datatype: str, shape: list[int], problem: str
) -> None:
    with pytest.raises(TensorError, match=problem) as refused:
        _read(text, datatype, shape)
    assert str(refused.value).startswith("'x': ")
    assert len(str(refused.value)) < 200


def test_integers_of_64_bits_are_exact() -> None:
    assert _read("[9007199254740993,-9223372036854775808]", "INT64", [2]).tolist() == [9007199254740993, -(1 << 63)]
    assert _read("[18446744073709551615]", "UINT64", [1]).tolist() == [(1 << 64) - 1]


@pytest.mark.parametrize(
    "tensor",
    [
        pytest.param(np.array([1, np.nan]), id="NaN"),
        pytest.param(np.array([-np.inf], np.float32), id="infinity"),
        pytest.param(np.ones(1, np.float16), id="FP16"),
        pytest.param(np.array([b"\xff"], object), id="not UTF-8"),
        pytest.param(np.array(["\ud800"], object), id="a lone surrogate"),
    ],
)
def test_an_output_that_json_cannot_carry_is_told_to_be_asked_for_as_binary(tensor: np.ndarray[Any, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"output 'x' .* ask for it as binary data"):
        b"".join(to_json("x", tensor))
