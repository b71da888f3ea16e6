"""Tensors that fit a contract, for runs of which only the time counts. Pure: the same seed makes the same tensors.

Integers are 0 or 1, because a model may look rows up by them and two are the fewest that any table has; numbers with a
fraction lie in [0, 1); BYTES are short words. Nothing is claimed about what a model makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, dtype_of
from nearfar_wire.specs import TensorSpec

__all__ = ["sample"]

_LETTERS: Final = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", dtype="S1")
_WORD: Final = 8

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the spec's, known at run time


def sample(specs: Sequence[TensorSpec], *, rows: int = 1, free: int = 32, seed: int = 0) -> dict[str, Array]:
    """Return a tensor for each of `specs`, by name; rows are drawn one after the other, so they differ.

    A first dimension that may vary is `rows`, any other `free`. Raises TensorError: for a datatype that numpy cannot
    hold."""
    chance = np.random.default_rng(seed)
    return {spec.name: _drawn(chance, spec, _size(spec.shape, rows, free)) for spec in specs}


def _size(shape: Sequence[int], rows: int, free: int) -> tuple[int, ...]:
    return tuple(size if size >= 0 else free if axis else rows for axis, size in enumerate(shape))


def _drawn(chance: np.random.Generator, spec: TensorSpec, size: tuple[int, ...]) -> Array:
    if spec.datatype == BYTES:
        return _words(chance, size)
    dtype = dtype_of(spec.datatype, spec.name)
    if dtype.kind == "f":
        # Drawn with 2^-8 as the step, so that rounding to half precision never makes a 1.
        # Numpy makes a number, which is no array, of one that is divided.
        return np.asarray(chance.integers(0, 256, size) / 256, dtype)
    return chance.integers(0, 2, size, dtype=np.uint8).astype(dtype)


def _words(chance: np.random.Generator, size: tuple[int, ...]) -> Array:
    letters = chance.choice(_LETTERS, (*size, _WORD))
    words = np.empty(size, dtype=object)
    for index in np.ndindex(*size):
        words[index] = letters[index].tobytes()
    return words
