"""What a target's faults leave of it between a request's coming and its deadline, taken at its best. Pure.

A fault that a call may outlast is none; of those that come again, only the one that is on at the beginning counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from router.simulate.faults import Fault

__all__ = ["least_delay_s", "least_slow", "may_be_unavailable", "sound_from"]

# So many faults, one after the other, are waited out; whoever meets more is taken to meet no more.
_MOST_IN_TURN: Final = 64


def sound_from(faults: Sequence[Fault], start: float, end: float) -> float | None:
    """Return the first moment from `start` to `end` at which a call may begin that is answered; None where there is
    none."""
    for _ in range(_MOST_IN_TURN):
        # What is sent into a black hole is lost, and nobody who is down takes a connection.
        lost = [fault for fault in faults if (fault.black_hole or fault.downs) and fault.active(start)]
        if not lost:
            return None if _fails_until(faults, start, end) >= end else start
        start = max(_over_at(fault, start) for fault in lost)
        if start >= end:
            return None
    return start


def least_slow(faults: Sequence[Fault], start: float, end: float) -> float:
    """Return by what factor a server is slow at the least, from `start` to `end`."""
    return math.prod(fault.slow for fault in faults if _lasts(fault, start, end))


def least_delay_s(faults: Sequence[Fault], start: float, end: float) -> float:
    """Return by how much a round trip is longer at the least, from `start` to `end`."""
    return sum(fault.delay_s for fault in faults if _lasts(fault, start, end))


def may_be_unavailable(faults: Sequence[Fault], start: float, end: float) -> bool:
    """Tell whether a call between `start` and `end` may fail so that it is made again: see router/running/retry.py."""
    return any(
        fault.error_share > 0
        and fault.code == "UNAVAILABLE"
        and (fault.active(start) or fault.changes_after(start) <= end)
        for fault in faults
    )


def _lasts(fault: Fault, start: float, end: float) -> bool:
    return fault.active(start) and _over_at(fault, start) >= end


def _over_at(fault: Fault, now: float) -> float:
    """Return when a fault is over that is on now."""
    if fault.every_s == math.inf:
        return fault.end
    # Where it lasts until it comes again there is no end of it; and no rounding may leave it where it is.
    return math.inf if fault.every_s <= fault.end - fault.start else math.nextafter(fault.changes_after(now), math.inf)


def _fails_until(faults: Sequence[Fault], start: float, end: float) -> float:
    """Return until when a server that is reached from `start` on fails every call, as far as that is before `end`."""
    until = start
    for _ in range(_MOST_IN_TURN):
        lost = [_over_at(fault, until) for fault in faults if fault.error_share >= 1 and fault.active(until)]
        if not lost or until >= end:
            return until
        until = max(lost)
    return start
