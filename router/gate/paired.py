"""By how much two policies differ in a measure, from runs in which both met the same requests, and how sure that is.

Runs of one scenario and seed have the same requests, networks, servers and chance (Law, "Simulation Modeling and
Analysis", 5th ed., 11.2: common random numbers), so what both had in common cancels out. What is left is uncertain in
two ways, and an interval has to allow for both:

- within a run: blocks of requests in a row are drawn again, in pairs (Carlstein, 1986), each seed's among themselves,
  and the draws are spread as Hesterberg ("What Teachers Should Know About the Bootstrap", 2015, 3.3) does against
  what a bootstrap of few blocks is too narrow by;
- from run to run: what a policy once learnt may last, so that blocks of one run are wrong together. The seeds' own
  values tell, as in any independent replications, by Student's t (Law, 9.4.1).

Of the two the wider end is taken, on either side. Blocks alone were tried: where neighbours are correlated they accept
what is no better one time in five instead of in twenty (tests/router/gate/test_paired.py). Pure; chance is an
argument."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal, Protocol

from router.gate.student import t_quantile
from router.running.waiting import normal_quantile
from router.simulate.intervals import Draws, drawn_once, means
from router.simulate.measures import Measure, Times, difference, measured
from router.simulate.tally import Block
from router.values import value

__all__ = ["LEAST_BLOCKS", "LEAST_SEEDS", "Difference", "Pair", "Sample", "average", "sample_of"]

_RESAMPLES: Final = 2000
"""Enough for an end that one of 300 draws is beyond: a gate of fifteen criteria asks for it."""
_POWER: Final = 0.8
"""With the requests that are told to be wanted, four of five such comparisons are settled."""
_MOST_WANTED: Final = 10**9
LEAST_SEEDS: Final = 3
"""Of two values nobody can tell how much values differ: Student's factor is 6.3."""
LEAST_BLOCKS: Final = 20
"""Of fewer blocks a bootstrap's ends are chance themselves."""


@value
class Pair:
    """What both policies came to under one seed: the same number of blocks, of the same requests but for those that
    ended in another order."""

    baseline: tuple[Block, ...]
    candidate: tuple[Block, ...]


class Difference(Protocol):
    """By how much the candidate has more of something for each request. Whoever estimates it otherwise than from runs,
    from a log of decisions say, has this to bring, and criterion.py to judge by it."""

    @property
    def value(self) -> float: ...

    @property
    def requests(self) -> int: ...

    @property
    def enough(self) -> bool:
        """Whether there is enough of it to tell an interval at all."""
        ...

    def low(self, error: float) -> float:
        """Return what the truth is below with a probability of at most `error`."""
        ...

    def high(self, error: float) -> float:
        """Return what the truth is above with a probability of at most `error`."""
        ...

    def requests_within(self, room: float, error: float) -> int | None:
        """Return with how many requests the ends would mostly be no further away than `room`; None beyond all sense."""
        ...


@value
class Sampled:
    """A Difference over runs. `drawn` rises, `by_seed` has each seed's own; `most` is what a single request can differ
    by, None where that has no bound."""

    value: float
    requests: int
    blocks: int
    drawn: tuple[float, ...]
    by_seed: tuple[float, ...]
    most: float | None

    @property
    def enough(self) -> bool:
        return self.blocks >= LEAST_BLOCKS

    def low(self, error: float) -> float:
        """See Difference."""
        return self.value - max(self._below(error), self._unseen(error))

    def high(self, error: float) -> float:
        """See Difference."""
        return self.value + max(self._above(error), self._unseen(error))

    def requests_within(self, room: float, error: float) -> int | None:
        """See Difference. An interval narrows with the root of the requests, but for what none of them has shown."""
        powerful = 1 + normal_quantile(_POWER) / normal_quantile(1 - error)
        narrower = max(self._below(error), self._above(error)) * powerful / room
        unseen = 0.0
        if self.most is not None and room < self.most:
            unseen = math.log(error) / math.log1p(-room / self.most)
        wanted = max(self.requests * narrower**2, unseen)
        return math.ceil(wanted) if wanted <= _MOST_WANTED else None

    def _below(self, error: float) -> float:
        place = max(0, math.ceil(error * len(self.drawn)) - 1)
        drawn = (self.value - self.drawn[place]) * self._spread(error) if self.drawn else 0.0
        return max(0.0, drawn, self._by_seeds(error))

    def _above(self, error: float) -> float:
        place = min(len(self.drawn) - 1, math.floor((1 - error) * len(self.drawn)))
        drawn = (self.drawn[place] - self.value) * self._spread(error) if self.drawn else 0.0
        return max(0.0, drawn, self._by_seeds(error))

    def _spread(self, error: float) -> float:
        freedom = max(1, self.blocks - max(1, len(self.by_seed)))
        few = t_quantile(1 - error, freedom) / normal_quantile(1 - error)
        return few * math.sqrt(self.blocks / freedom)

    def _by_seeds(self, error: float) -> float:
        seeds = len(self.by_seed)
        if seeds < LEAST_SEEDS:
            return math.inf
        mean = math.fsum(self.by_seed) / seeds
        variance = math.fsum((one - mean) ** 2 for one in self.by_seed) / (seeds - 1)
        return t_quantile(1 - error, seeds - 1) * math.sqrt(variance / seeds)

    def _unseen(self, error: float) -> float:
        """Return what may come of requests such as none of these was: the rule of three."""
        return 0.0 if self.most is None else self.most * (1 - math.exp(math.log(error) / max(1, self.requests)))


