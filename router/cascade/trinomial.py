"""A p-value for a mean loss whose losses are -1, 0 or 1: exact, however many there are and in whatever order.

The hypothesis is that the mean exceeds alpha. The sum of the losses alone would decide, if it were known how often the
loss is not 0: the more often, the likelier a small sum is by chance. That share, q, is bounded from above by what was
seen, and the bound's own risk is added to the p-value (Berger and Boos, 1994):

    p = beta + sup { P(sum <= t) : alpha <= q <= q_U },    q_U = Clopper and Pearson's bound of q at beta

The supremum is where the mean is alpha, since moving chance from -1 to 1 only raises the sum, and at q_U: for q up to
1/2 the sum plus n is a sum of 2n independent yes-or-nos (its generating polynomial has real roots alone), whose most
likely value is less than 1 from its mean (Darroch, 1964), and below that value more spread makes a small sum likelier.
Where q may exceed 1/2, or the sum is next to its mean, no hypothesis is rejected."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from router.cascade import binomial

__all__ = ["at_most", "p_value"]

_SHARE_OF_BOUND: Final = 0.1
"""Of delta, for the risk that q exceeds its bound. A twentieth or a fifth certify hardly less; see ADR 26."""
_FAR: Final = 8.5
"""Standard deviations, beyond which there is no chance that a float could tell from none."""


def p_value(ups: int, downs: int, n: int, alpha: float, delta: float) -> float:
    """Return the p-value of "the mean loss exceeds alpha" for `n` losses, `ups` of them 1, `downs` -1, the others 0.

    Valid at every level; the bound of q takes its share of `delta`. With so few losses that not even none other than 0
    would pass at `delta`, q itself is tested, which the mean cannot exceed."""
    if _too_few(n, alpha, delta):
        return binomial.tail(ups + downs, n, alpha)
    return _bounded(ups, downs, n, alpha, _SHARE_OF_BOUND * delta)


def _bounded(ups: int, downs: int, n: int, alpha: float, risk: float) -> float:
    q = max(alpha, _bound(ups + downs, n, risk))
    if q > 0.5 or ups - downs + 1 > math.floor((n - 1) * alpha):
        return 1.0
    return min(1.0, risk + at_most(ups - downs, n, (q + alpha) / 2, (q - alpha) / 2))


@lru_cache(maxsize=256)
def _too_few(n: int, alpha: float, delta: float) -> bool:
    return _bounded(0, 0, n, alpha, _SHARE_OF_BOUND * delta) > delta


def at_most(t: int, n: int, up: float, down: float) -> float:
    """Return P(sum <= t) of n independent numbers that are 1 with chance `up`, -1 with chance `down`, and 0 otherwise.

    Summed over how many are 1; with each one more of them, the chance that enough are -1 follows from the last. Where
    it is next to 1 it is 1."""
    likely = n * up
    if t >= n or t > n * (up - down) + _FAR * math.sqrt(n * (up + down)) + _FAR:
        return 1.0
    spread = _FAR * math.sqrt(likely) + _FAR
    ones = max(t, 0, math.floor(likely - spread))
    last = min(n, math.ceil(likely + spread))
    total = binomial.tail(ones - 1, n, up)  # with so few ones any sum will do, or so few have no chance
    rest = down / (1.0 - up)
    odds, rest_odds = up / (1.0 - up), rest / (1.0 - rest)
    here = _chance(ones, n, up)
    needed, others = ones - t, n - ones
    enough = 1.0 - binomial.tail(needed - 1, others, rest)
    one_fewer = _chance(needed, others - 1, rest)  # exactly `needed` of the others but one are -1
    while True:
        total += here * enough
        if ones >= last or enough <= 0.0 or needed + 2 > others:
            return min(1.0, total)
        # Of the cases that just had enough, those have no longer in which the one that became 1 had been -1, ...
        if rest > 0.0:
            enough -= one_fewer * needed * (1.0 - rest) / (others - needed)
        # ... and those that have no more than was enough before.
        enough -= one_fewer
        one_fewer *= rest_odds / (1.0 - rest) * (others - 1 - needed) * (others - 2 - needed)
        one_fewer /= (needed + 1) * (others - 1)
        here *= odds * (n - ones) / (ones + 1)
        ones += 1
        needed += 1
        others -= 1


def _chance(k: int, n: int, p: float) -> float:
    if not 0 <= k <= n:
        return 0.0
    ways = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(ways + (k * math.log(p) if k else 0.0) + (n - k) * math.log1p(-p)) if p > 0.0 or not k else 0.0


@lru_cache(maxsize=4096)
def _bound(k: int, n: int, risk: float) -> float:
    """Thresholds next to one another share it, and it is the dearest part."""
    return binomial.upper_bound(k, n, risk)
