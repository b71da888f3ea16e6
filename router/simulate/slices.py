"""A run's length in slices of equal time, and what was seen in each; any length takes the same memory. Pure."""

from __future__ import annotations

import math

__all__ = ["Range", "Slices"]


class Slices:
    """Where instants fall. Whatever comes after the end counts in the last slice."""

    __slots__ = ("count", "length_s")

    def __init__(self, duration_s: float, count: int) -> None:
        self.count = count
        self.length_s = duration_s / count

    def of(self, at: float) -> int:
        """Return the slice that an instant is in."""
        return min(self.count - 1, max(0, int(at / self.length_s)))

    def spread(self, seconds: list[float], start: float, end: float) -> None:
        """Add the stretch from `start` to `end` to the seconds of each slice that it touches."""
        if not start < end:
            return
        first, last = self.of(start), self.of(end)
        for slice_ in range(first, last + 1):
            low = start if slice_ == first else slice_ * self.length_s
            high = end if slice_ == last else (slice_ + 1) * self.length_s
            seconds[slice_] += high - low


class Range:
    """The least and the most of a quantity in each slice, and its sum and how often it was seen."""

    __slots__ = ("high", "low", "seen", "total")

    def __init__(self, count: int) -> None:
        self.low = [math.inf] * count
        self.high = [-math.inf] * count
        self.total = [0.0] * count
        self.seen = [0] * count

    def see(self, slice_: int, value: float) -> None:
        """Note a value."""
        if value < self.low[slice_]:
            self.low[slice_] = value
        if value > self.high[slice_]:
            self.high[slice_] = value
        self.total[slice_] += value
        self.seen[slice_] += 1

    def mean(self, slice_: int) -> float | None:
        """Return the mean of a slice; None where nothing was seen."""
        return self.total[slice_] / self.seen[slice_] if self.seen[slice_] else None
