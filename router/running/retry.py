"""When a target that could not be reached is asked again, and how often in all. Pure: (state, event) -> state.

Retries are what turns a bad minute of a server into a storm, so two budgets of each target have to agree: tokens, which
failures use up and answers slowly bring back (gRPC's retryThrottling: with every eleventh call failing they run out),
and a share of the calls that are under way (Envoy's retry budget). A retry that they do not cover is not made.

Only a target that could not be reached is asked again: what answered has answered, and a model's answer is no other the
second time. The request's id travels with both, so that a server can tell that they are one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from router.choosing.plan import Retry
from router.running.events import Failure
from router.values import value

__all__ = ["IDLE", "RetrySettings", "RetryState", "begun", "ended", "may_retry", "pause_s", "retryable"]

_UNREACHABLE: Final = "UNAVAILABLE"
"""The one word of the error table after which the same target may have an answer a moment later."""


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """See document.RetryPart, whose defaults these are."""

    attempts: int = 2
    base_s: float = 0.05
    max_s: float = 1.0
    tokens: float = 10.0
    per_success: float = 0.1
    active_share: float = 0.2
    active_min: int = 3


@value
class RetryState:
    """One target's. `spent` of the tokens are gone; `retrying` of the `active` calls are retries."""

    spent: float = 0.0
    active: int = 0
    retrying: int = 0


IDLE: Final = RetryState()


def retryable(failure: Failure) -> bool:
    """Tell whether the same target may have an answer a moment later."""
    return failure.code == _UNREACHABLE and not failure.security


def pause_s(terms: Retry, attempts: int, chance: float) -> float:
    """Return how long to wait after so many attempts: anything up to a bound that doubles, so that those who failed
    together do not come back together. `chance` is uniform in [0, 1)."""
    return chance * min(terms.max_s, terms.base_s * 2.0 ** (attempts - 1))


def may_retry(state: RetryState, settings: RetrySettings) -> bool:
    """Tell whether the budgets cover one more retry."""
    enough = state.spent < settings.tokens / 2
    return enough and state.retrying < max(settings.active_min, settings.active_share * state.active)


def begun(state: RetryState, *, retry: bool = False) -> RetryState:
    """A call began; a `retry` was covered by the budgets."""
    return RetryState(state.spent, state.active + 1, state.retrying + retry)


def ended(
    state: RetryState, settings: RetrySettings, *, blamed: bool = False, answered: bool = False, retry: bool = False
) -> RetryState:
    """A call that was `begun` ended: by the target's fault, with an answer, or otherwise, which costs and brings no
    token."""
    spent = min(settings.tokens, state.spent + 1.0) if blamed else state.spent
    if answered:
        spent = max(0.0, spent - settings.per_success)
    return RetryState(spent, max(0, state.active - 1), max(0, state.retrying - retry))
