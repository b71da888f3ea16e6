"""Until when a target is left alone that was closed to a request. Pure.

What closes one for good, or until something happens, has no instant: a label, a rule, a probe that is under way."""

from __future__ import annotations

import math

from router.choosing.closed import Closed, Constraint
from router.experience.known import Known
from router.types import DEVICE

__all__ = ["again_at"]


def again_at(known: Known, closed: Closed, model: str) -> float:
    """Return the instant from which the target is asked again; infinity, or one that has passed: not known."""
    target = closed.target
    if closed.constraint is Constraint.BREAKER:
        state = known.rest_of(model)[0] if target == DEVICE else known.breaker_of(target)
        return math.inf if state.open_until is None else state.open_until
    book = known.books.get((target, model))
    if book is None:
        return math.inf
    if closed.constraint is Constraint.NOT_SERVED:
        return book.absent_until
    if closed.constraint is Constraint.PUSHBACK:
        return book.advice.pushed_until
    return book.advice.away_until if closed.constraint is Constraint.STAY_LOCAL else math.inf
