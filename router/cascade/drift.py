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

__all__ = ["Drift", "begin_drift", "notice"]

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
        return _mixed(self.bettors, self.seen)


def begin_drift(edges: Sequence[float], counts: Sequence[int], delta: float) -> Drift:
    """Return a test that has seen nothing but calibration: `counts` by bins of `edges`, an edge in the bin below."""
    return Drift(tuple(edges), tuple(counts), delta, 0, (_Bettor(0.0, (0,) * _PARTS),), False)


def notice(drift: Drift, confidence: float, chance: float) -> Drift:
    """Take one confidence; `chance` is a number drawn evenly from [0, 1). One that is not a number counts as lowest."""
    place = 0 if confidence != confidence else bisect_left(drift.edges, confidence)
    below = sum(drift.counts[:place])
    alike = drift.counts[place] + 1
    p = (below + chance * alike) / (sum(drift.counts) + 1)
    part = min(_PARTS - 1, int(p * _PARTS))
    bettors = tuple(_bet(bettor, part) for bettor in drift.bettors)
    seen = drift.seen + 1
    if seen >= _FIRST_START and seen & (seen - 1) == 0:
        bettors = (*bettors, _Bettor(0.0, (0,) * _PARTS))
    counts = _one_more(drift.counts, place)
    alarm = drift.alarm or _mixed(bettors, seen) >= -math.log(drift.delta)
    return Drift(drift.edges, counts, drift.delta, seen, bettors, alarm)


def _bet(bettor: _Bettor, part: int) -> _Bettor:
    counts = bettor.counts
    stake = _PARTS * (counts[part] + _PRIOR) / (sum(counts) + _PARTS * _PRIOR)
    return _Bettor(bettor.log_wealth + math.log(stake), _one_more(counts, part))


def _one_more(counts: tuple[int, ...], place: int) -> tuple[int, ...]:
    return (*counts[:place], counts[place] + 1, *counts[place + 1 :])


def _mixed(bettors: Sequence[_Bettor], seen: int) -> float:
    """The k-th bettor has a share of 1 / (k (k + 1)); what is for those who have not begun yet is kept."""
    if not seen:
        return 0.0
    logs = [bettor.log_wealth - math.log(index * (index + 1)) for index, bettor in enumerate(bettors, start=1)]
    logs.append(-math.log(len(bettors) + 1))
    largest = max(logs)
    return largest + math.log(sum(math.exp(log - largest) for log in logs))
