"""The least that a quantity which changes in steps comes to within any stretch of time. Pure.

A stretch of however many steps is looked up in the logarithm of their number: what a request may meet costs no more
for being recorded more finely."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

__all__ = ["Lowest"]


class Lowest:
    """A quantity that holds from each of `ats`, rising, until the next; before the first it is the first's.

    With a period all of it comes again."""

    __slots__ = ("_ats", "_period_s", "_tree")

    def __init__(self, ats: Sequence[float], values: Sequence[float], period_s: float = math.inf) -> None:
        self._ats = ats
        self._period_s = period_s
        # A tree in a list: the values behind, and before them each pair's lesser one, down to the least at 1.
        count = len(values)
        tree = [math.inf] * count + list(values)
        for place in range(count - 1, 0, -1):
            tree[place] = min(tree[2 * place], tree[2 * place + 1])
        self._tree = tree

    def between(self, start: float, end: float) -> float:
        """Return the least value from `start` on and before `end`, and in any case that at `start`."""
        period_s, last = self._period_s, len(self._ats) - 1
        if end - start >= period_s:
            return self._of(0, last)
        if period_s < math.inf:
            lasts_s, start = end - start, start % period_s
            end = start + lasts_s
        first = self._place(start)
        if end <= period_s:
            return self._of(first, max(first, bisect_left(self._ats, end) - 1))
        return min(self._of(first, last), self._of(0, max(0, bisect_left(self._ats, end - period_s) - 1)))

    def _place(self, at: float) -> int:
        return max(0, bisect_right(self._ats, at) - 1)

    def _of(self, first: int, last: int) -> float:
        """Return the least of the values from place `first` to place `last`, both with them."""
        tree = self._tree
        low, high = first + len(self._ats), last + len(self._ats) + 1
        least = math.inf
        while low < high:
            if low & 1:
                least = min(least, tree[low])
                low += 1
            if high & 1:
                high -= 1
                least = min(least, tree[high])
            low >>= 1
            high >>= 1
        return least
