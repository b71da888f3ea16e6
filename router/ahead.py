"""Gamma: what it is worth to the next request that this one leaves the radio awake. Pure.

    Gamma = E_gap[max(0, v(gap))] − E_gap[max(0, v(idle + gap))],     v(i) = J(device) − J(cloud after i of silence)

v(i) is by how much the cloud is better than the device once the radio has been silent for i; where the device is
better the next request stays there, and the radio is worth nothing to it. A router that looks at one request only can
stay on the device for ever: no single one pays for waking what all of them would gain from. The gap to the next
request is one of those that were seen lately, each as likely as any other. Both J are without Gamma."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from router.types import TargetView, TimeEstimate

__all__ = ["awake_worth", "time_after"]


def awake_worth(better_by: Callable[[float], float], gaps_s: Sequence[float], idle_s: float) -> float:
    """Return Gamma, given v, the gaps between requests, and for how long the radio has been silent."""
    if not gaps_s:
        return 0.0
    awake = math.fsum(max(0.0, better_by(gap)) for gap in gaps_s)
    resting = math.fsum(max(0.0, better_by(idle_s + gap)) for gap in gaps_s)
    return (awake - resting) / len(gaps_s)


def time_after(view: TargetView, idle_s: float) -> TimeEstimate:
    """Return how long a target would take after so long a silence; what it takes now, where that makes no
    difference."""
    found = view.time
    for after in view.times_after:
        if after.idle_s > idle_s:
            break
        found = after.time
    return found
