"""What policies are judged by, each by a name that a command line can say, and how two runs differ in it. Pure.

Of every measure less is better, and all are for one request. Two runs of one setting and seed met the same requests in
the same blocks: drawn again together, block by block, what both had in common is not taken for a difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.simulate.intervals import means, quantiles_s
from router.simulate.tally import Block

__all__ = ["MEASURES", "Measure", "Times", "difference", "measured"]

Times = Sequence[Sequence[int]]
"""How often each block stands in each draw: intervals.drawn_again's."""


@dataclass(frozen=True, slots=True)
class Measure:
    """`amount` is what one block has of it; of a `quantile`, the seconds within which such a share of the answers
    ended, there is none."""

    name: str
    unit: str
    about: str
    amount: Callable[[Block], float] | None = None
    quantile: float | None = None


def _sent(block: Block) -> float:
    return block.up_bytes + block.down_bytes


_LISTED: Final = (
    Measure("cost", "in the policy's worth", "what a request costs", lambda block: block.cost),
    Measure("accuracy_loss", "share", "right answers of the best remote target that were lost", lambda b: b.lost),
    Measure("wrong", "share", "wrong answers", lambda block: block.wrong),
    Measure("misses", "share", "answers after the deadline", lambda block: block.missed),
    Measure("failures", "share", "requests without an answer", lambda block: block.failed),
    Measure("escalations", "share", "requests that were escalated", lambda block: block.escalated),
    Measure("latency", "seconds", "the mean time of a request", lambda block: block.seconds),
    Measure("latency_p50", "seconds", "half of the answers take no longer", quantile=0.5),
    Measure("latency_p95", "seconds", "95 of 100 answers take no longer", quantile=0.95),
    Measure("latency_p99", "seconds", "99 of 100 answers take no longer", quantile=0.99),
    Measure("energy", "joules", "what a request draws from the battery", lambda block: block.joules),
    Measure("money", "US dollars", "what a request costs for calls", lambda block: block.usd),
    Measure("bytes", "bytes", "what a request sends and receives", _sent),
)
MEASURES: Final[Mapping[str, Measure]] = {measure.name: measure for measure in _LISTED}


def measured(blocks: Sequence[Block], measure: Measure, draws: Times) -> list[float]:
    """Return what a run comes to, and then what it comes to in each draw: what intervals.between makes a figure of."""
    if measure.amount is None:
        assert measure.quantile is not None
        return quantiles_s(blocks, draws, measure.quantile)
    return means(blocks, draws, measure.amount)


def difference(one: Sequence[Block], other: Sequence[Block], measure: Measure, draws: Times) -> list[float]:
    """Return by how much `one` has more than `other`, two runs of the same settings and seeds, and then by how much in
    each draw, as `measured` does. `draws` are of as many blocks as each of them has."""
    pairs = zip(measured(one, measure, draws), measured(other, measure, draws), strict=True)
    return [mine - theirs for mine, theirs in pairs]
