"""At which hours of a day a budget is usually spent, so that a day's budget is there when it is wanted. Pure.

What is left divided by the time that is left keeps much of a budget for a night in which nobody asks. So hours count
by how much of the budget went in them on days before, the last day as much as all others together; and a little of
each day counts alike whatever was usual, because habits change. Before a day has passed all hours count alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["HOURS", "Hours", "learnt", "noted", "share_left"]

HOURS: Final = 24
Hours = tuple[float, ...]
"""By the hour of the day in UTC; empty where nothing is known."""

_HOUR_S: Final = 3600.0
# A day that is spent within eight hours leaves a thirtieth of its budget to the others by this.
_ALIKE: Final = 0.1
_NEWEST: Final = 0.5


def noted(today: Hours, into_day_s: float, spent: float) -> Hours:
    """Return what was spent in each hour of the day, so much more of it just now. What came in is no habit."""
    if not spent > 0:
        return today
    hour = _hour(into_day_s)
    before = today or (0.0,) * HOURS
    return (*before[:hour], before[hour] + spent, *before[hour + 1 :])


def learnt(usual: Hours, today: Hours) -> Hours:
    """Return the shares that are usual after a day. One on which nothing was spent says nothing."""
    total = sum(today)
    if not total > 0:
        return usual
    shares = [spent / total for spent in today]
    if not usual:
        return tuple(shares)
    return tuple((1 - _NEWEST) * old + _NEWEST * new for old, new in zip(usual, shares, strict=True))


def share_left(usual: Sequence[float], into_day_s: float) -> tuple[float, float]:
    """Return which share of a day's spending is usually still to come, and which comes in a second now."""
    if not usual:
        return 1 - into_day_s / (HOURS * _HOUR_S), 1 / (HOURS * _HOUR_S)
    weights = [_ALIKE / HOURS + (1 - _ALIKE) * share for share in usual]
    hour = _hour(into_day_s)
    of_this_hour_left = max(0.0, 1 - (into_day_s / _HOUR_S - hour))
    return sum(weights[hour + 1 :]) + weights[hour] * of_this_hour_left, weights[hour] / _HOUR_S


def _hour(into_day_s: float) -> int:
    return min(HOURS - 1, max(0, int(into_day_s // _HOUR_S)))
