"""Made-up runs for tests of a gate: blocks whose costs differ as a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from router.gate.paired import Pair, Sample, sample_of
from router.simulate.chance import Chance
from router.simulate.measures import MEASURES
from router.simulate.tally import Block

__all__ = ["COST", "a_sample", "block", "constant"]

COST = MEASURES["cost"]

Differences = Callable[[Chance], Iterator[float]]
"""A run's differences of cost, block by block."""


def block(cost: float, *, requests: int = 8, lost: float = 0.0) -> Block:
    made = Block()
    made.requests, made.cost, made.lost = requests, cost, lost
    return made


def constant(by: float) -> Differences:
    def draw(_: Chance) -> Iterator[float]:
        while True:
            yield by

    return draw


def a_sample(
    differences: Differences, chance: Chance, *, seeds: int = 3, blocks: int = 24, resamples: int = 200, name: str = "s"
) -> Sample:
    """Return a sample whose policies have costs in common, and these differences besides."""
    pairs = []
    for _ in range(seeds):
        costs = [10 + chance.normal() for _ in range(blocks)]
        found = differences(chance)
        after = [block(cost + next(found)) for cost in costs]
        pairs.append(Pair(tuple(map(block, costs)), tuple(after)))
    return sample_of(name, pairs, chance, resamples=resamples)
