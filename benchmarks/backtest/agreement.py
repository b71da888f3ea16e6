"""How well what came agrees with what was foretold. Pure.

A scene is simulated SEEDS times with other chance. Were the simulator right, what came live would be one more of such
runs: it would lie between the lowest and the highest of 39 in 38 of 40 cases, which is a range of 95 %."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.backtest.requests import Seen
from router.simulate.chance import Chance
from router.types import QUANTILES

__all__ = [
    "RANGES",
    "SEEDS",
    "Foretold",
    "Reliability",
    "Versus",
    "coverage",
    "foretold",
    "put_together",
    "reliability",
    "versus",
]

SEEDS: Final = 39
# Range -> how many of the 39 lie outside of it at each end, its own ends among those inside.
RANGES: Final[Mapping[float, int]] = {0.5: 9, 0.9: 1, 0.95: 0}
_RESAMPLES: Final = 400


@dataclass(frozen=True, slots=True)
class Foretold:
    """A figure that was simulated many times, and came once."""

    came: float
    median: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """Whether it came within the range of 95 %."""
        return self.low <= self.came <= self.high


@dataclass(frozen=True, slots=True)
class Reliability:
    """Of a target's times: how many were no longer than each of the quantiles that they had been expected to have."""

    count: int
    below: tuple[int, ...]
    """At router.types.QUANTILES."""

    def within(self, share: float) -> float:
        """Return the share of times in the middle range of so much: 0.5 or 0.9."""
        low, high = (
            min(range(len(QUANTILES)), key=lambda i: abs(QUANTILES[i] - (1 + sign * share) / 2)) for sign in (-1, 1)
        )
        return (self.below[high] - self.below[low]) / self.count


@dataclass(frozen=True, slots=True)
class Versus:
    """By how much one cost more than another for each request, with the 95 % interval; and their ratio."""

    ratio: float
    more: float
    low: float
    high: float


def foretold(came: float, simulated: Sequence[float]) -> Foretold:
    """Put what came beside what was simulated."""
    ranked = sorted(simulated)
    return Foretold(came, ranked[len(ranked) // 2], ranked[0], ranked[-1])


def coverage(live: Sequence[Seen], simulated: Sequence[Sequence[Seen]]) -> dict[float, float]:
    """Return for each of RANGES the share of live requests that took a time within it of those simulated for them."""
    inside = dict.fromkeys(RANGES, 0)
    for number, seen in enumerate(live):
        ranked = sorted(run[number].seconds for run in simulated)
        for share, outside in RANGES.items():
            inside[share] += ranked[outside] <= seen.seconds <= ranked[-1 - outside]
    return {share: count / len(live) for share, count in inside.items()}


def reliability(seen: Sequence[Seen]) -> dict[str, Reliability]:
    """Return how reliable the agent's own predictions were, by target, of requests that nobody else was asked for."""
    told: dict[str, Reliability] = {}
    for one in seen:
        if one.target is not None and one.predicted is not None:
            below = tuple(int(one.seconds <= quantile_s) for quantile_s in one.predicted)
            told[one.target] = _sum(told.get(one.target), Reliability(1, below))
    return told


def put_together(parts: Sequence[Mapping[str, Reliability]]) -> dict[str, Reliability]:
    """Return several runs' reliability as one."""
    told: dict[str, Reliability] = {}
    for part in parts:
        for target, one in part.items():
            told[target] = _sum(told.get(target), one)
    return told


def versus(one: Sequence[Seen], other: Sequence[Seen], *, gap_s: float, seed: int) -> Versus:
    """Compare what two runs of the same requests cost. Bursts, between which there are more than `gap_s`, are drawn
    again as wholes: their requests share a network and a radio."""
    bursts: list[list[float]] = []
    before = None
    for mine, its in zip(one, other, strict=True):
        if before is None or mine.asked.at - before > gap_s:
            bursts.append([])
        before = mine.asked.at
        bursts[-1].append(mine.cost - its.cost)
    chance = Chance(seed, "bursts drawn again")
    drawn = sorted(_mean_of_bursts(bursts, chance.uniform) for _ in range(_RESAMPLES))
    tail = int(0.025 * _RESAMPLES)
    mine_cost, its_cost = sum(seen.cost for seen in one), sum(seen.cost for seen in other)
    return Versus(mine_cost / its_cost, (mine_cost - its_cost) / len(one), drawn[tail], drawn[-1 - tail])


def _mean_of_bursts(bursts: Sequence[Sequence[float]], uniform: Callable[[], float]) -> float:
    drawn = [bursts[int(uniform() * len(bursts))] for _ in bursts]
    return sum(map(sum, drawn)) / sum(map(len, drawn))


def _sum(one: Reliability | None, other: Reliability) -> Reliability:
    if one is None:
        return other
    return Reliability(one.count + other.count, tuple(map(int.__add__, one.below, other.below)))
