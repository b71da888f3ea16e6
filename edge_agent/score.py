"""How sure a model is of its own answer, read from the output that the release names.

A score that cannot be read is None, never a number: NaN would compare as "not below" and pass for certainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nearfar_wire.manifest import Score

__all__ = ["score_of"]


def score_of(outputs: Mapping[str, NDArray[Any]], score: Score) -> float | None:  # Any: any number type
    """Return the least certain row's score, in [0, 1]; None where it cannot be read.

    The output has shape (..., classes) with at least two classes; each row is scored on its own, and where there are
    no rows there is nothing to doubt."""
    values = outputs.get(score.output)
    if values is None or values.ndim == 0 or values.shape[-1] < 2:
        return None
    # Plain floats: for the dozens of classes that devices have, numpy's dispatch costs more than the arithmetic.
    rows = values.reshape(-1, values.shape[-1]).tolist()
    return _least(rows, score.kind == "margin", score.values == "logits")


def _least(rows: list[list[float]], margin: bool, logits: bool) -> float | None:
    least = 1.0
    for row in rows:
        ranked = sorted(_softmax(row) if logits else row, reverse=True)
        of_row = ranked[0] - ranked[1] if margin else ranked[0]
        # Sorting with NaN among the values orders nothing, so every value is looked at.
        if not all(map(math.isfinite, ranked)) or not 0.0 <= of_row <= 1.0 + 1e-3:
            return None
        least = min(least, of_row)
    return least


def _softmax(row: list[float]) -> list[float]:
    largest = max(row)
    if not math.isfinite(largest):
        return row
    weights = [math.exp(value - largest) for value in row]
    total = sum(weights)
    return [weight / total for weight in weights]
