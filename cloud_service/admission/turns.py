"""When each of those who are refused is to come again. Pure.

Told the same, a thousand clients who were sent away together come back together, and all but a few are sent away once
more: so they come until the last has had its turn, and the refusals alone fill the machine. Told one after another they
come as fast as the model works, and no faster. Nothing is kept for them: who comes without having been told may find
the place that another was told of."""

from __future__ import annotations

import math

__all__ = ["Turns"]


class Turns:
    """One queue's. Holds no clock and no lock."""

    __slots__ = ("_next_at",)

    def __init__(self) -> None:
        self._next_at = -math.inf

    def next_s(self, *, soonest_s: float, longest_s: float, apart_s: float, now: float) -> float:
        """Return how long the next one is to stay away: `apart_s` more than whoever was told before, at the least
        `soonest_s`. Where that would be longer than anyone waits, the row begins anew."""
        at = max(self._next_at, now + soonest_s)
        if at > now + longest_s:
            at = now + soonest_s
        self._next_at = at + apart_s
        return min(at - now, longest_s)
