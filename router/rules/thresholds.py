"""What each threshold on the device's score costs and gains, as an evaluation measured it, and which one pays. Pure.

A threshold that somebody chose is right for one network and one price. The evaluation that made a release knows for
each threshold which share of requests it lets go, and how many more of all answers are right then; what an escalation
costs is known when a request is decided. So the best threshold is not a number in a file but the one of the evaluated
ones that costs least now: on a cheap, quick link more is asked, on a slow one less."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from router.types import EvaluatedThreshold

__all__ = ["at", "cheapest", "measured"]

# So many thresholds, evenly over the requests. Finer ones would differ by less than an evaluation of thousands tells.
_STEPS: Final = 20


def measured(examples: Iterable[tuple[float, bool, bool]]) -> tuple[EvaluatedThreshold, ...]:
    """Return what some thresholds do with an evaluation's examples, of which each is the device's score, whether the
    device is right and whether the remote model is.

    Rising in `below`, and so in `share`. The last asks for all but the surest, since to ask for all is another plan."""
    ranked = sorted(examples)
    count, found = len(ranked), []
    right_before, place = 0, 0
    for step in range(1, _STEPS):
        wanted = step * count // _STEPS
        if wanted <= place:
            continue
        below = ranked[wanted - 1][0]
        while place < count and ranked[place][0] <= below:  # equal scores escalate together
            _, device_right, remote_right = ranked[place]
            right_before += remote_right - device_right
            place += 1
        if place == count:
            break
        found.append(EvaluatedThreshold(below, place / count, right_before / count))
    return tuple(found)


def cheapest(
    thresholds: Sequence[EvaluatedThreshold], per_escalation: float, per_gain: float
) -> EvaluatedThreshold | None:
    """Return the threshold under which escalating costs least; None where every one costs more than it gains.

    `per_escalation` is what asking for all would cost, `per_gain` what it is worth that all are right that were wrong,
    in one currency."""
    best: EvaluatedThreshold | None = None
    least = 0.0
    for threshold in thresholds:
        cost = threshold.share * per_escalation - threshold.gain * per_gain
        if cost < least:
            best, least = threshold, cost
    return best


def at(thresholds: Sequence[EvaluatedThreshold], below: float) -> EvaluatedThreshold:
    """Return what a threshold does that somebody named, where others were evaluated: as if what lies between two of
    them were spread evenly. Beyond the last nothing more is gained. At least one was evaluated."""
    low = EvaluatedThreshold(0.0, 0.0, 0.0)
    for high in (*thresholds, EvaluatedThreshold(1.0, 1.0, thresholds[-1].gain)):
        if below <= high.below:
            width = high.below - low.below
            part = (below - low.below) / width if width > 0 else 1.0
            share = low.share + part * (high.share - low.share)
            return EvaluatedThreshold(below, share, low.gain + part * (high.gain - low.gain))
        low = high
    return EvaluatedThreshold(below, 1.0, low.gain)
