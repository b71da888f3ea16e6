"""The inputs of one row each that a model is measured with: unlike one another, of the values that a sample has, and
far apart. Pure.

What is far apart shows what values of a kind do not: a model that divides by the largest number of a batch, unless that
is below one, or cuts its rows to the longest, gives each row its own while all of them are small."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import numpy as np

from cloud_service.backend import Array
from cloud_service.samples import sample as draw
from nearfar_wire.specs import TensorSpec

__all__ = ["Tensors", "far_apart", "is_equal", "movable", "stacked", "unlike_rows"]

Tensors = Mapping[str, Array]

# Fewer have a first and a last, and none between.
_ROWS: Final = 3
# The first row's largest number, and how much larger each other's is. Of longer integers a model may look rows up, in
# tables of which the smallest have some tens; bytes are colours and sounds, with a range that is theirs.
_LARGEST_FRACTION: Final = 2.0
_LARGEST_BYTE: Final = 16
_LARGEST_INTEGER: Final = 4
_FACTOR: Final = 4


def unlike_rows(specs: Sequence[TensorSpec], sample: Tensors) -> list[Tensors]:
    """Return three inputs of one row each; where the sample has fewer, they are made of its own values."""
    rows = min((sample[spec.name].shape[0] for spec in specs if sample[spec.name].ndim), default=0)
    if not rows:
        return []
    made: list[Tensors] = [
        {spec.name: _row(sample[spec.name], index, rows) for spec in specs} for index in range(_ROWS)
    ]
    if all(is_equal(made[0][name], row[name]) for row in made for name in row):
        # One number, or one text, has no other place to turn to.
        like = [TensorSpec(spec.name, spec.datatype, (-1, *sample[spec.name].shape[1:])) for spec in specs]
        drawn = draw(like, rows=_ROWS)
        return [{name: tensor[index : index + 1] for name, tensor in drawn.items()} for index in range(_ROWS)]
    return made


def movable(rows: Sequence[Tensors]) -> list[str]:
    """Return the inputs whose rows can be moved apart: those of numbers."""
    return [name for name, tensor in rows[0].items() if tensor.size and tensor.dtype.kind in "fiu"]


def far_apart(rows: Sequence[Tensors], names: Collection[str]) -> list[Tensors]:
    """Return like rows in which the inputs `names` are of numbers several times as large from row to row."""
    chance = np.random.default_rng(0)
    return [
        {name: _far(chance, tensor, index) if name in names else tensor for name, tensor in row.items()}
        for index, row in enumerate(rows)
    ]


def stacked(rows: Sequence[Tensors]) -> Tensors:
    """Return the rows as one input."""
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def is_equal(one: Array, other: Array) -> bool:
    """Tell whether all elements are the same; NaN is the same as NaN."""
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f"))


def _row(tensor: Array, index: int, rows: int) -> Array:
    row = tensor[index % rows : index % rows + 1]
    if index < rows:
        return row
    # Its own values in another place are as valid as they were; numbers with a fraction in another range as well, which
    # shows whatever is scaled by the largest of a batch.
    turned: np.ndarray[Any, Any] = np.roll(row.reshape(-1), index).reshape(row.shape)
    return (turned / (1 + index)).astype(row.dtype) if row.dtype.kind == "f" else turned


def _far(chance: np.random.Generator, tensor: Array, index: int) -> Array:
    factor = _FACTOR**index
    flat: Array
    if tensor.dtype.kind == "f":
        largest = _LARGEST_FRACTION * factor
        flat = chance.uniform(-largest, largest, tensor.size)
        flat[-1], flat[0] = -largest, largest * (-1) ** index  # a row of one number has another sign each time
    else:
        start = _LARGEST_BYTE if tensor.dtype.itemsize == 1 else _LARGEST_INTEGER
        most = min(start * factor, int(np.iinfo(tensor.dtype.name).max))
        flat = chance.integers(0, most, tensor.size, endpoint=True)
        flat[0] = most
    moved: Array = flat.astype(tensor.dtype).reshape(tensor.shape)
    return moved
