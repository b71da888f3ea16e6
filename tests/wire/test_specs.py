"""The one rule by which tensors are what a model takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nearfar_wire.datatypes import BYTES, DATATYPES, datatype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.specs import TensorSpec, check

PIXELS = TensorSpec("pixels", "FP32", (-1, 8, 8), allow_nan=False)
TEXT = TensorSpec("text", "BYTES", (-1,))
SPECS = [PIXELS, TEXT]


def tensors(**changed: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    return {"pixels": np.zeros((2, 8, 8), np.float32), "text": np.array([b"a"], dtype=object)} | changed


@given(
    hnp.arrays(
        st.sampled_from([dtype for name, dtype in DATATYPES.items() if name != BYTES]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0),
    )
)
def test_a_tensor_passes_its_own_description(array: np.ndarray[Any, Any]) -> None:
    check([TensorSpec("x", datatype_of(array.dtype), array.shape)], {"x": array})
    check([TensorSpec("x", datatype_of(array.dtype), (-1,) * array.ndim)], {"x": array})


@pytest.mark.parametrize("text", [np.array([b"a"], dtype=object), np.array(["a"], dtype=object), np.array(["a"])])
def test_bytes_and_text_are_bytes(text: np.ndarray[Any, Any]) -> None:
    check(SPECS, tensors(text=text))


@pytest.mark.parametrize("batch", [0, 1, 7])
def test_a_free_dimension_may_have_any_size(batch: int) -> None:
    check(SPECS, tensors(pixels=np.zeros((batch, 8, 8), np.float32)))


REFUSED = [
    pytest.param({"pixels": np.zeros((8, 8), np.float32)}, r"has shape \[8, 8\].*\[-1, 8, 8\]", id="rank"),
    pytest.param({"pixels": np.zeros((1, 8, 9), np.float32)}, r"has shape \[1, 8, 9\]", id="dimension"),
    pytest.param(
        {"pixels": np.zeros((1, 8, 8))}, r"is FP64.*FP32; convert it with .astype\(numpy.float32\)", id="type"
    ),
    pytest.param({"pixels": np.zeros((1, 8, 8), ">f4")}, "foreign byte order", id="byte order"),
    pytest.param({"pixels": np.zeros((1, 8, 8), complex)}, "complex128 has no datatype", id="no datatype"),
    pytest.param({"pixels": np.full((1, 8, 8), np.nan, np.float32)}, "holds NaN or infinity", id="C8 NaN"),
    pytest.param({"pixels": np.full((1, 8, 8), -np.inf, np.float32)}, "holds NaN or infinity", id="C8 infinity"),
    pytest.param({"text": np.zeros(1, np.int8)}, "is INT8.*BYTES; pass bytes", id="numbers for text"),
    pytest.param({"text": np.array([b"a", 3], dtype=object)}, "not int", id="an object that is no bytes"),
    pytest.param({"text": np.array(["ok\ud800"], dtype=object)}, "a lone surrogate.*pass bytes", id="C9 no UTF-8"),
    pytest.param({"text": np.array(["ok\ud800"])}, "a lone surrogate.*pass bytes", id="C9 no UTF-8, numpy's text"),
]


@pytest.mark.parametrize(("changed", "says"), REFUSED)
def test_what_differs_is_refused_by_name(changed: dict[str, np.ndarray[Any, Any]], says: str) -> None:
    (name,) = changed
    with pytest.raises(TensorError, match=says) as refused:
        check(SPECS, tensors(**changed))
    assert refused.value.tensor == name


def test_C11_a_missing_tensor_is_named_with_what_is_wanted_and_given() -> None:
    given = {"pixel": np.zeros((1, 8, 8), np.float32), "text": np.array([b"a"], dtype=object)}
    with pytest.raises(TensorError) as refused:
        check(SPECS, given)
    assert str(refused.value) == (
        "'pixels': is missing; the model takes 'pixels' FP32 [-1, 8, 8], 'text' BYTES [-1]; given: 'pixel', 'text'"
    )


def test_C11_a_superfluous_tensor_is_named() -> None:
    with pytest.raises(TensorError, match="'colour': is not wanted"):
        check(SPECS, tensors(colour=np.zeros(1)))


def test_C11_a_crowd_of_names_makes_no_long_message() -> None:
    crowd = {f"{number:0500}": np.zeros(1) for number in range(100)}
    with pytest.raises(TensorError, match="and 92 more") as refused:
        check(SPECS, crowd)
    assert len(str(refused.value)) < 1000


def test_C8_subnormals_and_negative_zero_are_numbers() -> None:
    check(SPECS, tensors(pixels=np.full((1, 8, 8), 1e-45, np.float32)))
    check(SPECS, tensors(pixels=np.full((1, 8, 8), -0.0, np.float32)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 31, 63])
def test_C8_one_number_that_is_none_is_found_wherever_it_stands(bad: float, place: int) -> None:
    pixels = np.zeros((1, 8, 8), np.float32)
    pixels.flat[place] = bad
    with pytest.raises(TensorError, match="holds NaN or infinity"):
        check(SPECS, tensors(pixels=pixels))


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
@pytest.mark.parametrize("size", [1, 2, 63, 1000, 8191, 8192, 8193, 10_000])
@pytest.mark.parametrize("bad", [np.nan, -np.nan, np.inf, -np.inf, None])
def test_C8_of_few_numbers_and_of_many_one_that_is_none_is_found(datatype: str, size: int, bad: float | None) -> None:
    """Few are looked at otherwise than many; as they lie in memory, or every second of them, or turned round."""
    spec = TensorSpec("x", datatype, (-1,), allow_nan=False)
    chance = np.random.default_rng(size)
    all_of_them = (chance.standard_normal(2 * size) * 1e3).astype(DATATYPES[datatype])
    if bad is not None:
        all_of_them[2 * chance.integers(size)] = bad
    for numbers in (all_of_them, all_of_them[::2], all_of_them[-2::-2], all_of_them[::2].copy()):
        if bad is None:
            check([spec], {"x": numbers})
        else:
            with pytest.raises(TensorError, match="holds NaN or infinity"):
                check([spec], {"x": numbers})


def test_C8_a_single_number_and_none_at_all_are_looked_at_as_well() -> None:
    one, none = TensorSpec("x", "FP64", (), allow_nan=False), TensorSpec("x", "FP64", (-1,), allow_nan=False)
    check([one], {"x": np.array(1.0)})
    check([none], {"x": np.zeros(0)})
    with pytest.raises(TensorError, match="holds NaN or infinity"):
        check([one], {"x": np.array(np.nan)})


def test_C8_NaN_passes_where_the_contract_allows_it() -> None:
    check([TensorSpec("x", "FP32", (1,))], {"x": np.array([np.nan], np.float32)})
