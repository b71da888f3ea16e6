"""Sources that share a thread: read in turn, and none held up for long by another that hangs."""

from __future__ import annotations

import threading
import time

import pytest

from edge_agent.signals import Sampler
from edge_agent.signals.slot import Slot
from edge_agent.signals.together import Together
from tests.builders.sources import Hanging, Told
from tests.builders.waiting import eventually


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nearfar-signals"]


def test_many_sources_take_two_threads_and_are_all_read() -> None:
    sources = [Told({"cpu_load": 0.1 * i}, interval_s=0.001) for i in range(9)]
    sampler = Sampler([], together=sources)
    with sampler:
        assert all(source.reads for source in sources), "the first readings are there when it has started"
        eventually(lambda: all(source.reads >= 5 for source in sources))
        assert len(threads()) == 2
    assert not threads()


def test_each_is_read_at_its_own_interval() -> None:
    often, seldom = Told({"cpu_load": 0.5}, interval_s=0.001), Told({"battery_pct": 50}, interval_s=3600)
    with Sampler([], together=[seldom, often]):
        eventually(lambda: often.reads >= 5)
    assert seldom.reads == 1


def test_where_some_hang_the_others_are_read_by_another_thread() -> None:
    first, second = Hanging({"battery_pct": 50}), Hanging({"temperature_c": 50})
    well = Told({"cpu_load": 0.5}, interval_s=0.001)
    stopping = threading.Event()
    slots = [Slot(first), Slot(well), Slot(second)]
    relay = Together(slots, _read, clock=time.monotonic, stopping=stopping, hangs_s=0.02)
    try:
        relay.start()
        eventually(lambda: well.reads >= 50)
        assert first.entered.is_set() and second.entered.is_set()
        eventually(lambda: len(threads()) == 4)  # one for each that hangs, one that reads, one that watches
        first.release.set()
        second.release.set()
        eventually(lambda: len(threads()) == 2)
        assert first.reads and second.reads
    finally:
        first.release.set()
        second.release.set()
        stopping.set()
    eventually(lambda: not threads())


def _read(slot: Slot, stopping: threading.Event) -> None:
    with slot.busy:
        at = time.monotonic()
        slot.keep(slot.take(at), at, 0.0)


@pytest.mark.wide
def test_all_may_hang_and_stop_leaves_them_to_themselves() -> None:
    hanging = Hanging({"battery_pct": 50})
    sampler = Sampler([], together=[hanging])
    try:
        sampler.start()
        assert hanging.entered.wait(10)
        sampler.stop()
    finally:
        hanging.release.set()
    eventually(lambda: not threads())
    assert hanging.reads == 1
    assert sampler.snapshot() == {}
