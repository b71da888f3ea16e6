"""How long a run of so many rows takes. Pure: told what runs took, it scales what was measured when the model loaded.

One factor for all sizes follows a machine that is busier than it was then. It may be wrong, and who believes it
refuses calls: each refusal that rests on it alone lowers it, so that before long a call is run and it is learned
anew."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

__all__ = ["Timing"]

_WEIGHT: Final = 0.2
# One run that took a hundred times as long tells of a machine that stood still, not of the next run.
_MOST: Final = 4.0
_DOUBT: Final = 0.9


class Timing:
    """See the module."""

    def __init__(self, run_s_of: Mapping[int, float]) -> None:
        self._base = _by_rows(run_s_of)
        # Without a measurement nothing is expected until the first run was seen.
        self._factor = 1.0 if run_s_of else 0.0

    def run_s(self, rows: int) -> float:
        """Return how many seconds a run of `rows` is expected to take; 0 where nothing is known."""
        return self._factor * self._measured(rows)

    def observe(self, rows: int, seconds: float) -> None:
        """Learn that a run of `rows` took `seconds`."""
        ratio = seconds / self._measured(rows)
        if not self._factor:
            self._factor = ratio
        else:
            self._factor += _WEIGHT * (min(ratio, _MOST * self._factor) - self._factor)

    def doubt(self) -> None:
        """Believe a little less that runs take so long."""
        self._factor *= _DOUBT

    def _measured(self, rows: int) -> float:
        last = len(self._base) - 1
        return self._base[rows] if rows <= last else self._base[last] * rows / last


def _by_rows(run_s_of: Mapping[int, float]) -> list[float]:
    """Return seconds by rows, from none to the most measured; between two that were, on the line that joins them."""
    # A row that took no time at all, by the clock, still has to be something to scale.
    points = [(rows, max(seconds, 1e-9)) for rows, seconds in sorted(run_s_of.items()) if rows >= 1] or [(1, 1.0)]
    table = [points[0][1]] * (points[0][0] + 1)
    for (rows, seconds), (more, longer) in pairwise(points):
        table += [seconds + (longer - seconds) * step / (more - rows) for step in range(1, more - rows + 1)]
    return table
