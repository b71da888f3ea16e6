"""How sure a model is of its own answer, row by row; the same numbers where a threshold is made and where it is used.

Computed in 64-bit floats whatever the model's type, so that two machines differ by no more than the last bits, which
are rounded away before a confidence is compared with anything. What cannot be read is NaN, and never certainty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from nearfar_wire.manifest import Score

__all__ = ["confidences", "of_row"]

Array = np.ndarray[Any, Any]  # Any: any number type

# A probability may exceed 1 by what rounding does to it.
_SLACK: Final = 1e-3


def confidences(values: Array, score: Score) -> Array:
    """Return the FP64 confidence of each row of the score output `values`; NaN where it cannot be read.

    Shape (..., classes), at least two of them, gives (rows,); for kind "value" every element is a row of its own."""
    if score.kind == "value":
        return np.where(np.isfinite(values), values, np.nan).astype(np.float64).ravel()
    if values.ndim == 0 or values.shape[-1] < 2:
        return np.full(max(1, math.prod(values.shape[:-1])), np.nan)
    rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
    with np.errstate(all="ignore"):  # what is not finite is NaN in the end
        if score.kind == "energy":
            largest = rows.max(axis=1, keepdims=True)
            found = (largest + np.log(np.exp(rows - largest).sum(axis=1, keepdims=True)))[:, 0]
            return np.where(np.isfinite(found), found, np.nan)
        if score.values == "logits":
            rows = np.exp(rows - rows.max(axis=1, keepdims=True))
            rows /= rows.sum(axis=1, keepdims=True)
        top = np.partition(rows, -2, axis=1)[:, -2:]
        found = top[:, 1] - top[:, 0] if score.kind == "margin" else top[:, 1]
    readable = np.isfinite(rows).all(axis=1) & (found >= 0.0) & (found <= 1.0 + _SLACK)
    return np.where(readable, found, np.nan)


def of_row(row: list[float], score: Score) -> float:
    """Return the confidence of one row, without numpy: for the dozens of classes that devices have, its dispatch costs
    more than the arithmetic. Equal to `confidences` but for the last bits."""
    if score.kind == "energy":
        return _energy(row)
    ranked = sorted(_softmax(row) if score.values == "logits" else row, reverse=True)
    found = ranked[0] - ranked[1] if score.kind == "margin" else ranked[0]
    # Sorting with NaN among the values orders nothing, so every value is looked at.
    if not all(map(math.isfinite, ranked)) or not 0.0 <= found <= 1.0 + _SLACK:
        return math.nan
    return found


def _energy(row: list[float]) -> float:
    largest = max(row)
    if not math.isfinite(largest) or any(map(math.isnan, row)):
        return math.nan
    return largest + math.log(sum(math.exp(value - largest) for value in row))


def _softmax(row: list[float]) -> list[float]:
    largest = max(row)
    if not math.isfinite(largest):  # a class that is ruled out, -inf, has no share; all of them are no answer
        return [math.nan] * len(row)
    weights = [math.exp(value - largest) for value in row]
    total = sum(weights)
    return [weight / total for weight in weights]
