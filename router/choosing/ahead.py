"""Gamma: what it is worth to the requests to come that this one leaves the radio awake. Pure.

    Gamma = E_gap[max(v(gap) + Gamma, rests)] − E_gap[max(v(idle + gap) + Gamma, rests)]
    v(i)  = J(device) − J(cloud after i of silence),    rests = max(0, Gamma − wake)

v(i) is by how much the cloud is better than the device once the radio has been silent for i, both without Gamma; where
the device is better the next request stays there. A request that does go to the cloud leaves the radio awake in its
turn, and so on: that is the Gamma on the right; one that stays may wake it, where that is allowed, for `wake`. A router
that looks at one request only can stay on the device for ever, because no single one pays for waking what all of them
would gain from; and without such wakes so does one that looks only one ahead, where waking costs more than the very
next request gains. The gap to the next request is one of those that were seen lately, each as likely as any other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from router.types import TargetView, TimeEstimate

__all__ = ["awake_worth", "time_after", "worth_between"]

_NOTHING: Final = 1e-12


def awake_worth(
    better_by: Callable[[float], float], gaps_s: Sequence[float], idle_s: float, wake: float = math.inf
) -> float:
    """Return Gamma, given v, the gaps between requests, for how long the radio has been silent, and the cost of waking
    it for nobody; infinity: that is not done."""
    awake = [(better_by(gap), 1) for gap in gaps_s]
    return worth_between([*awake, *((better_by(idle_s + gap), -1) for gap in gaps_s)], len(gaps_s), wake)


def worth_between(differing: Sequence[tuple[float, int]], gaps: int, wake: float = math.inf) -> float:
    """Return Gamma, given how many more of so many gaps have each v where the radio is awake than where it rests: the
    equation is in their differences alone."""
    worth = 0.0
    if not differing:
        return worth
    # What is left of the equation falls along straight lines as Gamma rises: a step along one ends on its root, or
    # beyond a bend, behind which the next step begins.
    for _ in range(2 * gaps + 2):
        rests = worth - wake if worth > wake else 0.0
        left, rises, bend = -gaps * worth, 0, wake if worth < wake else math.inf
        for v, more in differing:
            asked = v + worth
            if asked >= rests:  # from a bend on it rises
                left += more * asked
                rises += more
            else:
                left += more * rests
            if worth < -v < bend:
                bend = -v
        if left <= _NOTHING:
            break
        falls = gaps - (rises if worth < wake else 0)
        worth = min(worth + left / falls if falls > 0 else math.inf, bend + _NOTHING)
    return worth


def time_after(view: TargetView, idle_s: float) -> TimeEstimate:
    """Return how long a target would take after so long a silence; what it takes now, where that makes no
    difference."""
    found = view.time
    for after in view.times_after:
        if after.idle_s > idle_s:
            break
        found = after.time
    return found
