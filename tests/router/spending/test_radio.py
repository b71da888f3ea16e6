"""How long a radio has been idle, in steps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from router.spending.radio import IDLE_STEPS_S, WakeLog, idle_s, idle_step
from router.types import Radio
from tests.router.situations import NOW, situation


def _idle(radio: Radio | None, now: float = NOW) -> float:
    return idle_s(replace(situation(), radio=radio, now=now))


@pytest.mark.parametrize(
    ("since_s", "counted_s"), [(0.0, 0.0), (0.09, 0.0), (0.1, 0.1), (11.9, 10.0), (64.0, 50.0), (1e6, 3600.0)]
)
def test_idleness_is_rounded_down_to_a_step(since_s: float, counted_s: float) -> None:
    assert _idle(Radio("cellular", 0.0), since_s) == counted_s


def test_a_use_that_seems_to_come_later_is_one_just_now() -> None:
    assert _idle(Radio("cellular", NOW + 5)) == 0.0


@pytest.mark.parametrize("radio", [None, Radio("cellular", None), Radio(None, None)])
def test_a_radio_that_was_never_used_has_been_idle_for_ever(radio: Radio | None) -> None:
    assert _idle(radio) == math.inf
    assert idle_step(radio, NOW) == -1


def test_the_steps_rise_and_begin_at_nothing() -> None:
    assert list(IDLE_STEPS_S) == sorted(set(IDLE_STEPS_S))
    assert IDLE_STEPS_S[0] == 0.0


def test_a_wake_that_no_call_follows_while_the_radio_is_awake_is_silent() -> None:
    log = WakeLog().woke(100.0)
    assert [log.silent_at(now, 10.0) for now in (100.0, 109.9, 110.0)] == [0, 0, 1]
    assert log.woke(130.0).silent_at(131.0, 10.0) == 1
    assert log.woke(130.0).woke(160.0).silent_at(171.0, 10.0) == 3


def test_silent_wakes_are_forgotten_one_a_minute_so_that_no_run_of_them_shuts_the_door_for_ever() -> None:
    """It did: three wakes that nobody followed, as come by chance, and no request ever asked a remote target again."""
    log = WakeLog().woke(100.0).woke(120.0).woke(140.0)
    assert [log.silent_at(140.0 + after, 10.0) for after in (0.0, 10.0, 59.0, 60.0, 120.0, 180.0, 1e6)] == [
        2, 3, 3, 2, 1, 0, 0,
    ]  # fmt: skip
    assert log.woke(140.0 + 60.0).silent_at(215.0, 10.0) == 3


def test_a_call_ends_every_count_of_silent_wakes() -> None:
    log = WakeLog().woke(100.0).woke(130.0).woke(160.0).called()
    assert log.silent_at(1000.0, 10.0) == 0
    assert log.woke(2000.0).silent_at(2001.0, 10.0) == 0
