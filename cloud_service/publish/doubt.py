"""Whether what was seen on the evaluation set speaks against a promise.

A promise is broken with probability delta, so one in ten or so may be; and the later audits of a changing world are of
another world than the earlier ones. Nothing is decided by this: it is for the person who would ship it."""

from __future__ import annotations

import math
from typing import Final

from router.cascade import binomial
from router.cascade.certificate import Promise

__all__ = ["doubted"]

# Of a promise that is just kept, so large a loss is seen once in a hundred evaluations.
_RARE: Final = 0.01


def doubted(promise: Promise, n: int) -> bool:
    """Tell whether the loss seen on `n` examples is rarer than one in a hundred, if the promise is just kept."""
    lost = math.floor(promise.loss * n + 0.5)
    return lost > 0 and 1.0 - binomial.tail(lost - 1, n, promise.alpha) < _RARE
