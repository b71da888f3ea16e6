"""What another policy would have come to, from weighted sums; or why the log cannot tell. Pure; chance is an argument.

    weight   w = π(plan) / b(plan), the probability of what was done under the other policy and under the logged one
    IPS      Σ w·y / n                      unbiased
    SNIPS    Σ w·y / Σ w                    less spread, a little biased; stays within what was seen
    DR       Σ (q̂(π) + w·(y − q̂(plan))) / n  unbiased as IPS, with less spread where the model q̂ is any good

after Horvitz and Thompson (1952), Swaminathan and Joachims (2015), Dudík, Langford and Li (2011). How many records all
this is worth tells Kish's (Σ w)² / Σ w²; with fewer than 100 of them there is no estimate. The same holds for the
requests on which the two policies differ, for among all the others nothing of that difference can be seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import mul
from typing import Final

from router.offpolicy.exploring import Advice, Needs
from router.offpolicy.outcome import FIGURES, Compared
from router.offpolicy.sums import Block, Sums, Terms
from router.simulate.intervals import Draws, Figure, between, drawn_again
from router.values import value

__all__ = ["ENOUGH", "Estimate", "Estimates", "Refusal", "effective", "estimates"]

ENOUGH: Final = 100.0
"""Effective samples."""
_DOUBTS: Final = 5.0
"""So many standard errors are no chance any more."""
_NO_SQUARE: Final = 1e-290
"""Squares that are nearer to the smallest float have lost their digits: one sample came to more than one."""
_UNSEEN: Final = 0.01
"""So much of what a policy does may be out of a log's sight: less than what intervals of 100 samples leave open."""


@value
class Estimate:
    """One figure for one request: as logged, and what it would have been by three estimates; with 95 % intervals."""

    figure: Compared
    records: int
    effective: float
    logged: Figure
    ips: Figure
    snips: Figure
    dr: Figure


@value
class Refusal:
    """Why there is no estimate. `advice` is None where no exploration would help."""

    why: str
    advice: Advice | None


@value
class Estimates:
    """What a log tells of another policy. `figures` is empty where it is `refused`."""

    records: int
    differing: int
    effective: float
    effective_differing: float
    """Of those requests on which the policies differ; 0 where there are none."""
    largest_weight: float
    mean_weight: float
    """Near 1 where the log is what it says it is."""
    doubtful: bool
    """Whether it is further from 1 than chance explains."""
    cut: int
    """Weights that were larger than allowed, and cut."""
    unseen: float
    """Share of what the policy would do that was never done in that situation."""
    astray: float
    """Share, by weight, of what went another way than on the policy's terms."""
    unmodelled: int
    """Records for whose plans nothing was expected: DR is IPS there."""
    figures: tuple[Estimate, ...]
    refused: Refusal | None


def effective(weight: float, weight2: float) -> float:
    """Return Kish's effective sample size of weights with this sum, and this sum of squares."""
    return 0.0 if weight2 < _NO_SQUARE else weight / weight2 * weight


def estimates(sums: Sums, needs: Needs, chance: Draws) -> Estimates:
    """Return what `sums` come to; `needs` says what it would take where that is too little."""
    found = effective(sums.weight, sums.weight2)
    found_differing = effective(sums.differing_weight, sums.differing_weight2)
    count = max(1, sums.count)
    unseen, astray = sums.unseen / count, sums.astray / (sums.weight or 1.0)
    refused = _refused(sums, needs, found, found_differing, unseen, astray)
    return Estimates(
        sums.count,
        sums.differing,
        found,
        found_differing,
        sums.largest,
        sums.weight / count,
        _doubtful(sums, unseen),
        sums.cut,
        unseen,
        astray,
        sums.unmodelled,
        () if refused is not None else tuple(_figures(sums.blocks, chance)),
        refused,
    )


def _refused(
    sums: Sums, needs: Needs, found: float, found_differing: float, unseen: float, astray: float
) -> Refusal | None:
    advice = needs.advice(ENOUGH)
    if not sums.count:
        return Refusal("no record says what came of a request, and how probable what was done was", None)
    if sums.differing and sums.differing_unseen >= sums.differing:
        return Refusal("what it does otherwise was never done: the log is deterministic there", advice)
    if unseen > _UNSEEN:
        return Refusal(f"{unseen:.1%} of what it does was never done in such a situation", advice)
    if astray > _UNSEEN:
        terms = "on its terms (thresholds, backups, hedges)"
        return Refusal(f"{astray:.1%} of what it does goes another way {terms} than was logged", None)
    if found < ENOUGH:
        return Refusal(f"{sums.count:,} records are worth {_samples(found)}", advice)
    if sums.differing and found_differing < ENOUGH:
        where = f"the {sums.differing:,} requests on which it differs"
        return Refusal(f"{where} are worth {_samples(found_differing)}", advice)
    return None


def _doubtful(sums: Sums, unseen: float) -> bool:
    if sums.cut or sums.count < ENOUGH:
        return False
    mean = sums.weight / sums.count
    spread = math.sqrt(max(0.0, sums.weight2 / sums.count - mean * mean) / sums.count)
    return abs(mean + unseen - 1) > max(_DOUBTS * spread, 0.01)


def _samples(found: float) -> str:
    # Down, so that what is too little does not look enough.
    return f"{int(found)} effective samples, and {ENOUGH:.0f} are wanted"


def _figures(blocks: Sequence[Block], chance: Draws) -> list[Estimate]:
    draws = drawn_again(len(blocks), chance)
    found: list[Estimate] = []
    for place, figure in enumerate(FIGURES):
        terms = [block.figures[place] for block in blocks]
        count = sum(part.count for part in terms)
        worth = effective(sum(part.weight for part in terms), sum(part.weight2 for part in terms))
        if worth < ENOUGH:
            continue  # older records do not say so much of it
        of = _Ratios(terms, draws)
        found.append(
            Estimate(
                figure,
                count,
                worth,
                of(lambda part: part.seen, _count),
                of(lambda part: part.weighed, _count),
                of(lambda part: part.weighed, lambda part: part.weight),
                of(lambda part: part.direct + part.residual, _count),
            )
        )
    return found


def _count(terms: Terms) -> float:
    return terms.count


class _Ratios:
    """Sums over sums, of all blocks and of each draw."""

    def __init__(self, terms: Sequence[Terms], draws: Sequence[Sequence[int]]) -> None:
        self._terms = terms
        self._times = ([1] * len(terms), *draws)

    def __call__(self, amount: Callable[[Terms], float], per: Callable[[Terms], float]) -> Figure:
        amounts, counts = [amount(part) for part in self._terms], [per(part) for part in self._terms]
        found: list[float] = []
        for times in self._times:
            total = sum(map(mul, counts, times))
            # A draw of blocks in none of which anything weighs says nothing.
            if total > 0:
                found.append(sum(map(mul, amounts, times)) / total)
        return between(found)
