"""When and how often a target is asked again."""

from __future__ import annotations

import random

import pytest

from router.choosing.plan import Retry
from router.running.events import Failure
from router.running.retry import IDLE, RetrySettings, RetryState, begun, ended, may_retry, pause_s, retryable

SETTINGS = RetrySettings()
TERMS = Retry(4, 0.05, 0.15)


@pytest.mark.parametrize(("attempts", "longest_s"), [(1, 0.05), (2, 0.1), (3, 0.15), (4, 0.15)])
def test_a_pause_is_anything_up_to_a_bound_that_doubles(attempts: int, longest_s: float) -> None:
    assert pause_s(TERMS, attempts, 0.0) == 0.0
    assert pause_s(TERMS, attempts, 0.5) == pytest.approx(longest_s / 2)
    assert pause_s(TERMS, attempts, 0.999) < longest_s


def test_only_a_target_out_of_reach_is_asked_again() -> None:
    assert retryable(Failure("cloud", "UNAVAILABLE"))
    assert not retryable(Failure("cloud", "UNAVAILABLE", security=True))
    for code in ("INTERNAL", "DEADLINE_EXCEEDED", "OVERLOADED", "MODEL_NOT_READY", "BAD_RESPONSE", "SECURITY_ERROR"):
        assert not retryable(Failure("cloud", code))


def test_failures_use_tokens_up_and_answers_bring_them_back_slowly() -> None:
    state = IDLE
    for _ in range(5):
        assert may_retry(state, SETTINGS)
        state = ended(begun(state), SETTINGS, blamed=True)
    assert not may_retry(state, SETTINGS)
    state = ended(begun(state), SETTINGS, answered=True)
    assert may_retry(state, SETTINGS)
    assert state.spent == pytest.approx(4.9)


def test_what_tells_nothing_costs_nothing() -> None:
    assert ended(begun(IDLE), SETTINGS) == IDLE


def test_the_stock_is_bounded_both_ways() -> None:
    state = IDLE
    for _ in range(100):
        state = ended(begun(state), SETTINGS, blamed=True)
    assert state.spent == 10.0
    for _ in range(1000):
        state = ended(begun(state), SETTINGS, answered=True)
    assert state.spent == 0.0


@pytest.mark.parametrize(
    ("active", "retrying", "covered"), [(0, 2, True), (0, 3, False), (15, 3, False), (20, 3, True), (20, 4, False)]
)
def test_a_fifth_of_what_is_under_way_may_be_retries_and_three_always(
    active: int, retrying: int, covered: bool
) -> None:
    assert may_retry(RetryState(0.0, active, retrying), SETTINGS) is covered


@pytest.mark.parametrize("failing", [0.0, 0.05, 0.3, 0.6, 1.0])
def test_B6_whatever_share_of_calls_fails_retries_add_less_than_a_fifth(failing: float) -> None:
    chance = random.Random(1)
    state, attempts, requests = IDLE, 0, 500
    for _ in range(requests):
        for attempt in range(SETTINGS.attempts):
            if attempt and not may_retry(state, SETTINGS):
                break
            attempts += 1
            fails = chance.random() < failing
            state = ended(
                begun(state, retry=attempt > 0), SETTINGS, blamed=fails, answered=not fails, retry=attempt > 0
            )
            if not fails:
                break
    assert attempts <= 1.2 * requests
    assert state.active == state.retrying == 0
