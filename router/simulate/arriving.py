"""The ways in which requests come: at random, by a timer, in bursts, or as they were recorded. Pure.

Each gives the instants anew for each stream of chance, so that many devices share one description."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from router.simulate.capacity import Rates
from router.simulate.chance import Chance
from router.simulate.curve import Steps

__all__ = ["AtRandom", "Bursts", "ByTimer", "Recorded"]

_CHANGES: Final = 16
"""So many changes of a rate are waited through one by one. A rate that changes more often than requests come, and were
it a million times a second, is summed up instead."""


@dataclass(frozen=True, slots=True)
class AtRandom:
    """A Poisson process, of a rate that may change."""

    per_s: Steps

    def times(self, chance: Chance) -> Iterator[float]:
        """See workload.Arriving."""
        if self.per_s.bounds()[1] <= 0:
            return  # a rate of nothing that comes again and again would be waited through for ever
        now, changes, summed = 0.0, 0, Rates.of(self.per_s)
        while now < math.inf:
            if changes > _CHANGES:
                now = summed.reaches(now, chance.exponential())
                if now < math.inf:
                    yield now
                changes = 0
                continue
            rate, until = self.per_s.at(now), self.per_s.holds_until(now)
            after = now + chance.exponential() / rate if rate > 0 else math.inf
            # Where the rate changes before it comes, the wait begins anew: a Poisson process has no memory.
            if after < until:
                now, changes = after, 0
                yield now
            else:
                now, changes = until, changes + 1

    def later(self, by_s: float) -> AtRandom:
        """See workload.Arriving."""
        return AtRandom(self.per_s.later(by_s))


@dataclass(frozen=True, slots=True)
class ByTimer:
    """One after the other at equal distances, each displaced by up to a share of one."""

    every_s: float
    jitter: float

    def times(self, chance: Chance) -> Iterator[float]:
        """See workload.Arriving."""
        # A device was not switched on at the second that the others were.
        start, number, before = chance.uniform() * self.every_s, 0, 0.0
        while True:
            displaced = self.jitter * (chance.uniform() - 0.5) if self.jitter else 0.0
            before = max(before, start + (number + displaced) * self.every_s)
            yield before
            number += 1

    def later(self, by_s: float) -> ByTimer:
        """See workload.Arriving: a timer whose phase is drawn has no beginning."""
        del by_s
        return self


@dataclass(frozen=True, slots=True)
class Bursts:
    """So many in a row on average, and then silence; all gaps are exponential, lengths of bursts geometric."""

    requests: float
    within_s: float
    between_s: float

    def times(self, chance: Chance) -> Iterator[float]:
        """See workload.Arriving."""
        now = chance.exponential() * self.between_s
        goes_on = 1 - 1 / self.requests
        while True:
            yield now
            gap_s = self.within_s if chance.uniform() < goes_on else self.between_s
            now += chance.exponential() * gap_s

    def later(self, by_s: float) -> Bursts:
        """See workload.Arriving: silence has no memory."""
        del by_s
        return self


@dataclass(frozen=True, slots=True)
class Recorded:
    """As it was; chance has no part in it."""

    instants: Sequence[float]

    def times(self, chance: Chance) -> Iterator[float]:
        """See workload.Arriving."""
        del chance
        return iter(self.instants)

    def later(self, by_s: float) -> Recorded:
        """See workload.Arriving."""
        return Recorded([at - by_s for at in self.instants if at >= by_s])
