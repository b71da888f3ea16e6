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

__all__ = ["Draws", "Figure", "drawn_again", "figure", "quantile_s"]

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


def drawn_again(blocks: int, chance: Draws) -> list[list[int]]:
    """Return how often each of so many blocks stands in each draw."""
    draws: list[list[int]] = []
    for _ in range(RESAMPLES if blocks > 1 else 0):
        times = [0] * blocks
        for _ in range(blocks):
            times[int(chance.uniform() * blocks)] += 1
        draws.append(times)
    return draws


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
    amounts = [amount(block) for block in blocks]
    if not any(amounts):
        return Figure(0.0, 0.0, 0.0)
    counts = [per(block) for block in blocks]
    found = [_weighted(amounts, times) / max(1, _weighted(counts, times)) for times in draws]
    return _between(sum(amounts) / sum(counts), found)


def quantile_s(blocks: Sequence[Block], draws: Sequence[Sequence[int]], share: float) -> Figure:
    """Return the seconds within which `share` of the requests ended, to a hundredth, with the interval over `draws`."""
    buckets = sorted({bucket for block in blocks for bucket in block.times})
    if not buckets:
        return Figure(0.0, 0.0, 0.0)
    # For each bucket how many of each block's requests took no longer.
    up_to = list(accumulate(([block.times[bucket] for block in blocks] for bucket in buckets), _added))
    requests = [block.requests for block in blocks]

    def under(times: Sequence[int]) -> float:
        wanted = share * _weighted(requests, times)
        return seconds_of(buckets[bisect_left(up_to, wanted, key=lambda column: _weighted(column, times))])

    return _between(under([1] * len(blocks)), [under(times) for times in draws])


def _added(one: list[int], other: list[int]) -> list[int]:
    return list(map(add, one, other))


def _weighted(amounts: Sequence[float], times: Sequence[int]) -> float:
    total: float = sum(map(mul, amounts, times))
    return total


def _between(found: float, others: list[float]) -> Figure:
    if not others:
        return Figure(found, found, found)
    others.sort()
    tail = int(_TAIL * len(others))
    return Figure(found, min(found, others[tail]), max(found, others[-1 - tail]))
