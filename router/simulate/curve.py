"""A line through points: how one quantity follows another, where a table of measurements is what is known. Pure."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TypeVar

from router.simulate.lowest import Lowest

__all__ = ["Curve", "Steps", "shifted"]

T = TypeVar("T")


class Curve:
    """Straight between its points, level beyond its first and last. The xs rise strictly."""

    __slots__ = ("_xs", "_ys")

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._xs = [x for x, _ in points]
        self._ys = [y for _, y in points]

    def lowest(self) -> Curve:
        """Return the highest line that is nowhere above this one and never falls."""
        lowest, points = math.inf, []
        for x, y in zip(reversed(self._xs), reversed(self._ys), strict=True):
            lowest = min(lowest, y)
            points.append((x, lowest))
        return Curve(points[::-1])

    def bounds(self) -> tuple[float, float]:
        """Return the least and the largest height."""
        return min(self._ys), max(self._ys)

    @property
    def level_from(self) -> float:
        """Where the last point stands: beyond it the line is level."""
        return self._xs[-1]

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
    """A quantity that holds until it changes: (from when, value), rising. Before the first it is the first's.

    With a period all of it comes again."""

    __slots__ = ("_ats", "_lowest", "_only", "_period_s", "_values")

    def __init__(self, points: Sequence[tuple[float, float]], period_s: float = math.inf) -> None:
        self._ats = [at for at, _ in points]
        self._values = [value for _, value in points]
        self._period_s = period_s
        self._only = self._values[0] if len(points) == 1 else None
        self._lowest: Lowest | None = None  # made when it is first asked for: few quantities are

    def at(self, now: float) -> float:
        """Return the value at `now`."""
        if self._only is not None:
            return self._only
        if self._period_s < math.inf:
            now %= self._period_s
        return self._values[max(0, bisect_right(self._ats, now) - 1)]

    def holds_until(self, now: float) -> float:
        """Return when the value may change next; infinity where it does not."""
        if self._only is not None:
            return math.inf
        rounds, within = (0.0, now) if self._period_s == math.inf else divmod(now, self._period_s)
        after = bisect_right(self._ats, within)
        if after < len(self._ats):
            return now + (self._ats[after] - within)
        return (rounds + 1) * self._period_s

    def points(self) -> tuple[list[tuple[float, float]], float]:
        """Return (from when, value), and the period; infinity: none."""
        return list(zip(self._ats, self._values, strict=True)), self._period_s

    def least(self, start: float, end: float) -> float:
        """Return the least value from `start` on and before `end`, and in any case that at `start`."""
        if self._only is not None:
            return self._only
        if self._lowest is None:
            self._lowest = Lowest(self._ats, self._values, self._period_s)
        return self._lowest.between(start, end)

    def bounds(self) -> tuple[float, float]:
        """Return the least and the largest value."""
        return min(self._values), max(self._values)

    @property
    def news_until_s(self) -> float:
        """From when on it is nothing that it has not been before."""
        if self._only is not None:
            return 0.0
        return self._period_s if self._period_s < math.inf else self._ats[-1]

    def later(self, by_s: float) -> Steps:
        """Return the quantity as it is seen `by_s` later."""
        if self._only is not None:
            return self
        points, _ = self.points()
        if points[0][0] > 0:  # before the first it is the first's
            points[0] = (0.0, points[0][1])
        return Steps(shifted(points, by_s, self._period_s), self._period_s)


def shifted(points: Sequence[tuple[float, T]], by_s: float, period_s: float = math.inf) -> list[tuple[float, T]]:
    """Return (from when, what), of which the first stands at 0 or before, as it is seen `by_s` later: the first stands
    at 0 then. With a period what has passed comes again."""
    within = by_s if period_s == math.inf else by_s % period_s
    passed = [point for point in points if point[0] <= within]
    coming = [(at - within, what) for at, what in points if at > within]
    again = [] if period_s == math.inf else [(at - within + period_s, what) for at, what in passed if at < within]
    return [(0.0, passed[-1][1]), *coming, *again]
