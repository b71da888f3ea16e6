"""Whether the device's confidences are still spread as they were in calibration; noise that fools both models is not
seen by comparing their answers, and is by this.

Each confidence gets a conformal p-value: its place, ties broken by chance, among those of calibration and all that came
since. As long as all come from one source, in any order, these are independent and even on [0, 1], however few there
were in calibration. A bettor who thinks they favour some tenths over others multiplies a capital of one by 1/delta with
probability delta at most, ever (Vovk's exchangeability martingales; Ville). New bettors start at powers of two, each
with a share of the capital, so that a change after a long quiet time is heard of as soon as an early one."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from router.values import value

__all__ = ["Drift", "begin_drift", "notice", "notice_all"]

_PARTS: Final = 10
_PRIOR: Final = 0.5
"""Of each part, in a bettor's count: Krichevsky and Trofimov's."""
_FIRST_START: Final = 64


@value
class _Bettor:
    log_wealth: float
    counts: tuple[int, ...]


@value
class Drift:
    """The state of one test. `counts` are of calibration and of all that came since, by bin. `alarm` stays."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    delta: float
    seen: int
    bettors: tuple[_Bettor, ...]
    alarm: bool

    @property
    def log_m(self) -> float:
        """The natural logarithm of the capital."""
        return _mixed([bettor.log_wealth for bettor in self.bettors], self.seen)


def begin_drift(edges: Sequence[float], counts: Sequence[int], delta: float) -> Drift:
    """Return a test that has seen nothing but calibration: `counts` by bins of `edges`, an edge in the bin below."""
    return Drift(tuple(edges), tuple(counts), delta, 0, (_Bettor(0.0, (0,) * _PARTS),), False)


def notice(drift: Drift, confidence: float, chance: float) -> Drift:
    """Take one confidence; `chance` is a number drawn evenly from [0, 1). One that is not a number counts as lowest."""
    return notice_all(drift, (confidence,), (chance,))


def notice_all(drift: Drift, confidences: Sequence[float], chances: Sequence[float]) -> Drift:
    """Take several, one after the other, each with a number drawn for it: see `notice`. An alarm is heard at whichever
    of them it is due."""
    edges, counts, total = drift.edges, list(drift.counts), sum(drift.counts)
    seen, alarm, limit = drift.seen, drift.alarm, -math.log(drift.delta)
    wealth = [bettor.log_wealth for bettor in drift.bettors]
    bets = [list(bettor.counts) for bettor in drift.bettors]
    made = [sum(bettor.counts) for bettor in drift.bettors]
    for confidence, chance in zip(confidences, chances, strict=True):
        place = 0 if confidence != confidence else bisect_left(edges, confidence)
        p = (sum(counts[:place]) + chance * (counts[place] + 1)) / (total + 1)
        part = min(_PARTS - 1, int(p * _PARTS))
        for bettor, bet in enumerate(bets):
            wealth[bettor] += math.log(_PARTS * (bet[part] + _PRIOR) / (made[bettor] + _PARTS * _PRIOR))
            bet[part] += 1
            made[bettor] += 1
        counts[place] += 1
        total += 1
        seen += 1
        if seen >= _FIRST_START and seen & (seen - 1) == 0:
            wealth.append(0.0)
            bets.append([0] * _PARTS)
            made.append(0)
        # All of them together own no more than the richest would with everything.
        alarm = alarm or (max(wealth) >= limit and _mixed(wealth, seen) >= limit)
    bettors = tuple(_Bettor(log, tuple(bet)) for log, bet in zip(wealth, bets, strict=True))
    return Drift(edges, tuple(counts), drift.delta, seen, bettors, alarm)


def _mixed(wealth: Sequence[float], seen: int) -> float:
    """The k-th bettor has a share of 1 / (k (k + 1)); what is for those who have not begun yet is kept."""
    if not seen:
        return 0.0
    logs = [log - math.log(index * (index + 1)) for index, log in enumerate(wealth, start=1)]
    logs.append(-math.log(len(wealth) + 1))
    largest = max(logs)
    return largest + math.log(sum(math.exp(log - largest) for log in logs))
