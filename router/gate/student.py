"""Quantiles of Student's t: how much wider an interval has to be where little was seen.

Pure; the sums are Abramowitz and Stegun's 26.7.3 and 26.7.4, which are exact for whole degrees of freedom."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

from router.running.waiting import normal_quantile

__all__ = ["t_quantile"]

_MANY: Final = 1000
"""With so many degrees of freedom the normal's quantile is right to three digits."""
_FAR: Final = 1e6
_HALVINGS: Final = 80


@lru_cache(maxsize=256)
def t_quantile(share: float, freedom: int) -> float:
    """Return below which number `share` of Student's t with so many degrees of freedom lies; share from 1/2 on."""
    if freedom >= _MANY:
        return normal_quantile(share)
    low, high = 0.0, _FAR
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if 0.5 + _within(middle, freedom) / 2 < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _within(t: float, freedom: int) -> float:
    """Return the probability that |T| is at most t."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, square = math.sin(angle), math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for power in range(odd, freedom - 1, 2):
        if power > odd:
            term *= square * (power - 1) / power
        total += term
    if odd:
        return 2 / math.pi * (angle + sine * total)
    return sine * total
