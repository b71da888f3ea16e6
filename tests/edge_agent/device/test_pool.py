"""The device's workers: who waits, who is refused, and who is never refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge_agent.device.pool import DevicePool
from edge_agent.testing import FakeClock
from tests.builders.waiting import eventually

RUN_S = 0.010


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def pool(clock: FakeClock) -> Iterator[DevicePool]:
    """One worker, which has seen many runs of RUN_S."""
    pool = DevicePool(1, clock)
    for _ in range(50):
        future = pool.submit(lambda: clock.advance(RUN_S), clock() + 60)
        assert future is not None
        future.result(10)
    yield pool
    pool.shutdown()


@contextmanager
def _held(pool: DevicePool, clock: FakeClock) -> Iterator[threading.Event]:
    """Keep the worker at a run, until the event is set."""
    let_go, began = threading.Event(), threading.Event()

    def run() -> None:
        began.set()
        let_go.wait(30)

    pool.submit(run, clock() + 60)
    assert began.wait(10)
    try:
        yield let_go
    finally:
        let_go.set()


@pytest.fixture
def busy(pool: DevicePool, clock: FakeClock) -> Iterator[threading.Event]:
    """Set it to let the run end that the worker is at."""
    with _held(pool, clock) as let_go:
        yield let_go


def _nothing() -> None:
    pass


def test_what_would_not_end_in_time_is_refused_and_what_would_waits(
    pool: DevicePool, clock: FakeClock, busy: threading.Event
) -> None:
    # Deadlines of five runs: that under way, three that wait, and their own.
    taken = [pool.submit(_nothing, clock() + 5.01 * RUN_S) is not None for _ in range(10)]
    assert taken == [True] * 4 + [False] * 6
    assert pool.waiting == 4
    assert pool.submit(_nothing, clock() + 60) is not None


def test_what_need_not_wait_is_never_refused(pool: DevicePool, clock: FakeClock) -> None:
    """Refused because the last run was slow, nothing would ever tell that the next one is not."""
    assert pool.submit(_nothing, clock() + RUN_S / 10) is not None


def _ran(pool: DevicePool, clock: FakeClock, seconds: float) -> None:
    future = pool.submit(lambda: clock.advance(seconds), clock() + 60)
    assert future is not None
    future.result(10)


def test_one_run_that_was_held_up_has_no_other_refused(pool: DevicePool, clock: FakeClock) -> None:
    """Of four hundred requests at once, whose runs took 50 us each and that had three seconds, some were refused: the
    system had held up one run for some 40 ms, and two hundred that waited were taken to need a quarter of that each."""
    _ran(pool, clock, 400 * RUN_S)
    with _held(pool, clock):
        assert all(pool.submit(_nothing, clock() + 100 * RUN_S) is not None for _ in range(40))


def test_runs_that_have_become_slow_are_believed_after_a_few(pool: DevicePool, clock: FakeClock) -> None:
    for _ in range(12):
        _ran(pool, clock, 100 * RUN_S)
    with _held(pool, clock):
        assert pool.submit(_nothing, clock() + 150 * RUN_S) is not None  # nobody waits before it
        assert pool.submit(_nothing, clock() + 150 * RUN_S) is None


def test_what_is_cancelled_waits_no_longer_and_never_runs(
    pool: DevicePool, clock: FakeClock, busy: threading.Event
) -> None:
    ran = threading.Event()
    future = pool.submit(ran.set, clock() + 60)
    assert future is not None
    assert future.cancel()
    assert pool.waiting == 0
    busy.set()
    last = pool.submit(_nothing, clock() + 60)
    assert last is not None
    last.result(10)
    assert not ran.is_set()


def test_shutting_down_cancels_what_waits_and_takes_nothing_more(
    pool: DevicePool, clock: FakeClock, busy: threading.Event
) -> None:
    waiting = pool.submit(_nothing, clock() + 60)
    assert waiting is not None
    pool.shutdown()
    pool.shutdown()
    assert waiting.cancelled()
    eventually(lambda: pool.waiting == 0)
    with pytest.raises(RuntimeError):
        pool.submit(_nothing, clock() + 60)
