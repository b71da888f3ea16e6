"""The machine's own sources, on what psutil may tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pytest

from edge_agent.signals import Battery, Memory, Processor, Sampler, Temperature, machine_sources
from router.types import signal


class BatteryTold(NamedTuple):
    percent: float
    power_plugged: bool | None


class MemoryTold(NamedTuple):
    available: int


class Times(NamedTuple):
    """Times as Linux has them: guest time is also within user time."""

    user: float = 0.0
    idle: float = 0.0
    iowait: float = 0.0
    guest: float = 0.0


class SensorTold(NamedTuple):
    current: float | None


# -- battery and memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "values"),
    [
        pytest.param(BatteryTold(41.5, False), {"battery_pct": 41.5, "charging": False}, id="on_battery"),
        pytest.param(BatteryTold(100, True), {"battery_pct": 100, "charging": True}, id="plugged"),
        pytest.param(BatteryTold(41.5, None), {"battery_pct": 41.5, "charging": None}, id="power_not_known"),
        pytest.param(None, {}, id="no_battery"),
    ],
)
def test_battery(told: BatteryTold | None, values: Mapping[str, object]) -> None:
    assert Battery(sensor=lambda: told).read() == values


def test_memory_is_what_is_available_in_megabytes() -> None:
    assert Memory(sensor=lambda: MemoryTold(2_500_000_000)).read() == {"memory_free_mb": 2500.0}


# -- processor ---------------------------------------------------------------------------------------------------------


def loads(*times: Times) -> list[object]:
    told = iter(times)
    processor = Processor(sensor=lambda: next(told))
    return [processor.read().get("cpu_load") for _ in times]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param([Times(10, 10), Times(11, 13)], 0.25, id="share_since_the_last_reading"),
        pytest.param([Times(10, 10), Times(10, 14)], 0.0, id="idle"),
        pytest.param([Times(10, 10), Times(14, 10)], 1.0, id="busy"),
        pytest.param([Times(10, 10, 0), Times(11, 11, 2)], 0.25, id="waiting_for_a_disk_is_not_busy"),
        pytest.param([Times(10, 10, 0, 0), Times(12, 12, 0, 1)], 0.5, id="guests_count_once"),
        pytest.param([Times(10, 10), Times(9.99, 11)], 0.0, id="rounding_below_nothing"),
        pytest.param([Times(10, 10), Times(1, 1)], None, id="counters_ran_backwards"),
    ],
)
def test_cpu_load(times: Sequence[Times], expected: float | None) -> None:
    assert loads(*times)[-1] == pytest.approx(expected)


def test_a_reading_too_soon_repeats_the_last_share_rather_than_rounding() -> None:
    assert loads(Times(10, 10), Times(11, 11), Times(11.05, 11), Times(12, 11)) == pytest.approx([None, 0.5, 0.5, 1.0])


def test_after_counters_ran_backwards_the_share_is_told_again() -> None:
    assert loads(Times(10, 10), Times(11, 11), Times(1, 1), Times(2, 4))[-2:] == [None, 0.25]


@pytest.mark.parametrize(
    ("own_s", "own", "others"),
    [
        pytest.param(0.0, 0.0, 0.5, id="all_is_others"),
        pytest.param(1.0, 0.25, 0.25, id="half_is_its_own"),
        pytest.param(2.0, 0.5, 0.0, id="all_is_its_own"),
        pytest.param(2.1, 0.5, 0.0, id="its_own_clock_is_finer_than_the_ticks"),
    ],
)
def test_the_load_is_split_into_one_s_own_and_everybody_else_s(own_s: float, own: float, others: float) -> None:
    told, used = iter([Times(10, 10), Times(12, 12)]), iter([5.0, 5.0 + own_s])
    processor = Processor(sensor=lambda: next(told), own=lambda: next(used))
    assert processor.read() == {}
    assert processor.read() == pytest.approx({"cpu_load": 0.5, "cpu_own": own, "cpu_others": others})


# -- temperature -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sensors", "expected"),
    [
        pytest.param({"coretemp": [41.0, 63.5, 50.0]}, 63.5, id="hottest_core"),
        pytest.param({"k10temp": [55.0], "nvme": [71.0]}, 55.0, id="a_disk_is_no_processor"),
        pytest.param({"cpu_thermal": [48.0]}, 48.0, id="arm_board"),
        pytest.param({"acpitz": [27.8]}, None, id="the_board_s_zone_is_no_processor"),
        pytest.param({"coretemp": [0.0, 44.0, 127.0, 255.0]}, 44.0, id="incredible_ones_left_out"),
        pytest.param({"coretemp": [None, -273.2]}, None, id="nothing_credible"),
        pytest.param({"coretemp": [-12.0]}, -12.0, id="frost"),
        pytest.param({}, None, id="no_sensor"),
    ],
)
def test_temperature(sensors: Mapping[str, Sequence[float | None]], expected: float | None) -> None:
    told = {driver: [SensorTold(value) for value in values] for driver, values in sensors.items()}
    assert Temperature(sensors=lambda: told).read() == {"temperature_c": expected}


# -- this machine ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_signal_of_the_machine_outlives_two_late_samples(platform: str) -> None:
    for source in machine_sources(platform=platform):
        for name in source.names:
            described = signal(name)
            assert described is not None and source.interval_s * 3 <= described.stale_after_s


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_each_interval_given_is_the_one_that_its_sources_have(platform: str) -> None:
    wanted = {"battery_pct": 1, "cpu_load": 2, "memory_free_mb": 3, "temperature_c": 4, "link": 5}
    wanted |= {"discharge_w": 1, "memory_pressure": 3, "throttled": 4} if platform == "linux" else {}
    sources = machine_sources(battery_s=1, processor_s=2, memory_s=3, temperature_s=4, link_s=5, platform=platform)
    assert {source.names[0]: source.interval_s for source in sources} == wanted


@pytest.mark.wide
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_this_machine_can_be_read_without_a_failure(platform: str) -> None:
    """What is for other systems is psutil's, and is there on this one, too."""
    sampler = Sampler((), together=machine_sources(platform=platform))
    with sampler:
        sampler.sample_now()
        assert {(health.failures, health.rejected) for health in sampler.health()} == {(0, 0)}
        free_mb = sampler.snapshot()["memory_free_mb"].value
    assert isinstance(free_mb, float) and free_mb > 0


@pytest.mark.wide
def test_importing_the_signals_loads_no_psutil() -> None:
    code = "import sys, edge_agent.signals; sys.exit('psutil' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