class Sample:
    """The runs of one scenario, each seed's pair of them, and how they are drawn again."""

    __slots__ = ("_draws", "baseline", "blocks", "candidate", "name", "pairs", "requests")

    def __init__(self, name: str, pairs: Sequence[Pair], draws: Times) -> None:
        self.name = name
        self.pairs = tuple(pairs)
        self.baseline = [block for pair in pairs for block in pair.baseline]
        self.candidate = [block for pair in pairs for block in pair.candidate]
        self.blocks = len(self.baseline)
        self.requests = sum(block.requests for block in self.baseline)
        self._draws = draws

    def difference(self, measure: Measure) -> Sampled:
        """Return by how much the candidate has more than the baseline."""
        found = self.unsorted(measure)
        each = tuple(_of_seed(pair, measure) for pair in self.pairs)
        return self._sampled(found, each, measure)

    def of_baseline(self, measure: Measure) -> float:
        """Return what the baseline has."""
        return measured(self.baseline, measure, ())[0]

    def amount(self, measure: Measure) -> Sampled:
        """Return what the candidate has by itself, as a difference from nothing."""
        found = measured(self.candidate, measure, self._draws)
        each = tuple(measured(pair.candidate, measure, ())[0] for pair in self.pairs)
        return self._sampled(found, each, measure)

    def ratio(
        self,
        of: Literal["baseline", "candidate"],
        amount: Callable[[Block], float],
        per: Callable[[Block], int],
    ) -> Sampled | None:
        """Return what `amount` of one of them comes to for each of what `per` counts; None where it counts nothing."""
        runs = [getattr(pair, of) for pair in self.pairs]
        count = sum(per(block) for blocks in runs for block in blocks)
        if not count:
            return None
        found = means([block for blocks in runs for block in blocks], self._draws, amount, per=per)
        each = tuple(means(blocks, (), amount, per=per)[0] for blocks in runs if any(map(per, blocks)))
        return Sampled(found[0], count, self.blocks, tuple(sorted(found[1:])), each, 1.0)

    def unsorted(self, measure: Measure) -> list[float]:
        """Return the difference, and then that of each draw in the order in which they were drawn."""
        return difference(self.candidate, self.baseline, measure, self._draws)

    def _sampled(self, found: Sequence[float], each: tuple[float, ...], measure: Measure) -> Sampled:
        # A time is no mean of single requests', and a cost has no bound.
        most = 1.0 if measure.unit == "share" else None
        return Sampled(found[0], self.requests, self.blocks, tuple(sorted(found[1:])), each, most)


def sample_of(name: str, pairs: Sequence[Pair], chance: Draws, *, resamples: int = _RESAMPLES) -> Sample:
    """Return the sample of these pairs, of one scenario; at least one."""
    counts = [len(pair.baseline) for pair in pairs]
    assert counts == [len(pair.candidate) for pair in pairs], "runs of one scenario and seed have the same blocks"
    draws = [
        [times for blocks in counts for times in drawn_once(blocks, chance)]
        for _ in range(resamples if max(counts) > 1 else 0)
    ]
    return Sample(name, pairs, draws)


def average(samples: Sequence[Sample], measure: Measure) -> Sampled:
    """Return the mean of the samples' differences: a request of each scenario counts alike. All have as many seeds."""
    columns = [sample.unsorted(measure) for sample in samples]
    drawn = min(len(column) for column in columns)
    found = [math.fsum(column[place] for column in columns) / len(columns) for place in range(drawn)]
    seeds = zip(*([_of_seed(pair, measure) for pair in sample.pairs] for sample in samples), strict=True)
    return Sampled(
        found[0],
        sum(sample.requests for sample in samples),
        min(sample.blocks for sample in samples),
        tuple(sorted(found[1:])),
        tuple(math.fsum(each) / len(each) for each in seeds),
        None,
    )


def _of_seed(pair: Pair, measure: Measure) -> float:
    return difference(pair.candidate, pair.baseline, measure, ())[0]
