"""The sampler: what the snapshot shows, who is read when, and that nobody holds up anybody else."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from edge_agent.errors import ConfigError
from edge_agent.signals import Demand, Sampler, Scripted
from edge_agent.signals.sampler import SETTLE_S, STOP_S
from edge_agent.testing import FakeClock
from tests.builders.sources import Hanging, Told
from tests.builders.waiting import eventually

LOG = "nearfar.signals"


def threads_of_samplers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("nearfar-signal")]


@contextmanager
def released(*sources: Hanging) -> Iterator[None]:
    """However a test ends, what hangs is let go."""
    try:
        yield
    finally:
        for source in sources:
            source.release.set()
        eventually(lambda: not threads_of_samplers())


# -- the snapshot ------------------------------------------------------------------------------------------------------


def test_nothing_is_known_before_the_first_reading() -> None:
    assert Sampler([Told({"cpu_load": 0.5})]).snapshot() == {}


def test_a_reading_carries_value_source_and_the_clock_s_time() -> None:
    clock = FakeClock()
    sampler = Sampler([Told({"cpu_load": 0.5}, describe="a sensor")], clock=clock)
    sampler.sample_now()
    reading = sampler.snapshot()["cpu_load"]
    assert (reading.value, reading.source, reading.at) == (0.5, "a sensor", clock.now)


def test_a_slow_reading_is_as_old_as_the_moment_it_was_asked_for() -> None:
    clock = FakeClock()
    sampler = Sampler([Told({"cpu_load": 0.5}, clock=clock, takes_s=3.0)], clock=clock)
    asked_at = clock.now
    sampler.sample_now()
    assert sampler.snapshot()["cpu_load"].at == asked_at
    assert sampler.health()[0].cost_s == 3.0


def test_the_snapshot_is_the_same_object_until_a_reading_is_replaced() -> None:
    clock = FakeClock()
    sampler = Sampler([Told({"cpu_load": 0.5}, interval_s=10)], clock=clock)
    sampler.sample_due()
    first = sampler.snapshot()
    clock.advance(9)
    sampler.sample_due()
    assert sampler.snapshot() is first
    clock.advance(1)
    sampler.sample_due()
    assert sampler.snapshot() is not first


def test_a_snapshot_in_hand_does_not_change() -> None:
    source = Told({"cpu_load": 0.5})
    sampler = Sampler([source])
    sampler.sample_now()
    held = sampler.snapshot()
    source.values = {"cpu_load": 0.9}
    sampler.sample_now()
    assert held["cpu_load"].value == 0.5
    with pytest.raises(TypeError):
        held["cpu_load"] = sampler.snapshot()["cpu_load"]  # type: ignore[index]  # this is what must not work


def test_the_later_of_two_sources_wins_also_when_it_knows_nothing() -> None:
    sampler = Sampler([Told({"battery_pct": 80, "charging": True}), Scripted({"battery_pct": 5, "charging": None})])
    sampler.sample_now()
    readings = sampler.snapshot()
    assert (readings["battery_pct"].value, readings["battery_pct"].source) == (5.0, "scripted")
    assert readings["charging"].value is None


def test_an_earlier_source_shows_until_the_later_one_was_read() -> None:
    later = Told({"rtt_ms": 90}, demand=Demand())
    sampler = Sampler([Told({"rtt_ms": 30}), later])
    sampler.sample_now()
    assert sampler.snapshot()["rtt_ms"].value == 30
    sampler.sample_now(later)
    assert sampler.snapshot()["rtt_ms"].value == 90


def test_a_source_of_something_that_is_no_signal_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match='told: cpu_lode: no such signal; did you mean "cpu_load"'):
        Sampler([Told({"cpu_lode": 0.5})])


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_source_that_raises_becomes_unknown_is_counted_and_leaves_the_others_alone() -> None:
    broken, well = Told({"battery_pct": 50}, describe="acpi"), Told({"cpu_load": 0.5})
    sampler = Sampler([broken, well])
    sampler.sample_now()
    broken.error = OSError("/sys/class/power_supply/ada's")
    sampler.sample_now()
    reading = sampler.snapshot()["battery_pct"]
    assert (reading.value, reading.source) == (None, "acpi (OSError)")
    assert sampler.snapshot()["cpu_load"].value == 0.5
    assert [(health.reads, health.failures) for health in sampler.health()] == [(2, 1), (2, 0)]


def test_a_source_that_does_not_return_a_mapping_has_failed() -> None:
    broken = Told({"battery_pct": 50})
    sampler = Sampler([broken])
    broken.values = 50  # type: ignore[assignment]  # this is what is wrong with it
    sampler.sample_now()
    assert sampler.snapshot()["battery_pct"].source == "told (AttributeError)"
    assert sampler.health()[0].failures == 1


def test_a_value_that_the_signal_cannot_have_is_logged_once_until_it_is_another_and_is_not_quoted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An app whose source told text for a number saw a signal that is unknown, and not why."""
    source = Told({"battery_pct": 50}, describe="the app")
    sampler = Sampler([source])
    with caplog.at_level("INFO", LOG):
        for told in (50, "777", "777", 50, "777"):
            source.values = {"battery_pct": told}
            sampler.sample_now()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "the app told a value that the signal cannot have" in caplog.text and "battery_pct" in caplog.text
    assert "777" not in caplog.text


