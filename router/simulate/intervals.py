"""How far a figure of a run might have come out otherwise: the block bootstrap. Pure; chance is an argument.

Blocks of requests in a row are drawn again with replacement, as many as there were, and the figure is taken of each
such draw; the interval holds the middle 95 of a hundred."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import add, mul
from typing import Final, Protocol

from router.simulate.tally import Block, seconds_of
from router.values import value

__all__ = ["Draws", "Figure", "between", "drawn_again", "drawn_once", "figure", "means", "quantile_s", "quantiles_s"]

RESAMPLES: Final = 200
"""Enough for the ends of a 95 % interval to hold still to a tenth of its width."""
_TAIL: Final = 0.025


class Draws(Protocol):
    """A source of numbers that are uniform in [0, 1)."""

    def uniform(self) -> float: ...


@value
class Figure:
    """A figure of a run, and its 95 % interval; both ends are the figure itself where there is but one block."""

    value: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the interval's width: what stands behind ±."""
        return (self.high - self.low) / 2


def drawn_again(blocks: int, chance: Draws) -> list[list[int]]:
    """Return how often each of so many blocks stands in each draw."""
    return [drawn_once(blocks, chance) for _ in range(RESAMPLES if blocks > 1 else 0)]


def drawn_once(blocks: int, chance: Draws) -> list[int]:
    """Return how often each of so many blocks stands in one draw of as many."""
    times = [0] * blocks
    for _ in range(blocks):
        times[int(chance.uniform() * blocks)] += 1
    return times


def _requests(block: Block) -> int:
    return block.requests


def figure(
    blocks: Sequence[Block],
    draws: Sequence[Sequence[int]],
    amount: Callable[[Block], float],
    *,
    per: Callable[[Block], int] = _requests,
) -> Figure:
    """Return what `amount` comes to for each request, with its interval over `draws`; or for each of what `per` counts,
    of which there is at least one."""
    return between(means(blocks, draws, amount, per=per))


def means(
    blocks: Sequence[Block],
    draws: Sequence[Sequence[int]],
    amount: Callable[[Block], float],
    *,
    per: Callable[[Block], int] = _requests,
) -> list[float]:
    """Return what `figure` is made of: the run's own, and then that of each draw."""
    amounts = [amount(block) for block in blocks]
    if not any(amounts):
        return [0.0] * (1 + len(draws))
    counts = [per(block) for block in blocks]
    found = [_weighted(amounts, times) / max(1, _weighted(counts, times)) for times in draws]
    return [sum(amounts) / sum(counts), *found]


def quantile_s(blocks: Sequence[Block], draws: Sequence[Sequence[int]], share: float) -> Figure:
    """Return the seconds within which `share` of the answers came, to a hundredth, with the interval over `draws`; 0
    where there was none."""
    return between(quantiles_s(blocks, draws, share))


def quantiles_s(blocks: Sequence[Block], draws: Sequence[Sequence[int]], share: float) -> list[float]:
    """Return what `quantile_s` is made of: the run's own, and then that of each draw."""
    buckets = sorted({bucket for block in blocks for bucket in block.times})
    if not buckets:
        return [0.0] * (1 + len(draws))
    # For each bucket how many of each block's answers took no longer.
    up_to = list(accumulate(([block.times[bucket] for block in blocks] for bucket in buckets), _added))
    answers = [block.requests - block.failed for block in blocks]

    def under(times: Sequence[int]) -> float:
        wanted = share * _weighted(answers, times)
        return seconds_of(buckets[bisect_left(up_to, wanted, key=lambda column: _weighted(column, times))])

    return [under([1] * len(blocks)), *(under(times) for times in draws)]


def between(found: Sequence[float]) -> Figure:
    """Return the figure of a run from its own value, the first, and those of draws, the others."""
    value, others = found[0], sorted(found[1:])
    if not others:
        return Figure(value, value, value)
    tail = int(_TAIL * len(others))
    return Figure(value, min(value, others[tail]), max(value, others[-1 - tail]))


def _added(one: list[int], other: list[int]) -> list[int]:
    return list(map(add, one, other))


def _weighted(amounts: Sequence[float], times: Sequence[int]) -> float:
    total: float = sum(map(mul, amounts, times))
    return total
