"""The breaker's transitions, one row each, and what a fault of an hour looks like through it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.running import breaker
from router.running.breaker import CLOSED, BreakerSettings, BreakerState
from router.types import BreakerPhase

SETTINGS = BreakerSettings(jitter=0.0)
MIDDLE = 0.5


def _fail(state: BreakerState, times: int, now: float = 0.0, settings: BreakerSettings = SETTINGS) -> BreakerState:
    for _ in range(times):
        state = breaker.failed(state, settings, now, state.epoch, MIDDLE)
    return state


OPENED = _fail(CLOSED, 5)
_probe = breaker.admit(OPENED, SETTINGS, 30.0)
assert _probe is not None
PROBING = _probe


def test_transitions() -> None:
    """One row each: state, what happens, when, phase after."""
    table = [
        (CLOSED, "succeeded", 0.0, BreakerPhase.CLOSED),
        (_fail(CLOSED, 3), "failed", 0.0, BreakerPhase.CLOSED),
        (_fail(CLOSED, 4), "failed", 0.0, BreakerPhase.OPEN),
        (_fail(CLOSED, 4), "succeeded", 0.0, BreakerPhase.CLOSED),
        (OPENED, "nothing", 29.9, BreakerPhase.OPEN),
        (OPENED, "nothing", 30.0, BreakerPhase.HALF_OPEN),
        (PROBING, "succeeded", 31.0, BreakerPhase.CLOSED),
        (PROBING, "failed", 31.0, BreakerPhase.OPEN),
        (PROBING, "abandoned", 31.0, BreakerPhase.HALF_OPEN),
    ]
    for state, event, now, after in table:
        if event == "succeeded":
            state = breaker.succeeded(state, SETTINGS, now, state.epoch)
        elif event == "failed":
            state = breaker.failed(state, SETTINGS, now, state.epoch, MIDDLE)
        elif event == "abandoned":
            state = breaker.abandoned(state, state.epoch)
        assert breaker.phase(state, now) is after, (event, now)


def test_a_success_between_failures_starts_the_count_again() -> None:
    state = breaker.succeeded(_fail(CLOSED, 4), SETTINGS, 0.0, 0)
    assert breaker.phase(_fail(state, 4), 0.0) is BreakerPhase.CLOSED


def test_a_share_of_failures_opens_without_a_run_of_them() -> None:
    settings = replace(SETTINGS, consecutive=100, min_calls=20, failure_share=0.85)
    state = CLOSED
    for call in range(20):
        phase = breaker.phase(state, 0.0)
        assert phase is BreakerPhase.CLOSED, call
        if call % 7 == 0:
            state = breaker.succeeded(state, settings, 0.0, 0)
        else:
            state = breaker.failed(state, settings, 0.0, 0, MIDDLE)
    assert breaker.phase(state, 0.0) is BreakerPhase.OPEN


@pytest.mark.parametrize(("later_s", "phase"), [(4.0, "open"), (9.0, "open"), (20.5, "closed")])
def test_failures_count_while_they_are_in_the_window(later_s: float, phase: str) -> None:
    settings = replace(SETTINGS, consecutive=100, min_calls=20, failure_share=0.85, window_s=10)
    state = _fail(CLOSED, 19, 100.0, settings)
    state = _fail(state, 1, 100.0 + later_s, settings)
    assert breaker.phase(state, 100.0 + later_s) == phase


def test_at_most_so_many_probes_run_at_a_time() -> None:
    settings = replace(SETTINGS, probes=2)
    state: BreakerState | None = OPENED
    for _ in range(2):
        assert state is not None
        assert breaker.admits(state, settings, 30.0)
        state = breaker.admit(state, settings, 30.0)
    assert state is not None
    assert not breaker.admits(state, settings, 30.0)
    assert breaker.admit(state, settings, 30.0) is None
    assert breaker.admits(breaker.abandoned(state, state.epoch), settings, 30.0)


def test_nothing_passes_while_it_is_open() -> None:
    assert breaker.admit(OPENED, SETTINGS, 29.9) is None
    assert not breaker.admits(OPENED, SETTINGS, 29.9)


def test_each_pause_is_longer_up_to_the_longest_and_a_success_shortens_it_again() -> None:
    state, now, pauses = CLOSED, 0.0, []
    for _ in range(14):
        state = _fail(state, 5 if state.open_until is None else 1, now)
        assert state.open_until is not None
        pauses.append(round(state.open_until - now))
        now = state.open_until
    assert pauses == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300, 300, 300]
    state = breaker.succeeded(state, SETTINGS, now, state.epoch)
    state = _fail(state, 5, now)
    assert state.open_until == now + 30


@pytest.mark.parametrize(("chance", "pause_s"), [(0.0, 27.0), (0.5, 30.0), (0.999999, 33.0)])
def test_a_pause_is_stretched_or_shortened_by_chance_within_its_jitter(chance: float, pause_s: float) -> None:
    settings = BreakerSettings(consecutive=1, jitter=0.1)
    assert breaker.failed(CLOSED, settings, 0.0, 0, chance).open_until == pytest.approx(pause_s, abs=1e-3)


@pytest.mark.parametrize("event", ["succeeded", "failed", "abandoned"])
def test_a_call_from_before_it_opened_says_nothing_about_now(event: str) -> None:
    early = CLOSED.epoch
    for state in (OPENED, PROBING, breaker.succeeded(PROBING, SETTINGS, 31.0, PROBING.epoch)):
        after = {
            "succeeded": lambda of: breaker.succeeded(of, SETTINGS, 40.0, early),
            "failed": lambda of: breaker.failed(of, SETTINGS, 40.0, early, MIDDLE),
            "abandoned": lambda of: breaker.abandoned(of, early),
        }[event](state)
        assert after is state


def test_a_call_that_told_nothing_counts_for_nothing() -> None:
    assert breaker.abandoned(CLOSED, 0) is CLOSED


def test_B1_an_endpoint_that_always_fails_gets_five_calls_and_then_one_probe_a_pause() -> None:
    settings = BreakerSettings()
    state, calls = CLOSED, []
    for tick in range(6000):  # 60 s, a hundred requests a second
        now = tick / 100
        admitted = breaker.admit(state, settings, now)
        if admitted is not None:
            calls.append(now)
            state = breaker.failed(admitted, settings, now, admitted.epoch, 0.99)
    assert calls[:5] == [0.0, 0.01, 0.02, 0.03, 0.04]
    assert len(calls) == 6
    assert calls[5] == pytest.approx(33.0, abs=0.1)


def test_B1_after_the_fault_the_first_probe_closes_it() -> None:
    state = breaker.admit(OPENED, SETTINGS, 30.0)
    assert state is not None
    state = breaker.succeeded(state, SETTINGS, 30.1, state.epoch)
    assert breaker.phase(state, 30.1) is BreakerPhase.CLOSED
    assert state.probing == 0
