"""What running a model draws, from readings of the whole device."""

from __future__ import annotations

import random

import pytest

from router.estimates import DevicePower


def _seen(*, runs_w: float, noise_w: float = 0.3, readings: int = 150, varies: bool = True) -> DevicePower:
    chance, power = random.Random(3), DevicePower()
    for at in range(readings):
        share = chance.random() if varies else 0.4
        power.ran(30.0 * share)
        power.read(1.5 + runs_w * share + chance.gauss(0, noise_w), at * 30.0)
    return power


def test_it_is_the_slope_of_power_over_the_share_of_time_that_runs_took() -> None:
    assert _seen(runs_w=2.0).watts == pytest.approx(2.0, rel=0.15)


def test_few_readings_tell_nothing() -> None:
    assert _seen(runs_w=2.0, readings=12).watts is None


def test_a_slope_that_might_be_chance_is_not_told() -> None:
    assert _seen(runs_w=0.0).watts is None
    assert _seen(runs_w=0.2, noise_w=3.0).watts is None


def test_a_load_that_is_always_the_same_tells_nothing() -> None:
    assert _seen(runs_w=2.0, varies=False).watts is None


def test_while_the_device_is_charged_nothing_is_learnt() -> None:
    power = DevicePower()
    for at in range(100):
        power.ran(20.0)
        power.read(None if at % 2 else 5.0, at * 30.0)
    assert power.watts is None
