"""When calls are kept back from a target that fails many of them."""

from __future__ import annotations

import random

import pytest

from router.running.throttle import UNTRIED, ThrottleSettings, ThrottleState, counted, p_reject

SETTINGS = ThrottleSettings()


def _after(requests: int, accepted_share: float, *, rps: float = 50.0) -> tuple[ThrottleState, float]:
    state, now = UNTRIED, 0.0
    for number in range(requests):
        now += 1 / rps
        state = counted(
            state, SETTINGS, now, accepted=int((number + 1) * accepted_share) > int(number * accepted_share)
        )
    return state, now


def test_a_target_that_was_never_tried_gets_every_call() -> None:
    assert p_reject(UNTRIED, SETTINGS, 5.0) == 0.0


@pytest.mark.parametrize(
    ("accepted", "low", "high"),
    [(1.0, 0.0, 0.0), (0.7, 0.0, 0.0), (0.5, 0.0, 0.02), (0.3, 0.35, 0.45), (0.1, 0.78, 0.8), (0.0, 0.8, 0.8)],
)
def test_beyond_k_calls_for_each_that_is_accepted_the_rest_is_kept_back(
    accepted: float, low: float, high: float
) -> None:
    state, now = _after(20_000, accepted)
    assert low <= p_reject(state, SETTINGS, now) <= high


def test_below_the_least_traffic_nothing_is_kept_back() -> None:
    state, now = _after(2000, 0.0, rps=4.5)
    assert p_reject(state, SETTINGS, now) == 0.0
    state, now = _after(2000, 0.0, rps=6.0)
    assert p_reject(state, SETTINGS, now) == 0.8


def test_it_is_over_soon_after_the_target_is_well_again() -> None:
    state, now = _after(20_000, 0.0)
    chance = random.Random(2)
    kept_back = []
    for _ in range(3 * 120 * 50):
        now += 1 / 50
        keeps = chance.random() < p_reject(state, SETTINGS, now)
        state = counted(state, SETTINGS, now, accepted=not keeps)
        kept_back.append(keeps)
    assert sum(kept_back[:50]) > 30  # it ramps: at first most calls are still kept back
    assert sum(kept_back[-50:]) == 0


def test_a_silence_forgets() -> None:
    state, now = _after(20_000, 0.0)
    assert p_reject(state, SETTINGS, now + 600) == 0.0


def test_a_clock_that_stands_or_steps_back_is_no_error() -> None:
    state, now = _after(100, 0.0)
    assert counted(state, SETTINGS, now - 50, accepted=True).requests == pytest.approx(state.requests + 1)
