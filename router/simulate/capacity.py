"""How many bytes a link can carry, and when a transfer that starts at some moment is through. Pure.

Both forms wrap around at their end, as mahimahi's do: a trace of minutes serves a day. A transfer in a stretch without
capacity waits for it; over a trace without any it never ends."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from operator import sub
from typing import Final, Protocol

from router.simulate.curve import Steps, shifted
from router.simulate.lowest import Lowest

__all__ = ["PACKET_BYTES", "Capacity", "Packets", "Rates"]

PACKET_BYTES: Final = 1500
"""What one delivery opportunity of a packet trace carries."""
_BYTES_PER_MBIT: Final = 125_000.0
# A moment that a sum of seconds misses by its rounding is not missed.
_EARLY_MS: Final = 1e-6
_BITS: Final = 4
"""Of a number of packets: so many of its first ones tell how long they take at the least."""


class Capacity(Protocol):
    """One direction of a link."""

    def carry(self, start: float, size_bytes: float, behind: float) -> tuple[float, float]:
        """Return when a transfer that is ready at `start` is through (infinity: never), and what comes next is behind.

        `behind` is what the transfer before it gave back, 0.0 for the first: one waits for the other."""

    def mbps(self, now: float) -> float:
        """Return the pace at `now`, in megabits a second."""

    def least_s(self, size_bytes: float, start: float, end: float) -> float:
        """Return what no transfer takes less than that begins and ends between `start` and `end`."""

    @property
    def news_until_s(self) -> float:
        """From when on it is nothing that it has not been before."""

    def later(self, by_s: float) -> Capacity:
        """Return the capacity as it is seen `by_s` later."""


class Rates:
    """A pace that holds for a while and then is another: (from when, Mbit/s), until `period_s`, and from the start."""

    __slots__ = ("_ats", "_carried", "_paces", "_period_s", "_slowest", "_total")

    def __init__(self, points: Sequence[tuple[float, float]], period_s: float = math.inf) -> None:
        """The first point stands at 0. Without a period the last pace holds for ever."""
        self._ats = [at for at, _ in points]
        self._paces = [mbps * _BYTES_PER_MBIT for _, mbps in points]
        self._carried = [0.0]
        for (start, end), pace in zip(pairwise(self._ats), self._paces, strict=False):
            self._carried.append(self._carried[-1] + (end - start) * pace)
        self._period_s = period_s
        self._total = math.inf
        if period_s < math.inf:
            self._total = self._carried[-1] + (period_s - self._ats[-1]) * self._paces[-1]
        self._slowest: Lowest | None = None

    @classmethod
    def of(cls, paces: Steps) -> Rates:
        """Return what carries at these paces."""
        points, period_s = paces.points()
        return cls([(0.0, points[0][1]), *(point for point in points if point[0] > 0)], period_s)

    def reaches(self, start: float, mbit: float) -> float:
        """Return when so much has passed since `start`; infinity: never."""
        return self._ends(start, mbit * _BYTES_PER_MBIT)

    def carry(self, start: float, size_bytes: float, behind: float) -> tuple[float, float]:
        """See Capacity. `behind` is the moment at which the direction is free."""
        end = self._ends(max(start, behind), size_bytes)
        return end, end

    def _ends(self, start: float, size_bytes: float) -> float:
        if start == math.inf:
            return math.inf
        within, rounds = start, 0.0
        if self._period_s < math.inf:
            rounds, within = divmod(start, self._period_s)
        place = bisect_right(self._ats, within) - 1
        pace = self._paces[place]
        next_at = self._ats[place + 1] if place + 1 < len(self._ats) else self._period_s
        if size_bytes <= (next_at - within) * pace:
            return start + (size_bytes / pace if pace else 0.0)
        wanted = self._carried[place] + (within - self._ats[place]) * pace + size_bytes
        if self._period_s < math.inf:
            if self._total <= 0:
                return math.inf
            more, wanted = divmod(wanted, self._total)
            if wanted == 0.0:  # the last byte of a round, not the moment before the first of the next
                more, wanted = more - 1, self._total
            rounds += more
        return self._reached(wanted, rounds)

    def _reached(self, carried: float, rounds: float) -> float:
        # The first moment at which so much was carried: stretches without capacity come after it.
        place = max(0, bisect_left(self._carried, carried) - 1)
        pace = self._paces[place]
        if pace == 0.0:  # only the last stretch, which has no end
            return math.inf
        within = self._ats[place] + (carried - self._carried[place]) / pace
        return within if rounds == 0 else rounds * self._period_s + within

    def mbps(self, now: float) -> float:
        """See Capacity."""
        within = now if self._period_s == math.inf else now % self._period_s
        return self._paces[bisect_right(self._ats, within) - 1] / _BYTES_PER_MBIT

    def least_s(self, size_bytes: float, start: float, end: float) -> float:
        """See Capacity."""
        if size_bytes <= 0:
            return 0.0
        if self._slowest is None:
            # What a byte takes.
            taken_s = [1 / pace if pace else math.inf for pace in self._paces]
            self._slowest = Lowest(self._ats, taken_s, self._period_s)
        return size_bytes * self._slowest.between(start, end)

    @property
    def news_until_s(self) -> float:
        """See Capacity."""
        return self._ats[-1] if self._period_s == math.inf or len(self._ats) == 1 else self._period_s

    def later(self, by_s: float) -> Rates:
        """See Capacity."""
        points = [(at, pace / _BYTES_PER_MBIT) for at, pace in zip(self._ats, self._paces, strict=True)]
        return Rates(shifted(points, by_s, self._period_s), self._period_s)


class Packets:
    """Moments at which one packet may pass, in whole milliseconds, not falling: mahimahi's packet-delivery trace.

    The last moment is the length of the trace, after which it begins again. A moment that no packet waits for is lost;
    a packet takes a whole one, whatever its size."""

    __slots__ = ("_least_s", "_ms", "_period_ms")

    def __init__(self, moments_ms: Sequence[int], period_ms: int | None = None) -> None:
        """At least one moment, of which the last is above 0; it is the trace's length, where that is not given."""
        self._ms = moments_ms
        self._period_ms = moments_ms[-1] if period_ms is None else period_ms
        self._least_s: dict[int, float] = {}

    def carry(self, start: float, size_bytes: float, behind: float) -> tuple[float, float]:
        """See Capacity. `behind` is the first opportunity, counted over all rounds, that nothing has taken."""
        wanted = math.ceil(size_bytes / PACKET_BYTES)
        if wanted <= 0:
            return start, behind
        rounds, within = divmod(start * 1000, self._period_ms)
        count = len(self._ms)
        first = max(int(behind), int(rounds) * count + bisect_left(self._ms, within - _EARLY_MS))
        last = first + wanted - 1
        ended = (last // count * self._period_ms + self._ms[last % count]) / 1000
        return max(start, ended), last + 1

    def mbps(self, now: float) -> float:
        """See Capacity: over the second around `now`."""
        within = (now * 1000) % self._period_ms
        low, high = max(0.0, within - 500), min(float(self._period_ms), within + 500)
        passed = bisect_right(self._ms, high) - bisect_left(self._ms, low)
        return passed * PACKET_BYTES * 8 / 1e3 / max(1.0, high - low)

    def least_s(self, size_bytes: float, start: float, end: float) -> float:
        """See Capacity: what as many packets take wherever in the trace they pass most quickly."""
        del start, end
        wanted = math.ceil(size_bytes / PACKET_BYTES)
        # Looked up for a few numbers only, of which the next below takes no longer.
        coarse = max(0, wanted.bit_length() - _BITS)
        wanted = wanted >> coarse << coarse
        known = self._least_s.get(wanted)
        if known is None:
            known = self._least_s[wanted] = self._quickest_s(wanted)
        return known

    def _quickest_s(self, packets: int) -> float:
        if packets < 2:
            return 0.0
        rounds, within = divmod(packets - 1, len(self._ms))
        again = [moment + self._period_ms for moment in self._ms[:within]]
        spans = map(sub, [*self._ms[within:], *again], self._ms)
        least_ms: int = min(spans)
        return max(0.0, rounds * self._period_ms + least_ms - _EARLY_MS) / 1000

    @property
    def news_until_s(self) -> float:
        """See Capacity."""
        return self._period_ms / 1000

    def later(self, by_s: float) -> Packets:
        """See Capacity. To a whole millisecond."""
        within = round(by_s * 1000) % self._period_ms
        place = bisect_left(self._ms, within)
        coming = [moment - within for moment in self._ms[place:]]
        again = [moment - within + self._period_ms for moment in self._ms[:place]]
        return Packets([*coming, *again], self._period_ms)