def test_a_failure_and_a_recovery_are_logged_once_each_and_without_the_error_s_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Told({"battery_pct": 50}, describe="acpi")
    sampler = Sampler([source])
    with caplog.at_level("INFO", LOG):
        for error in (None, OSError("secret"), OSError("secret"), None, None):
            source.error = error
            sampler.sample_now()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "acpi failed with OSError" in caplog.text and "battery_pct" in caplog.text
    assert "secret" not in caplog.text


# -- on demand ---------------------------------------------------------------------------------------------------------


def test_an_on_demand_source_is_left_alone_until_somebody_wants_to_know() -> None:
    clock, demand = FakeClock(), Demand()
    source = Told({"rtt_ms.cloud": 30}, interval_s=3, demand=demand)
    sampler = Sampler([source], clock=clock)
    for _ in range(10):
        sampler.sample_due()
        sampler.sample_now()
        clock.advance(60)
    assert source.reads == 0
    demand.at = clock.now
    for _ in range(10):
        sampler.sample_due()
        clock.advance(60)
    assert source.reads == 1


def test_demands_come_as_often_as_they_like_and_the_source_is_read_once_an_interval() -> None:
    clock, demand = FakeClock(), Demand()
    source = Told({"rtt_ms.cloud": 30}, interval_s=3, demand=demand)
    sampler = Sampler([source], clock=clock)
    for _ in range(60):  # a minute with a request every second
        demand.at = clock.now
        sampler.sample_due()
        clock.advance(1)
    assert source.reads == 20


def test_starting_again_does_not_repeat_an_answered_demand() -> None:
    demand = Demand()
    source = Told({"rtt_ms.cloud": 30}, interval_s=0.001, demand=demand)
    sampler = Sampler([source, Told({"cpu_load": 0.1})])
    demand.at = time.monotonic()
    with sampler:
        eventually(lambda: source.reads)
    with sampler:
        pass
    assert source.reads == 1


# -- threads -----------------------------------------------------------------------------------------------------------


def test_start_returns_with_the_first_readings_and_stop_leaves_no_thread() -> None:
    sampler = Sampler([Told({"cpu_load": 0.5}), Told({"battery_pct": 50})])
    sampler.start()
    sampler.start()
    assert {name: reading.value for name, reading in sampler.snapshot().items()} == {
        "cpu_load": 0.5,
        "battery_pct": 50.0,
    }
    assert len(threads_of_samplers()) == 2
    sampler.stop()
    sampler.stop()
    assert threads_of_samplers() == []
    assert sampler.snapshot()["cpu_load"].value == 0.5


