"""How long one kind of radio takes to wake, by how long it was silent. Pure.

Learnt from real calls: what one took beyond what it would have taken awake. A silence that nothing was learnt of is
believed in between those that are known: a radio that has slept longer does not wake more quickly."""

from __future__ import annotations

from typing import Final

from router.estimates.histogram import LogHistogram
from router.estimates.prior import prior_quantiles
from router.estimates.silence import silences_s
from router.types import QUANTILES, WakeAfter

__all__ = ["Wakes"]

Times = tuple[float, float, float, float, float]

_NOTHING: Final[Times] = (0.0, 0.0, 0.0, 0.0, 0.0)
_MEDIAN: Final = QUANTILES.index(0.5)
# What is no longer than this is told as none: clocks and threads stray by as much.
_LEAST_S: Final = 0.002
# Half of the calls after a silence take longer than half of those without one, by chance; a radio's wake is well more.
_SLEEPS_S: Final = 0.005
_MEMORY: Final = 40  # a radio stays the same for longer than a server's load does

# Of a full memory, so many samples that lie within what is usual move a quantile by less than a hair.
_SOME: Final = 4
_HAIR: Final = 0.05

# Before anything was learnt: a silence after which the radio is believed asleep, and 5 % and 95 % of what it then
# takes.
# LTE sleeps after 11.6 s and wakes in 0.26 s, Wi-Fi after 0.24 s and in 0.08 s: Huang et al., A Close Examination of
# Performance and Power Characteristics of 4G LTE Networks, MobiSys 2012, table 3. On today's phones the first exchange
# after some 10 s of silence was seen to take 0.7 s more than the next. Modern Wi-Fi hardly sleeps: hence its range.
_LONGEST_S: Final = 1.2
"""Of those, for a link of which nobody knows what it is."""
_PRIORS: Final[dict[str, tuple[float, float, float]]] = {
    "cellular": (10.0, 0.15, 1.2),
    "wifi": (1.0, 0.003, 0.08),
}


class Wakes:
    """One radio kind's. Holds no clock."""

    __slots__ = ("_cells", "_known", "_longest_s", "_prior", "_untold", "after", "awake", "medians_s", "silences_s")

    def __init__(self, kind: str) -> None:
        self.silences_s = silences_s(kind)
        self._cells: list[LogHistogram | None] = [None] * len(self.silences_s)
        self._known: list[Times | None] = [None] * len(self.silences_s)
        self._untold = [0] * len(self.silences_s)
        asleep_s, *range_s = _PRIORS.get(kind, (0.0, 0.0, 0.0))
        self._longest_s = range_s[-1] or _LONGEST_S
        believed = prior_quantiles(*range_s) if all(range_s) else _NOTHING
        self._prior: tuple[Times, ...] = tuple(
            believed if at > 0 and at >= asleep_s else _NOTHING for at in self.silences_s
        )
        self._publish()

    def observe(self, index: int, beyond_s: float) -> bool:
        """Learn that a call after the silence `index` took `beyond_s` longer than it would have taken awake. Returns
        whether what is told has changed."""
        cell = self._cells[index]
        if cell is None:
            cell = self._cells[index] = LogHistogram(_MEMORY, reach=700)
        beyond_s = max(beyond_s, _LEAST_S)
        cell.add_one(beyond_s)
        told = self._known[index]
        self._untold[index] += 1
        full = cell.samples > _MEMORY and self._untold[index] < _SOME
        if told is not None and full and max(told[0], _LEAST_S) <= beyond_s <= max(told[-1], _LEAST_S):
            return False
        return self._publish(index)

    def merge(self, index: int, weights: dict[int, float], samples: int) -> None:
        """See LogHistogram.merge."""
        cell = self._cells[index]
        if cell is None:
            cell = self._cells[index] = LogHistogram(_MEMORY, reach=700)
        cell.merge(weights, samples)
        self._publish(index)

    def at_most_s(self, index: int) -> float:
        """Return what a radio may take at the most after the silence `index`: 95 % of what was learnt, or else of what
        is believed of one that is asleep."""
        known = self._known[index]
        return self._longest_s if known is None else known[-1]

    def weights(self, index: int) -> tuple[dict[int, float], int] | None:
        """Return what is known after the silence `index`, and from how many samples."""
        cell = self._cells[index]
        return None if cell is None else (cell.weights(), cell.samples)

    def _publish(self, changed: int | None = None) -> bool:
        """Tell what is known by now. Returns False where it is much the same as what is told: what moves by a hair need
        not have everything weighed again."""
        if changed is not None:
            cell = self._cells[changed]
            assert cell is not None
            self._untold[changed] = 0
            q05, q25, q50, q75, q95 = (q if q > _LEAST_S * 1.02 else 0.0 for q in cell.quantiles(QUANTILES))
            told = self._known[changed]
            if told is not None and all(map(_much_the_same, (q05, q25, q50, q75, q95), told)):
                return False
            self._known[changed] = (q05, q25, q50, q75, q95)
        found = self._believed()
        self.medians_s = tuple(times[_MEDIAN] for times in found)
        """Seconds by silence; 0 where it does not sleep."""
        sleeps = any(median > _SLEEPS_S for median in self.medians_s)
        if not sleeps:
            self.medians_s = (0.0,) * len(self.silences_s)
        self.awake = next((index for index, median in enumerate(self.medians_s) if median), len(self.medians_s))
        """After how many of the silences, the shortest first, it is believed awake."""
        self.after = tuple(map(WakeAfter, self.silences_s, found)) if sleeps else ()
        """See router.types.Radio.wakes."""
        return True

    def _believed(self) -> list[Times]:
        """Return what is believed after each silence."""
        # From the longest down, then from the shortest up: what is known beyond each, and what before it.
        longer: Times | None = None
        beyond: list[Times | None] = []
        for own in reversed(self._known):
            beyond.append(longer)
            longer = own or longer
        shorter, found = _NOTHING, list[Times]()
        for own, prior, longer in zip(self._known, self._prior, reversed(beyond), strict=True):
            if own is not None:
                shorter = own
                found.append(own)
            elif longer is None and shorter is _NOTHING:
                found.append(prior)
            else:
                found.append(_between(prior, shorter, longer))
        return found


def _between(prior: Times, shorter: Times, longer: Times | None) -> Times:
    """Return what is believed after a silence that is longer than one, and not as long as another."""
    a, b, c, d, e = map(max, prior, shorter)
    if longer is None:
        return (a, b, c, d, e)
    a, b, c, d, e = (max(low, min(q, high)) for q, low, high in zip((a, b, c, d, e), shorter, longer, strict=True))
    return (a, b, c, d, e)


def _much_the_same(one_s: float, other_s: float) -> bool:
    return abs(one_s - other_s) <= max(_LEAST_S, _HAIR * other_s)
