"""Whether what was seen on the evaluation set speaks against a promise.

A promise is broken with probability delta, so one in ten or so may be; and the later audits of a changing world are of
another world than the earlier ones. Nothing is decided by this: it is for the person who would ship it."""

from __future__ import annotations

import math
from typing import Final

from router.cascade import binomial
from router.cascade.certificate import Certificate, Promise

__all__ = ["doubts"]

# Of a promise that is just kept, so large a loss is seen once in a hundred evaluations.
_RARE: Final = 0.01


def doubts(certificate: Certificate) -> tuple[str, ...]:
    """Return a sentence for each promise whose loss in evaluation is rarer than that."""
    return tuple(
        f"evaluation speaks against the promise of {promise.alpha:.2%}: so much is seen once in a hundred evaluations "
        "of a promise that holds. Do not ship it before you know why: was the world another one?"
        for promise in certificate.promises
        if _doubted(promise, certificate.n_evaluate)
    )


def _doubted(promise: Promise, n: int) -> bool:
    lost = math.floor(promise.loss * n + 0.5)
    return lost > 0 and 1.0 - binomial.tail(lost - 1, n, promise.alpha) < _RARE
