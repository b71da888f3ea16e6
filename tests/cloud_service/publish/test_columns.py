"""Columns come back from disk as they went: every bit, every byte, every length, every name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from cloud_service.publish.columns import load_columns, ragged, row_of, rows_in, save_columns

Array = NDArray[Any]


def of_bytes(*elements: bytes) -> Array:
    column = np.empty(len(elements), dtype=object)
    column[:] = elements
    return column


def there_and_back(path: Path, columns: dict[str, Array]) -> dict[str, Array]:
    save_columns(path / "columns.npz", columns)
    return load_columns(path / "columns.npz")


@given(numbers=hnp.arrays(st.sampled_from(["<f4", "<f2", "<i8", "|u1", "?"]), hnp.array_shapes(max_dims=4)))
def test_numbers_keep_type_shape_and_bits(tmp_path_factory: pytest.TempPathFactory, numbers: Array) -> None:
    loaded = there_and_back(tmp_path_factory.mktemp("columns"), {"x": numbers})["x"]
    assert (loaded.dtype, loaded.shape, loaded.tobytes()) == (numbers.dtype, numbers.shape, numbers.tobytes())


@given(elements=st.lists(st.binary(max_size=8), min_size=1, max_size=6))
def test_bytes_come_back_whole(tmp_path_factory: pytest.TempPathFactory, elements: list[bytes]) -> None:
    """A picture or text that ended in NUL bytes used to lose them on its way to a trial: numpy's own kind for bytes
    pads with NULs, and drops them again."""
    loaded = there_and_back(tmp_path_factory.mktemp("columns"), {"text": of_bytes(*elements)})["text"]
    assert loaded.tolist() == elements


def test_bytes_keep_their_shape(tmp_path: Path) -> None:
    column = of_bytes(b"a\0", b"", b"\0", b"bc").reshape(2, 2)
    assert there_and_back(tmp_path, {"text": column})["text"].tolist() == [[b"a\0", b""], [b"\0", b"bc"]]


def test_rows_of_unlike_length_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [np.array([1, 2, 3], np.int32), np.array([], np.int32), np.array([4], np.int32)]
    loaded = there_and_back(tmp_path, {"ids": ragged(rows)})["ids"]
    assert [row.tolist() for row in loaded] == [[1, 2, 3], [], [4]]
    assert all(row.dtype == np.int32 for row in loaded)


@pytest.mark.parametrize("name", ["file", "allow_pickle", "../../x", "serving_default_x:0", "0.data", ""])
def test_a_column_may_be_called_anything(tmp_path: Path, name: str) -> None:
    """An input called "file" used to be taken for the file that columns are written to."""
    assert there_and_back(tmp_path, {name: np.arange(3)})[name].tolist() == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["columns.npz"]


def test_a_row_is_a_batch_of_one_of_every_column() -> None:
    columns = {"x": np.arange(6).reshape(3, 2), "ids": ragged([np.array([1]), np.array([2, 3]), np.array([4])])}
    assert rows_in(columns) == 3
    assert {name: row.tolist() for name, row in row_of(columns, 1).items()} == {"x": [[2, 3]], "ids": [[2, 3]]}
