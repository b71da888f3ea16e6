"""A line through points: how one quantity follows another, where a table of measurements is what is known. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

__all__ = ["Curve", "Steps"]


class Curve:
    """Straight between its points, level beyond its first and last. The xs rise strictly."""

    __slots__ = ("_xs", "_ys")

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._xs = [x for x, _ in points]
        self._ys = [y for _, y in points]

    def at(self, x: float) -> float:
        """Return the height at `x`."""
        xs, ys = self._xs, self._ys
        after = bisect_right(xs, x)
        if after == 0:
            return ys[0]
        if after == len(xs):
            return ys[-1]
        low = xs[after - 1]
        share = (x - low) / (xs[after] - low)
        return ys[after - 1] + share * (ys[after] - ys[after - 1])


class Steps:
    """A quantity that holds until it changes: (from when, value), rising. Before the first it is the first's."""

    __slots__ = ("_ats", "_values")

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._ats = [at for at, _ in points]
        self._values = [value for _, value in points]

    def at(self, now: float) -> float:
        """Return the value at `now`."""
        return self._values[max(0, bisect_right(self._ats, now) - 1)]

    def holds_until(self, now: float) -> float:
        """Return when the value changes next; infinity where it does not."""
        after = bisect_right(self._ats, now)
        return self._ats[after] if after < len(self._ats) else float("inf")
