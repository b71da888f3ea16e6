from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.samples import sample
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.errors import TensorError
from nearfar_wire.specs import TensorSpec, check

_SHAPES = st.lists(st.integers(-1, 4), max_size=4).map(tuple)


@given(st.sampled_from(sorted(DATATYPES)), _SHAPES, st.integers(1, 5), st.integers(0, 3))
def test_a_sample_passes_the_check_of_its_contract(datatype: str, shape: tuple[int, ...], rows: int, seed: int) -> None:
    specs = [TensorSpec("x", datatype, shape, allow_nan=False), TensorSpec("y", "FP32", (-1, 2))]
    check(specs, sample(specs, rows=rows, free=3, seed=seed))


def test_a_free_first_dimension_is_the_rows_and_every_other_is_free() -> None:
    tensors = sample([TensorSpec("x", "FP32", (-1, 3, -1)), TensorSpec("y", "INT64", (2, -1))], rows=5, free=7)
    assert tensors["x"].shape == (5, 3, 7)
    assert tensors["y"].shape == (2, 7)


@pytest.mark.parametrize("datatype", [name for name in DATATYPES if name not in ("FP16", "FP32", "FP64", BYTES)])
def test_integers_index_any_table_of_two_rows(datatype: str) -> None:
    assert set(sample([TensorSpec("x", datatype, (64,))])["x"].tolist()) == {0, 1}


@pytest.mark.parametrize("datatype", ["FP16", "FP32", "FP64"])
def test_fractions_are_from_0_to_below_1(datatype: str) -> None:
    x = sample([TensorSpec("x", datatype, (10_000,))])["x"]
    assert x.min() >= 0
    assert x.max() < 1


@pytest.mark.parametrize("datatype", ["FP32", "INT64", BYTES])
def test_rows_differ_and_so_do_seeds(datatype: str) -> None:
    specs = [TensorSpec("x", datatype, (-1, 64))]
    first, second = sample(specs, rows=2)["x"]
    assert first.tolist() != second.tolist()
    assert sample(specs, seed=1)["x"].tolist() != sample(specs, seed=2)["x"].tolist()
    assert np.array_equal(sample(specs, seed=1)["x"], sample(specs, seed=1)["x"])


@pytest.mark.parametrize("datatype", sorted(DATATYPES))
def test_a_scalar_is_an_array_of_no_axes(datatype: str) -> None:
    """One with a fraction was a number of numpy's, which onnxruntime refuses: such a model was never warmed up."""
    (x,) = sample([TensorSpec("x", datatype, ())]).values()
    assert isinstance(x, np.ndarray)
    assert (x.shape, x.dtype) == ((), DATATYPES[datatype])


def test_a_datatype_that_numpy_cannot_hold_is_refused_by_name() -> None:
    with pytest.raises(TensorError, match="BF16"):
        sample([TensorSpec("x", "BF16", (1,))])
