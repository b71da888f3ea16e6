"""Columns of examples on their way to a process of ours and back: the very bytes, whatever they are called.

Numbers are arrays with a row an example. BYTES are objects: numpy's own kind for them would drop NULs at their ends. A
column whose rows are of unlike length, as tokens of sentences are, holds an array a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "load_columns", "ragged", "row_of", "rows_in", "save_columns"]

Array = NDArray[Any]  # Any: each column has its own datatype

_DESCRIBED: Final = "described"


def ragged(rows: list[Array]) -> Array:
    """Return a column of `rows`, which have one datatype and need not be of one length."""
    column = np.empty(len(rows), dtype=object)
    for index, row in enumerate(rows):
        column[index] = row
    return column


def rows_in(columns: Mapping[str, Array]) -> int:
    """Return how many examples there are."""
    return len(next(iter(columns.values())))


def row_of(columns: Mapping[str, Array], index: int) -> dict[str, Array]:
    """Return one example as a batch of one."""
    return {
        name: column[index][np.newaxis] if _is_ragged(column) else column[index : index + 1]
        for name, column in columns.items()
    }


def save_columns(path: Path, columns: Mapping[str, Array]) -> None:
    """Write `columns` to an .npz that load_columns reads. Names are content there: they may be anything."""
    described: list[tuple[str, str]] = []
    arrays: dict[str, Array] = {}
    for place, (name, column) in enumerate(columns.items()):
        if _is_ragged(column):
            kind = "rows"
            arrays[f"{place}.shapes"] = np.array([row.shape for row in column], dtype=np.int64)
            arrays[f"{place}.data"] = np.concatenate([row.ravel() for row in column])
        elif column.dtype.kind in "OS":
            kind = "bytes"
            elements = column.ravel().tolist()
            arrays[f"{place}.shapes"] = np.array([len(element) for element in elements], np.int64).reshape(column.shape)
            arrays[f"{place}.data"] = np.frombuffer(b"".join(elements), np.uint8)
        else:
            kind = "numbers"
            arrays[f"{place}.data"] = column
        described.append((name, kind))
    arrays[_DESCRIBED] = np.frombuffer(json.dumps(described).encode(), np.uint8)
    np.savez(path, allow_pickle=False, **arrays)


def load_columns(path: Path) -> dict[str, Array]:
    """Read what save_columns wrote."""
    columns: dict[str, Array] = {}
    with np.load(path, allow_pickle=False) as archive:
        for place, (name, kind) in enumerate(json.loads(archive[_DESCRIBED].tobytes())):
            data = archive[f"{place}.data"]
            if kind == "numbers":
                columns[name] = data
                continue
            shapes = archive[f"{place}.shapes"]
            sizes = shapes.prod(axis=1) if kind == "rows" else shapes.ravel()
            ends = np.cumsum(sizes)
            parts = [data[end - size : end] for end, size in zip(ends, sizes, strict=True)]
            if kind == "rows":
                columns[name] = ragged([part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)])
            else:
                columns[name] = _of_bytes([part.tobytes() for part in parts]).reshape(shapes.shape)
    return columns


def _of_bytes(elements: list[bytes]) -> Array:
    column = np.empty(len(elements), dtype=object)
    column[:] = elements
    return column


def _is_ragged(column: Array) -> bool:
    return column.dtype.kind == "O" and bool(len(column)) and isinstance(column.flat[0], np.ndarray)
