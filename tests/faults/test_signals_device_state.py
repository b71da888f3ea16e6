"""Faults of the device's own sensors, of what the app says of them, and of time. What cannot be told is not tested: a
charge that is stuck looks like that of a phone at rest."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from edge_agent import Agent, SignalsConfig
from edge_agent.signals import Battery, Link, Processor, Sampler, Temperature, Throttling
from edge_agent.testing import FakeClock, fake_agent, fake_release
from router.signals import SIGNALS
from router.types import Value
from tests.builders.kernel import tree
from tests.builders.scenes import Scene, X
from tests.builders.sources import Told

UNPROBED = SignalsConfig(round_trip_s=15.0)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with Scene(tmp_path) as scene:
        yield scene


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


def test_E2_the_first_count_of_throttlings_is_not_compared_with_nothing(tmp_path: Path) -> None:
    tree(tmp_path, {"devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "4711"})
    assert Throttling(root=tmp_path).read() == {"throttled": None}


def run_for(sampler: Sampler, clock: FakeClock, seconds: float, tell: Callable[[], None]) -> list[Value | None]:
    """Let time pass in tenths of a second; return the values of the one signal that there is, each as it changes."""
    shown: list[Value | None] = []
    for _ in range(round(seconds * 10)):
        tell()
        sampler.sample_due()
        (reading,) = sampler.snapshot().values()
        if not shown or reading.value != shown[-1]:
            shown.append(reading.value)
        clock.advance(0.1)
    return shown


@pytest.mark.parametrize("interval_s", [1.0, 30.0])
def test_E3_a_battery_that_falls_from_full_to_empty_within_one_sample_stays_full(interval_s: float) -> None:
    clock = FakeClock()
    source = Told({"battery_pct": 100}, interval_s=interval_s)
    sampler = Sampler([source], clock=clock)
    fell_at = clock.now + 40

    def tell() -> None:
        source.values = {"battery_pct": 5 if fell_at <= clock.now < fell_at + max(1.0, interval_s / 20) else 100}

    assert run_for(sampler, clock, 120, tell) == [100]


def test_E3_a_battery_that_is_empty_all_of_a_sudden_is_believed_after_three_samples() -> None:
    """A battery was changed, or a gauge was wrong before: what is true gets through, and soon."""
    clock = FakeClock()
    source = Told({"battery_pct": 100}, interval_s=30)
    sampler = Sampler([source], clock=clock)
    sampler.sample_due()
    source.values = {"battery_pct": 5}
    clock.advance(30)
    began = clock.now
    assert run_for(sampler, clock, 10, lambda: None) == [100, 5]
    assert source.reads == 4 and clock.now - began < 15, "a source that is doubted is read again at once"


def test_E3_while_a_charger_toggles_each_second_nothing_switches() -> None:
    clock = FakeClock()
    source = Told({"charging": True}, interval_s=1)
    sampler = Sampler([source], clock=clock)
    began = clock.now

    def tell() -> None:
        source.values = {"charging": int(clock.now - began) % 2 == 0}

    assert run_for(sampler, clock, 120, tell) == [True]
    assert sampler.health()[0].troubles["charging", "toggle"] > 10


def test_E3_a_charger_that_was_pulled_is_seen_within_seconds_however_seldom_it_is_looked_at() -> None:
    clock = FakeClock()
    source = Told({"charging": True}, interval_s=30)
    sampler = Sampler([source], clock=clock)
    pulled_at = clock.now + 45

    def tell() -> None:
        source.values = {"charging": clock.now < pulled_at}

    assert run_for(sampler, clock, 59, tell) == [True]
    assert run_for(sampler, clock, 9, tell) == [True, False]


def test_E3_a_toggling_charger_makes_no_request_take_another_way(scene: Scene) -> None:
    clock = FakeClock()
    source = Told({"charging": True}, interval_s=1)
    rules = '[[rules]]\nname = "mains"\nwhen = { charging = true }\nforbid = ["cloud"]\n'
    with scene.agent(rules=rules, sources=[source], clock=clock, signals=UNPROBED) as watched:
        targets = []
        for second in range(30):
            source.values = {"charging": second % 2 == 0}
            watched.agent.core.sampler.sample_now(source)
            targets.append(watched.infer("tiny", X, deadline_ms=10_000.0).target)
            clock.advance(1)
    assert set(targets) == {"device"}


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


def test_E4_a_sensor_that_says_the_same_for_an_hour_is_unknown_and_counted_once() -> None:
    clock = FakeClock()
    source = Told({"cpu_load": 0.3, "battery_pct": 80})
    sampler = Sampler([source], clock=clock)
    for _ in range(3601):
        sampler.sample_due()
        clock.advance(1)
    readings = sampler.snapshot()
    assert (readings["cpu_load"].value, readings["cpu_load"].source) == (None, "told (stuck)")
    assert readings["battery_pct"].value == 80, "a phone at rest keeps its charge for an hour"
    assert sampler.health()[0].troubles == {("cpu_load", "stuck"): 1}
    source.values = {"cpu_load": 0.31, "battery_pct": 80}
    sampler.sample_due()
    assert sampler.snapshot()["cpu_load"].value == 0.31


def test_E4_where_a_signal_is_refused_the_rule_does_what_it_says_of_unknown(scene: Scene) -> None:
    rule = (
        '[[rules]]\nname = "{}"\nwhen = {{ battery_pct = {{ less_than = 20 }} }}\nforbid = ["{}"]\non_unknown = "{}"\n'
    )
    rules = rule.format("low", "device", "skip") + rule.format("unsure", "cloud", "apply")
    with scene.agent(rules=rules, sources=[Told({"battery_pct": math.nan})], signals=UNPROBED) as watched:
        result = watched.infer("tiny", X, deadline_ms=10_000.0)
        assert (result.target, result.decision.rules) == ("device", ("unsure",))
        (row,) = (row for row in watched.agent.signals() if row.name == "battery_pct")
        assert (row.fresh, row.refused) == (False, 1)


# -- what the app says -------------------------------------------------------------------------------------------------


class Phone:
    names = ("battery_pct", "metered")
    interval_s = 1.0

    def read(self) -> Mapping[str, Value | None]:
        return {"battery_pct": 90.0, "metered": False}


def shown(agent: Agent) -> dict[str, tuple[Value | None, str]]:
    return {row.name: (row.value, row.source) for row in agent.signals() if row.name in ("battery_pct", "metered")}


def test_E5_what_the_app_claims_counts_only_for_what_was_not_measured_a_moment_ago() -> None:
    clock = FakeClock()
    sensor = Told({"battery_pct": 15}, interval_s=3600, describe="the sensor")
    with fake_agent(fake_release(), sources=[sensor], signal_sources=[Phone()], clock=clock) as agent:
        agent.report(battery_pct=80, holds_s=3600)
        assert shown(agent) == {"battery_pct": (15, "the sensor"), "metered": (False, "the app (Phone)")}
        clock.advance(SIGNALS["battery_pct"].stale_after_s + 1)
        agent.core.sampler.sample_due()
        assert shown(agent)["battery_pct"] == (80, "the app"), "what was measured is too old"
        agent.core.sampler.sample_now(sensor)
        assert shown(agent)["battery_pct"] == (15, "the sensor")


def test_E5_a_decision_is_made_by_what_was_measured_and_says_so(scene: Scene) -> None:
    rules = '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 } }\nforbid = ["cloud"]\n'
    sensor = Told({"battery_pct": 15}, interval_s=3600, describe="the sensor")
    with scene.agent(rules=rules, sources=[sensor], signals=UNPROBED) as watched:
        watched.agent.report(battery_pct=80)
        result = watched.infer("tiny", X, deadline_ms=10_000.0)
    assert result.target == "device"
    assert [(used.name, used.value, used.source) for used in result.decision.readings] == [
        ("battery_pct", 15, "the sensor")
    ]


def test_E5_for_how_long_what_was_measured_counts_is_the_policy_s_to_say(scene: Scene) -> None:
    clock = FakeClock()
    rules = "[stale_after_s]\nbattery_pct = 5\n"
    sensor = Told({"battery_pct": 15}, interval_s=3600, describe="the sensor")
    with scene.agent(rules=rules, sources=[sensor], signals=UNPROBED, clock=clock) as watched:
        watched.agent.report(battery_pct=80, holds_s=3600)
        clock.advance(6)
        watched.agent.core.sampler.sample_due()
        assert shown(watched.agent)["battery_pct"] == (80, "the app")


METERED = '[[rules]]\nname = "dear"\nwhen = { metered = true }\nforbid = ["cloud"]\n'


def test_A15_the_first_request_after_a_switch_to_a_metered_network_is_decided_by_it(scene: Scene) -> None:
    with scene.agent(rules=METERED, signals=UNPROBED) as watched:
        watched.agent.report(metered=False, link="wifi")
        assert watched.infer("tiny", X, deadline_ms=10_000.0).target == "cloud"
        watched.agent.report(metered=True, link="cellular")
        result = watched.infer("tiny", X, deadline_ms=10_000.0)
        assert (result.target, result.decision.rules) == ("device", ("dear",))
        watched.agent.report(metered=False, link="wifi")
        assert watched.infer("tiny", X, deadline_ms=10_000.0).target == "cloud"


def test_A15_a_link_that_the_agent_sees_change_itself_counts_from_the_sample_on(scene: Scene, tmp_path: Path) -> None:
    """No link has to settle: a request that is sent over a dear one costs somebody something."""
    rules = '[[rules]]\nname = "dear"\nwhen = { link = "cellular" }\nforbid = ["cloud"]\n'
    head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    out = "{}\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    tree(tmp_path, {"sys/class/net/wlan0/wireless": None, "sys/class/net/rmnet0/type": "519"})
    tree(tmp_path, {"proc/net/route": head + out.format("wlan0")})
    link = Link(proc=tmp_path / "proc", sys=tmp_path / "sys", interval_s=3600)
    with scene.agent(rules=rules, signals=UNPROBED, sources=[link]) as watched:
        assert watched.infer("tiny", X, deadline_ms=10_000.0).target == "cloud"
        tree(tmp_path, {"proc/net/route": head + out.format("rmnet0")})
        watched.agent.core.sampler.sample_now(link)
        assert watched.infer("tiny", X, deadline_ms=10_000.0).target == "device"


# -- time --------------------------------------------------------------------------------------------------------------


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


def test_A16_the_first_request_after_a_night_s_sleep_takes_nothing_of_the_evening_s_for_fresh(scene: Scene) -> None:
    """By Python's own monotonic clock, which stands still in a sleep, a reading of the evening was fresh in the morning
    until its source's next turn."""
    clock = FakeClock()
    rules = '[[rules]]\nname = "low"\nwhen = { battery_pct = { less_than = 20 } }\nforbid = ["cloud"]\n'
    with scene.agent(rules=rules, sources=[Told({"battery_pct": 10}, interval_s=3600)], clock=clock) as watched:
        watched.agent.report(metered=True)
        assert watched.infer("tiny", X, deadline_ms=10_000.0).decision.rules == ("low",)
        clock.advance(8 * 3600)
        result = watched.infer("tiny", X, deadline_ms=10_000.0)
        assert (result.decision.rules, result.decision.readings[0].known) == ((), False)
        assert not any(row.fresh for row in watched.agent.signals())


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no clock that goes on in a sleep")
def test_A16_an_agent_decides_by_the_clock_that_goes_on_in_a_sleep() -> None:
    with fake_agent(fake_release()) as agent:
        before = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert before <= agent.core.clock() <= time.clock_gettime(time.CLOCK_BOOTTIME)
