"""What a search is for, and what must hold: an objective, constraints, and the order that they put policies in. Pure.

Every part counts alike in the objective. A constraint has to hold in each part by itself: one that holds on average
over a good network and a bad one holds on neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.simulate.chance import Chance
from router.simulate.intervals import Figure, between, drawn_again
from router.simulate.limits import Limit
from router.simulate.measures import Measure, measured
from router.simulate.tally import Block

__all__ = ["Aim", "Blocks", "Judge"]

Blocks = Sequence[Block]


@dataclass(frozen=True, slots=True)
class Aim:
    """See the module."""

    objective: Measure
    constraints: tuple[Limit, ...] = ()

    @property
    def needs_times(self) -> bool:
        """Whether something of it is a quantile of times."""
        return any(measure.quantile is not None for measure in self.measures)

    @property
    def measures(self) -> tuple[Measure, ...]:
        return (self.objective, *(constraint.measure for constraint in self.constraints))

    def __str__(self) -> str:
        subject = f", subject to {', '.join(map(str, self.constraints))}" if self.constraints else ""
        return f"{self.objective.name}{subject}"


class Judge:
    """Judges what policies came to, each by its blocks in each part. All are drawn again alike, so that two of them are
    compared pair by pair."""

    def __init__(self, aim: Aim, parts: Sequence[str], seed: int) -> None:
        self.aim = aim
        self.parts = tuple(parts)
        self._seed = seed
        self._draws: dict[tuple[str, int], list[list[int]]] = {}

    def objective(self, runs: Sequence[Blocks]) -> Figure:
        """Return what the objective comes to, over all parts."""
        return between(self._over_all(runs, self.aim.objective))

    def difference(self, one: Sequence[Blocks], other: Sequence[Blocks]) -> Figure:
        """Return by how much the objective of `one` is above that of `other`."""
        pairs = zip(self._over_all(one, self.aim.objective), self._over_all(other, self.aim.objective), strict=True)
        return between([mine - theirs for mine, theirs in pairs])

    def held(self, runs: Sequence[Blocks]) -> list[tuple[Limit, str, Figure]]:
        """Return what each constraint comes to in each part."""
        return [
            (constraint, part, between(self._drawn(part, blocks, constraint.measure)))
            for constraint in self.aim.constraints
            for part, blocks in zip(self.parts, runs, strict=True)
        ]

    def broken(self, runs: Sequence[Blocks]) -> list[tuple[Limit, str, Figure]]:
        """Return the constraints that are not held, with the parts in which they are not."""
        return [found for found in self.held(runs) if found[2].value > found[0].most]

    def rank(self, runs: Sequence[Blocks]) -> tuple[float, float]:
        """Return what policies are ordered by, less being better: by how much constraints may be broken, then the
        objective. A constraint is kept with a margin, up to the end of its interval: what just holds in the part that
        was searched is broken in every other one."""
        excess = sum(_excess(limit, figure.high) for limit, _, figure in self.held(runs))
        return excess, self._over_all(runs, self.aim.objective, draws=False)[0]

    def _over_all(self, runs: Sequence[Blocks], measure: Measure, *, draws: bool = True) -> list[float]:
        each = [self._drawn(part, blocks, measure, draws=draws) for part, blocks in zip(self.parts, runs, strict=True)]
        return [sum(values) / len(values) for values in zip(*_of_one_length(each), strict=True)]

    def _drawn(self, part: str, blocks: Blocks, measure: Measure, *, draws: bool = True) -> list[float]:
        return measured(blocks, measure, self._draws_of(part, len(blocks)) if draws else ())

    def _draws_of(self, part: str, blocks: int) -> list[list[int]]:
        key = part, blocks
        if key not in self._draws:
            self._draws[key] = drawn_again(blocks, Chance(self._seed, f"blocks of {part}"))
        return self._draws[key]


def _excess(limit: Limit, value: float) -> float:
    """Return by what share of the limit `value` is above it; of a limit of nothing, `value` itself."""
    return max(0.0, value - limit.most) / (limit.most or 1.0)


def _of_one_length(each: Sequence[list[float]]) -> list[list[float]]:
    """Return lists of equal length: a part of a single block has a value and no draws, and is itself in every draw."""
    longest = max(len(values) for values in each)
    return [values if len(values) == longest else values[:1] * longest for values in each]
