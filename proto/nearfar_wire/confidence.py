"""How sure a model is of its own answer, row by row; the same numbers where a threshold is made and where it is used.

A confidence is the FP32 number nearest to what the outputs say exactly, whatever computed it: how exponentials round,
and in which order a sum is taken, differs between numpy and Python, between processors and between releases of either,
and an answer whose confidence ties with a threshold in calibration has to tie with it on every device. So each result
comes with a bound on its error. Where both ends of that round to the same FP32 number, so does the exact value; where
they do not, of ten classes about one row in a million, it is worked out in decimal numbers, which are alike everywhere.
What cannot be read is NaN, and never certainty."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from functools import partial
from math import exp, isfinite
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from nearfar_wire.manifest import Score

__all__ = ["confidences", "of_row", "of_value", "row_reader"]

Array = np.ndarray[Any, Any]  # Any: any number type

# A probability may exceed 1 by what rounding does to it.
_SLACK: Final = 1e-3
_CERTAIN: Final = 1.0 + _SLACK

_ONE: Final = struct.Struct("f")
_TWO: Final = struct.Struct("ff")

# One step of an FP64 number at 1. Relative to itself, a sum of n exponentials is off by less than n / 2 of them, in
# whatever order it is taken, and by four more for the exponentials, as the coarsest of libraries promise; the rest, and
# the other half of n, is for the difference and the division that follow, and to be safe.
_STEP: Final = 2.0**-52
_MORE_STEPS: Final = 16
_DIGITS: Final = 50
# In units of the largest: below what the digits hold.
_NOTHING: Final = -120.0


def confidences(values: Array, score: Score) -> Array:
    """Return the confidence of each row of the score output `values`, as FP64; NaN where it cannot be read.

    Shape (..., classes), at least two of them, gives (rows,); for kind "value" every element is a row of its own."""
    with np.errstate(all="ignore"):  # what is not finite is NaN in the end
        if score.kind == "value":
            return _readable(values.astype(np.float32).ravel())
        if values.ndim == 0 or values.shape[-1] < 2:
            return np.full(max(1, math.prod(values.shape[:-1])), np.nan)
        rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
        if score.kind == "energy" or score.values == "logits":
            return _of_logits(rows, score.kind)
        top = np.partition(rows, -2, axis=1)[:, -2:]
        found = top[:, 1] - top[:, 0] if score.kind == "margin" else top[:, 1]
        readable = np.isfinite(rows).all(axis=1) & (found >= 0.0) & (found <= _CERTAIN)
        return _readable(np.where(readable, found, np.nan).astype(np.float32))


def _of_logits(rows: Array, kind: str) -> Array:
    top = np.partition(rows, -2, axis=1)[:, -2:]
    second, largest = top[:, 0], top[:, 1]
    total = np.exp(rows - largest[:, None]).sum(axis=1)
    steps = (rows.shape[1] + _MORE_STEPS) * _STEP
    if kind == "energy":
        found = largest + np.log(total)
        error = steps + np.abs(found) * _STEP
    else:
        found = (1.0 - np.exp(second - largest)) / total if kind == "margin" else 1.0 / total
        error = steps / total
    low, high = (found - error).astype(np.float32), (found + error).astype(np.float32)
    made = _readable(np.where(np.isnan(total), np.nan, low))
    if kind == "margin":
        made[second == largest] = np.where(np.isnan(total), np.nan, 0.0)[second == largest]
    for index in np.flatnonzero((low != high) & np.isfinite(found)):
        made[index] = _exact(rows[index].tolist(), kind)
    return made


def _readable(singles: Array) -> Array:
    """Return FP32 numbers as FP64, and NaN for those that are none."""
    return np.where(np.isfinite(singles), singles, np.nan).astype(np.float64)


def of_row(row: list[float], score: Score) -> float:
    """Return the confidence of one row, without numpy: for the dozens of classes that devices have, its dispatch costs
    more than the arithmetic. Exactly what `confidences` gives."""
    return row_reader(score)(row)


def row_reader(score: Score) -> Callable[[list[float]], float]:
    """Return `of_row` for one kind of score, which whoever reads many rows finds out once."""
    of_logits = score.kind == "energy" or score.values == "logits"
    return partial(_of_logit_row if of_logits else _of_probability_row, score.kind)


def _of_probability_row(kind: str, row: list[float]) -> float:
    largest = second = -math.inf
    total = 0.0
    for value in row:  # and not sorted: of ten, calling what is cold costs more than all of this
        total += value
        if value > second:
            if value > largest:
                largest, second = value, largest
            else:
                second = value
    found = largest - second if kind == "margin" else largest
    if not 0.0 <= found <= _CERTAIN:
        return math.nan
    # Nothing is more than NaN or less. With it or an infinity the sum is no number either; looking at each is for sums
    # that become too large.
    if total - total != 0.0 and not all(map(isfinite, row)):
        return math.nan
    single: float = _ONE.unpack(_ONE.pack(found))[0]
    return single


def _of_logit_row(kind: str, row: list[float]) -> float:
    ranked = sorted(row)
    largest, second = ranked[-1], ranked[-2]
    try:
        weights = [exp(value - largest) for value in ranked]
    except OverflowError:  # NaN among the values, as above
        return math.nan
    total = sum(weights)
    if total != total:
        return math.nan
    steps = (len(row) + _MORE_STEPS) * _STEP
    if kind == "margin":
        if second == largest:
            return 0.0
        found = (1.0 - weights[-2]) / total
        error = steps / total
    elif kind == "energy":
        found = largest + math.log(total)
        error = steps + abs(found) * _STEP
    else:
        found = 1.0 / total
        error = steps / total
    try:
        low, high = _TWO.unpack(_TWO.pack(found - error, found + error))
    except OverflowError:
        return _exact(row, kind)
    return low if low == high else _exact(row, kind)


def of_value(value: float) -> float:
    """Return a confidence that the model itself gives, as `confidences` reads it."""
    try:
        single: float = _ONE.unpack(_ONE.pack(value))[0]
    except OverflowError:
        return math.nan
    return single if isfinite(single) else math.nan


def _exact(row: list[float], kind: str) -> float:
    """Return the confidence of a row of logits, from differences to the largest that every machine finds alike."""
    from decimal import Context, Decimal, localcontext  # seldom needed

    ranked = sorted(row)
    with localcontext(Context(prec=_DIGITS)):
        below = [value - ranked[-1] for value in ranked]
        weights = [Decimal(part).exp() if part > _NOTHING else Decimal(0) for part in below]
        total = sum(weights, start=Decimal(0))
        if kind == "energy":
            found = Decimal(ranked[-1]) + total.ln()
        else:
            found = (1 - weights[-2]) / total if kind == "margin" else 1 / total
        return of_value(float(found))