def test_start_waits_for_a_sensor_that_takes_its_time() -> None:
    class Slow(Told):
        def read(self) -> Mapping[str, float]:
            threading.Event().wait(SETTLE_S / 5)  # what the sensor takes
            return {"battery_pct": 50.0}

    with Sampler([Slow({"battery_pct": 50.0})]) as sampler:
        assert sampler.snapshot()["battery_pct"].value == 50.0


def test_stop_without_start_is_fine() -> None:
    Sampler([Told({"cpu_load": 0.5})]).stop()


def test_it_can_be_started_again_and_reads_at_once() -> None:
    source = Told({"battery_pct": 50}, interval_s=3600)
    sampler = Sampler([source])
    with sampler:
        pass
    source.values = {"battery_pct": 40}
    with sampler:
        assert sampler.snapshot()["battery_pct"].value == 40


def test_the_threads_go_on_reading_each_source_at_its_own_interval() -> None:
    often, seldom = Told({"cpu_load": 0.5}, interval_s=0.001), Told({"battery_pct": 50}, interval_s=3600)
    with Sampler([often, seldom]):
        eventually(lambda: often.reads >= 5)
    assert seldom.reads == 1


@pytest.mark.wide
def test_a_source_that_hangs_holds_up_neither_start_nor_the_others_nor_stop() -> None:
    hanging, well = Hanging({"battery_pct": 50}), Told({"cpu_load": 0.5}, interval_s=0.001)
    sampler = Sampler([hanging, well])
    with released(hanging):
        began = time.monotonic()
        sampler.start()
        started = time.monotonic()
        assert hanging.entered.is_set()
        eventually(lambda: well.reads >= 5)
        assert "battery_pct" not in sampler.snapshot()
        stopping = time.monotonic()
        sampler.stop()
        stopped = time.monotonic()
    # Twice the bound: the machine that runs the tests may be busy.
    assert started - began < 2 * SETTLE_S
    assert stopped - stopping < 2 * STOP_S


@pytest.mark.wide
def test_what_a_hanging_source_says_after_stop_is_dropped() -> None:
    hanging = Hanging({"battery_pct": 50})
    sampler = Sampler([hanging])
    with released(hanging):
        sampler.start()
        sampler.stop()
    assert hanging.reads == 1
    assert "battery_pct" not in sampler.snapshot()
    assert sampler.health()[0].reads == 0


@pytest.mark.wide
def test_asking_at_once_for_a_source_that_hangs_gives_up() -> None:
    hanging, well = Hanging({"battery_pct": 50}), Told({"cpu_load": 0.5})
    sampler = Sampler([hanging, well])
    with released(hanging), sampler:
        sampler.sample_now()
        assert well.reads >= 2
        assert hanging.reads == 0


@pytest.mark.wide
def test_a_sampler_that_nobody_holds_is_forgotten() -> None:
    import gc
    import weakref

    sampler = Sampler([Told({"cpu_load": 0.5})])
    weak = weakref.ref(sampler)
    del sampler
    gc.collect()
    assert weak() is None


def in_a_fork(act: Callable[[], bool]) -> bool:
    child = os.fork()
    if child == 0:
        outcome = 1
        try:
            outcome = 0 if act() else 1
        finally:
            os._exit(outcome)  # none of the parent's tests, handlers or buffers
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


@pytest.mark.wide
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_fork_s_child_knows_nothing_until_it_starts_and_then_samples() -> None:
    """The threads are gone in the child, and a lock that one of them held would stay held for ever."""
    source = Told({"cpu_load": 0.5}, interval_s=3600)
    sampler = Sampler([source])

    def child() -> bool:
        knew_nothing = sampler.snapshot() == {}
        sampler.start()
        return knew_nothing and sampler.snapshot()["cpu_load"].value == 0.5

    with sampler:
        locks = [sampler._lock, sampler._lifecycle, *(slot.busy for slot in sampler._slots)]
        for lock in locks:
            assert lock.acquire(timeout=5)
        try:
            assert in_a_fork(child)
        finally:
            for lock in locks:
                lock.release()
        assert sampler.snapshot()["cpu_load"].value == 0.5
