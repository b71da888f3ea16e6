"""Faults of the device's own sensors, and of time. What cannot be told is not tested: a sensor that is stuck at a
credible value looks like a quiet one."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import pytest

from edge_agent.signals import Battery, Processor, Sampler, Temperature
from edge_agent.testing import FakeClock
from tests.builders.sources import Told


class Times(NamedTuple):
    user: float
    idle: float


def raising() -> None:
    raise RuntimeError("the driver is gone")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        pytest.param(Battery(sensor=lambda: None), "psutil.sensors_battery", id="no_battery"),
        pytest.param(Battery(sensor=raising), "psutil.sensors_battery (RuntimeError)", id="battery_raises"),
    ],
)
def test_E1_a_battery_that_cannot_be_read_is_unknown_and_nothing_crashes(source: Battery, told: str) -> None:
    sampler = Sampler([source, Told({"cpu_load": 0.5})])
    sampler.sample_now()
    for name in source.names:
        assert (sampler.snapshot()[name].value, sampler.snapshot()[name].source) == (None, told)
    assert sampler.snapshot()["cpu_load"].value == 0.5


def test_E1_a_platform_without_temperature_sensors_is_unknown() -> None:
    sampler = Sampler([Temperature(sensors=dict)])
    sampler.sample_now()
    assert sampler.snapshot()["temperature_c"].value is None
    assert sampler.health()[0].failures == 0


def test_E2_the_first_reading_of_the_processor_is_unknown_and_not_zero() -> None:
    times = iter([Times(100, 100), Times(101, 101)])
    sampler = Sampler([Processor(sensor=lambda: next(times))])
    sampler.sample_now()
    assert sampler.snapshot()["cpu_load"].value is None
    sampler.sample_now()
    assert sampler.snapshot()["cpu_load"].value == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("battery_pct", math.nan, id="nan"),
        pytest.param("battery_pct", math.inf, id="infinity"),
        pytest.param("battery_pct", -1, id="negative"),
        pytest.param("battery_pct", 101, id="over_100_percent"),
        pytest.param("battery_pct", "80", id="text"),
        pytest.param("battery_pct", True, id="flag_for_a_number"),
        pytest.param("battery_pct", 10**400, id="number_beyond_floats"),
        pytest.param("battery_pct", [80], id="list"),
        pytest.param("cpu_load", 80, id="percent_for_a_share"),
        pytest.param("charging", 1, id="number_for_a_flag"),
        pytest.param("charging", "yes", id="text_for_a_flag"),
        pytest.param("link", "5g", id="no_such_text"),
        pytest.param("link", True, id="flag_for_a_text"),
        pytest.param("temperature_c", 3000, id="hotter_than_anything"),
        pytest.param("rtt_ms", -0.5, id="negative_round_trip"),
    ],
)
def test_E4_an_incredible_value_is_unknown_and_counted_and_replaces_the_good_one(name: str, value: object) -> None:
    good = {"charging": True, "cpu_load": 0.5, "link": "wifi"}.get(name, 50)
    source = Told({name: good})
    sampler = Sampler([source])
    sampler.sample_now()
    assert sampler.snapshot()[name].value == good
    source.values = {name: value}
    sampler.sample_now()
    assert sampler.snapshot()[name].value is None
    assert sampler.snapshot()[name].source == "told (value refused)"
    assert sampler.health()[0].rejected == 1


def test_A16_a_reading_s_time_is_the_monotonic_clock_s() -> None:
    sampler = Sampler([Told({"cpu_load": 0.5})])
    before = time.monotonic()
    sampler.sample_now()
    assert before <= sampler.snapshot()["cpu_load"].at <= time.monotonic()


def test_A16_after_eight_hours_without_a_sample_nothing_is_fresh_and_the_next_pass_reads_everything() -> None:
    clock = FakeClock()
    sampler = Sampler([Told({"cpu_load": 0.5}), Told({"battery_pct": 50}, interval_s=30)], clock=clock)
    sampler.sample_due()
    assert all(row.fresh for row in sampler.statuses())
    clock.advance(8 * 3600)
    assert not any(row.fresh for row in sampler.statuses())
    sampler.sample_due()
    assert all(row.fresh for row in sampler.statuses())
