"""When a client keeps its own calls back from a target that refuses them. Pure: (state, event, now) -> state.

    P(keep back) = max(0, (requests − K·accepted) / (requests + 1)), at most `max_reject`

after Google's SRE book. A breaker is all or nothing, and opens only where almost everything fails; a target that
answers a third of what it gets is better off with two thirds of it. What is kept back counts as a request, so that the
share rises while it goes on; a few calls always pass, and tell when it is over.

The window slides by fading: what is `window_s / 2` old weighs a third, so that the mean age is a plain window's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from router.values import value

__all__ = ["UNTRIED", "ThrottleSettings", "ThrottleState", "counted", "p_reject"]


@dataclass(frozen=True, slots=True)
class ThrottleSettings:
    """See document.ThrottlePart, whose defaults these are."""

    k: float = 2.0
    window_s: float = 120.0
    min_rps: float = 5.0
    max_reject: float = 0.8


@value
class ThrottleState:
    """One target's: fading counts, as they were at `at`."""

    requests: float = 0.0
    accepted: float = 0.0
    at: float = -math.inf


UNTRIED: Final = ThrottleState()


def counted(state: ThrottleState, settings: ThrottleSettings, now: float, *, accepted: bool) -> ThrottleState:
    """A request ended: the target took it, or refused it, or it was kept back."""
    left = _left(state, settings, now)
    return ThrottleState(state.requests * left + 1.0, state.accepted * left + accepted, max(now, state.at))


def p_reject(state: ThrottleState, settings: ThrottleSettings, now: float) -> float:
    """Return the probability with which the next request is kept back."""
    enough = settings.min_rps * settings.window_s / 2
    if state.requests < enough:
        return 0.0  # counts only fade
    left = _left(state, settings, now)
    requests, accepted = state.requests * left, state.accepted * left
    if requests < enough:
        return 0.0
    return min(settings.max_reject, max(0.0, (requests - settings.k * accepted) / (requests + 1.0)))


def _left(state: ThrottleState, settings: ThrottleSettings, now: float) -> float:
    """Return how much of the counts is left at `now`."""
    return math.exp(-max(0.0, now - state.at) / (settings.window_s / 2)) if state.requests else 0.0
