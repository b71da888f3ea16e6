"""The watchdog stops what is past use, and nothing else."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator

import pytest

from edge_agent.device.watchdog import Watchdog
from edge_agent.testing import FakeClock
from tests.builders.waiting import eventually


class _Halt:
    halted = 0

    def halt(self) -> None:
        self.halted += 1


@pytest.fixture
def real() -> Iterator[Watchdog]:
    watchdog = Watchdog(time.monotonic)
    yield watchdog
    watchdog.stop()


def _silent(clock: FakeClock) -> Watchdog:
    """A watchdog without its thread: whoever tests it looks."""
    watchdog = Watchdog(clock)
    watchdog.stop()
    return watchdog


def test_a_run_is_stopped_once_when_its_time_is_over() -> None:
    clock, halt = FakeClock(), _Halt()
    watchdog = _silent(clock)
    watchdog.watch(halt, clock() + 1.0)
    assert watchdog.look() == clock() + 1.0
    assert halt.halted == 0
    clock.advance(1.0)
    assert watchdog.look() == math.inf
    watchdog.look()
    assert halt.halted == 1


def test_a_run_that_ended_is_not_stopped() -> None:
    clock, halt = FakeClock(), _Halt()
    watchdog = _silent(clock)
    watchdog.watch(halt, clock() + 1.0)
    watchdog.look()
    assert watchdog.forget(halt)
    clock.advance(2.0)
    watchdog.look()
    assert halt.halted == 0


def test_whoever_forgets_a_run_that_was_stopped_is_told() -> None:
    """Its handle would have stopped the next run before it began."""
    clock, halt = FakeClock(), _Halt()
    watchdog = _silent(clock)
    watchdog.watch(halt, clock())
    watchdog.look()
    assert not watchdog.forget(halt)


def test_the_earliest_time_is_looked_at_first() -> None:
    clock, late, soon = FakeClock(), _Halt(), _Halt()
    watchdog = _silent(clock)
    watchdog.watch(late, clock() + 5.0)
    watchdog.watch(soon, clock() + 1.0)
    assert watchdog.look() == clock() + 1.0
    clock.advance(1.0)
    assert watchdog.look() == clock() + 4.0
    assert (late.halted, soon.halted) == (0, 1)


def test_no_thread_is_started_before_there_is_a_run_and_none_is_left(real: Watchdog) -> None:
    def threads() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "nearfar-watchdog"]

    before = len(threads())
    halt = _Halt()
    with real.watching(halt, time.monotonic() + 60):
        assert len(threads()) == before + 1
    real.stop()
    real.stop()
    assert len(threads()) == before


@pytest.mark.wide
@pytest.mark.parametrize("far_s", [60.0, 1e12])
def test_a_run_that_is_sooner_past_use_than_all_others_is_not_overlooked(real: Watchdog, far_s: float) -> None:
    """A time that no clock has made the thread end."""
    far = _Halt()
    real.watch(far, time.monotonic() + far_s)
    for _ in range(20):
        soon = _Halt()
        real.watch(soon, time.monotonic() + 0.01)
        eventually(lambda soon=soon: soon.halted)
    assert far.halted == 0


def test_many_threads_are_watched_at_once_and_each_run_past_use_is_stopped(real: Watchdog) -> None:
    halts = [[_Halt() for _ in range(50)] for _ in range(8)]

    def run(mine: list[_Halt]) -> None:
        for index, halt in enumerate(mine):
            if index % 2:
                with real.watching(halt, time.monotonic() + 60):
                    pass
            else:
                real.watch(halt, time.monotonic() + 0.005)

    threads = [threading.Thread(target=run, args=(mine,)) for mine in halts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stopped = [halt for mine in halts for halt in mine[::2]]
    eventually(lambda: all(halt.halted == 1 for halt in stopped))
    assert not any(halt.halted for mine in halts for halt in mine[1::2])
