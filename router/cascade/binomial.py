"""The binomial distribution, exactly: tails by the incomplete beta function, bounds by bisection."""

from __future__ import annotations

import math

__all__ = ["interval", "tail", "upper_bound"]

_TINY = 1e-300
_EPSILON = 1e-15
_MAX_TERMS = 100_000


def tail(k: int, n: int, p: float) -> float:
    """Return P(X <= k) for X ~ Binomial(n, p)."""
    if k < 0:
        return 0.0
    if k >= n or p <= 0.0:
        return 1.0
    if p >= 1.0:
        return 0.0
    return _beta(1.0 - p, p, n - k, k + 1.0)


def upper_bound(k: int, n: int, delta: float) -> float:
    """Return the largest p under which k or fewer of n have a probability of `delta`: Clopper and Pearson's bound.

    With probability 1 - delta at least, the true share is at most this."""
    if k >= n:
        return 1.0
    low, high = k / n, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if tail(k, n, middle) > delta:
            low = middle
        else:
            high = middle
    return high


def interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Clopper and Pearson's two-sided interval for a share of which k of n were seen; (0, 1) of none."""
    if n == 0:
        return 0.0, 1.0
    half = (1.0 - level) / 2
    # k or more of n is n - k or fewer of the others.
    return 1.0 - upper_bound(n - k, n, half), upper_bound(k, n, half)


def _beta(x: float, rest: float, a: float, b: float) -> float:
    """Return the regularized incomplete beta function I_x(a, b); `rest` is 1 - x, not computed from it."""
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log(rest))
    # The continued fraction converges fast on one side of the mean; the other side is its mirror.
    if x < (a + 1.0) / (a + b + 2.0):
        return min(1.0, front * _fraction(x, a, b) / a)
    return max(0.0, 1.0 - front * _fraction(rest, b, a) / b)


def _fraction(x: float, a: float, b: float) -> float:
    """Return the continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method."""
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1.0)
    d = 1.0 / (d if abs(d) > _TINY else _TINY)
    value = d
    for m in range(1, _MAX_TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            d = 1.0 + term * d
            d = 1.0 / (d if abs(d) > _TINY else _TINY)
            c = 1.0 + term / c
            c = c if abs(c) > _TINY else _TINY
            value *= c * d
        if abs(c * d - 1.0) < _EPSILON:
            break
    return value
