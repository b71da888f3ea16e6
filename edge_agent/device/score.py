"""How sure a model is of its own answer, read from the output that the release names.

A score that cannot be read is None, never a number: NaN would compare as "not below" and pass for certainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from nearfar_wire.confidence import confidences, of_row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nearfar_wire.manifest import Score

__all__ = ["score_of"]

# From here on numpy is faster than plain floats.
_MANY: Final = 200


def score_of(outputs: Mapping[str, NDArray[Any]], score: Score) -> float | None:  # Any: any number type
    """Return the least certain row's score; None where it cannot be read.

    The output has shape (..., classes) with at least two classes; each row is scored on its own, and where there are
    no rows there is nothing to doubt."""
    values = outputs.get(score.output)
    if values is None:
        return None
    if score.kind == "value" or values.size > _MANY:
        found = confidences(values, score).tolist() if values.size else []
    elif values.ndim == 0 or values.shape[-1] < 2:
        return None
    else:
        found = [of_row(row, score) for row in values.reshape(-1, values.shape[-1]).tolist()]
    if any(map(math.isnan, found)):
        return None
    return min(found, default=1.0)
