"""What closed a target, as values: an app's errors name them, and load nothing of what decides. Pure."""

from __future__ import annotations

from enum import StrEnum

from router.values import value

__all__ = ["Closed", "Constraint"]


class Constraint(StrEnum):
    """What can close a target, in the order of the checks."""

    LABEL = "label"
    MODE = "mode"
    RULE = "rule"
    NOT_SERVED = "not_served"
    TOO_LARGE = "too_large"
    BREAKER = "breaker"
    PUSHBACK = "pushback"
    BUDGET = "budget"
    TIME = "time"
    STAY_LOCAL = "stay_local"


@value
class Closed:
    """A target, what closed it, and the particulars in words."""

    target: str
    constraint: Constraint
    detail: str
