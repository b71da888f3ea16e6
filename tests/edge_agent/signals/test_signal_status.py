"""The rows that `doctor` and the metrics show."""

from __future__ import annotations

from edge_agent.signals import Demand, Sampler, Scripted, SignalStatus
from edge_agent.testing import FakeClock
from tests.builders.sources import Told


def test_a_row_tells_value_unit_source_age_and_cost() -> None:
    clock = FakeClock()
    sampler = Sampler([Told({"cpu_load": 0.25}, clock=clock, takes_s=0.5, describe="a sensor")], clock=clock)
    sampler.sample_now()
    clock.advance(1.5)
    assert sampler.statuses() == [SignalStatus("cpu_load", 0.25, "share", "a sensor", 2.0, True, 0.5, 0, 0)]


def test_a_signal_that_was_never_read_has_a_row_without_an_age() -> None:
    sampler = Sampler([Told({"rtt_ms.cloud": 30}, demand=Demand(), describe="a probe")])
    sampler.sample_now()
    assert sampler.statuses() == [SignalStatus("rtt_ms.cloud", None, "ms", "a probe", None, False, None, 0, 0)]


def test_an_overridden_signal_has_one_row_and_it_is_the_winner_s() -> None:
    sampler = Sampler([Told({"battery_pct": 80}), Scripted({"battery_pct": 5})])
    sampler.sample_now()
    (row,) = sampler.statuses()
    assert (row.value, row.source) == (5.0, "scripted")


def test_an_override_that_was_not_read_yet_does_not_hide_what_shows() -> None:
    sampler = Sampler([Told({"rtt_ms": 30}), Told({"rtt_ms": 90}, demand=Demand(), describe="a probe")])
    sampler.sample_now()
    (row,) = sampler.statuses()
    assert (row.value, row.source) == (30.0, "told")


def test_fresh_means_known_and_not_older_than_the_policy_allows() -> None:
    clock = FakeClock()
    sampler = Sampler([Told({"cpu_load": 0.25, "battery_pct": None})], clock=clock)
    sampler.sample_now()
    clock.advance(5)
    assert [row.fresh for row in sampler.statuses()] == [True, False]
    assert [row.state for row in sampler.statuses()] == ["fresh", "unknown"]
    clock.advance(0.1)
    assert [row.fresh for row in sampler.statuses()] == [False, False]
    assert [row.state for row in sampler.statuses()] == ["stale", "unknown"]
    assert [row.fresh for row in sampler.statuses(lambda name: 60.0)] == [True, False]


def test_health_counts_readings_failures_and_refused_values() -> None:
    source = Told({"battery_pct": 50, "charging": True}, interval_s=30, describe="a sensor")
    sampler = Sampler([source])
    sampler.sample_now()
    source.values = {"battery_pct": 180, "charging": "yes"}
    sampler.sample_now()
    source.error = OSError()
    sampler.sample_now()
    (health,) = sampler.health()
    assert (health.describe, health.names, health.interval_s) == ("a sensor", ("battery_pct", "charging"), 30)
    assert (health.reads, health.failures, health.rejected) == (3, 1, 2)
    told = {("battery_pct", "value"): 1, ("charging", "value"): 1, ("battery_pct", "failed"): 1}
    assert health.troubles == {**told, ("charging", "failed"): 1}
    assert [row.refused for row in sampler.statuses()] == [1, 1]


def test_what_the_app_told_wrongly_is_seen_where_the_machine_s_own_source_shows() -> None:
    """The machine did not know either, so that its row was shown, and nothing told the app of its fault."""
    machine, app = Told({"battery_pct": None}, describe="psutil"), Told({"battery_pct": "50"}, describe="the app")
    sampler = Sampler([machine, app])
    sampler.sample_now()
    sampler.sample_now()
    (row,) = sampler.statuses()
    assert (row.value, row.refused) == (None, 2)
