"""Real numbers kept as whole ones, the way of quantized models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire.quantity import Quantity

SIGNED = Quantity("UINT8", 1 / 128, 128)


def test_a_real_number_becomes_the_nearest_whole_one_and_stands_for_that_again() -> None:
    whole = SIGNED.whole(np.array([-1.0, 0.0, 0.004, 0.9921875], np.float32))
    assert (whole.dtype, whole.tolist()) == (np.uint8, [0, 128, 129, 255])
    assert SIGNED.real(whole).tolist() == [-1.0, 0.0, 0.0078125, 0.9921875]
    assert SIGNED.real(whole).dtype == np.float32


@pytest.mark.parametrize("datatype", ["UINT8", "INT8", "INT16"])
def test_what_lies_beyond_the_last_whole_number_becomes_the_last_one(datatype: str) -> None:
    limits = np.iinfo(datatype.lower())
    reals = np.array([-np.inf, -3e38, 3e38, np.inf], np.float32)
    assert Quantity(datatype, 1e-3, 0).whole(reals).tolist() == [limits.min, limits.min, limits.max, limits.max]


def test_C8_what_is_no_number_is_refused_and_never_becomes_one() -> None:
    with pytest.raises(ValueError, match="NaN"):
        SIGNED.whole(np.array([0.0, np.nan], np.float32))


@given(st.sampled_from(["UINT8", "INT8", "INT16"]), st.floats(1e-6, 1e3), st.integers(-128, 255), st.data())
def test_every_whole_number_stands_for_a_real_one_that_becomes_it_again(
    datatype: str, scale: float, zero_point: int, data: st.DataObject
) -> None:
    limits = np.iinfo(datatype.lower())
    quantity = Quantity(datatype, float(np.float32(scale)), max(limits.min, min(limits.max, zero_point)))
    whole = np.array([data.draw(st.integers(limits.min, limits.max))], datatype.lower())
    assert quantity.whole(quantity.real(whole)).tolist() == whole.tolist()


@pytest.mark.parametrize(
    ("quantity", "reals", "same"),
    [
        pytest.param(SIGNED, np.arange(256) / 127.5 - 1, True, id="a model of signed pixels, a level off at the end"),
        pytest.param(Quantity("UINT8", 1 / 255, 0), np.arange(256) / 255, True, id="a model of shares"),
        pytest.param(Quantity("UINT8", 1 / 128, 128), np.arange(256) / 255, False, id="other numbers than it is for"),
        pytest.param(Quantity("INT8", 1.0, -128), np.arange(256), False, id="bytes with a sign are no pixels"),
    ],
)
def test_pixels_that_are_the_models_numbers_already_are_known(
    quantity: Quantity, reals: np.ndarray, same: bool
) -> None:
    assert quantity.is_of_pixels(reals.reshape(256, 1)) is same
