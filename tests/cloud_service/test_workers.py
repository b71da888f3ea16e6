from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine

import pytest

from cloud_service.errors import DeadlineExceeded, Overloaded
from cloud_service.workers import Workers
from tests.builders.waiting import eventually


class _Job:
    """Runs until it is let go or stopped."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.end = threading.Event()
        self.was_stopped = False

    def __call__(self) -> str:
        self.began.set()
        assert self.end.wait(30)
        return "stopped" if self.was_stopped else "done"

    def stop(self) -> None:
        self.was_stopped = True
        self.end.set()


async def _until(condition: Callable[[], object]) -> None:
    await asyncio.to_thread(eventually, condition)


def _in_work(workers: Workers) -> int:
    return len(workers._jobs)  # counted for the limit only, and no caller's to ask


def test_what_the_job_returns_or_raises_is_the_callers() -> None:
    def fail() -> None:
        raise KeyError("missing")

    async def main(workers: Workers) -> None:
        assert await workers.run(lambda: 7, stop=lambda: None, left_s=10) == 7
        with pytest.raises(KeyError):
            await workers.run(fail, stop=lambda: None, left_s=10)
        assert _in_work(workers) == 0

    _with_workers(main, threads=1, limit=1)


def test_a_job_over_the_limit_is_refused_at_once() -> None:
    async def main(workers: Workers) -> None:
        running, waiting = _Job(), _Job()
        async with asyncio.TaskGroup() as tasks:
            for job in (running, waiting):
                tasks.create_task(workers.run(job, stop=job.stop, left_s=10))
            await _until(lambda: _in_work(workers) == 2)
            with pytest.raises(Overloaded) as caught:
                await workers.run(lambda: None, stop=lambda: None, left_s=10)
            assert caught.value.limit == 2
            running.end.set()
            waiting.end.set()

    _with_workers(main, threads=1, limit=2)


def test_a_job_past_its_deadline_is_stopped_and_keeps_its_place_until_it_has_ended() -> None:
    async def main(workers: Workers) -> None:
        job = _Job()
        stops = threading.Event()
        with pytest.raises(DeadlineExceeded):
            await workers.run(job, stop=stops.set, left_s=0.05)
        assert stops.is_set()
        assert _in_work(workers) == 1
        job.end.set()
        await _until(lambda: _in_work(workers) == 0)

    _with_workers(main, threads=1, limit=1)


def test_the_job_of_a_cancelled_caller_is_stopped() -> None:
    async def main(workers: Workers) -> None:
        job = _Job()
        caller = asyncio.create_task(workers.run(job, stop=job.stop, left_s=10))
        await _until(job.began.is_set)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await _until(lambda: _in_work(workers) == 0)
        assert job.was_stopped

    _with_workers(main, threads=1, limit=1)


def test_a_waiting_job_whose_time_is_up_never_begins() -> None:
    async def main(workers: Workers) -> None:
        running, waiting = _Job(), _Job()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(workers.run(running, stop=running.stop, left_s=10))
            await _until(running.began.is_set)
            with pytest.raises(DeadlineExceeded):
                await workers.run(waiting, stop=waiting.stop, left_s=0.02)
            assert _in_work(workers) == 1
            running.end.set()
        assert not waiting.began.is_set()

    _with_workers(main, threads=1, limit=2)


@pytest.mark.parametrize("left_s", [0.0, -1.0])
def test_a_deadline_in_the_past_begins_nothing(left_s: float) -> None:
    async def main(workers: Workers) -> None:
        job = _Job()
        with pytest.raises(DeadlineExceeded):
            await workers.run(job, stop=job.stop, left_s=left_s)
        assert not job.began.is_set()

    _with_workers(main, threads=1, limit=1)


def test_closing_says_whether_every_job_has_ended() -> None:
    async def main(workers: Workers) -> None:
        job = _Job()
        with pytest.raises(DeadlineExceeded):
            await workers.run(job, stop=lambda: None, left_s=0.02)
        assert workers.close(within_s=0.01) is False
        job.end.set()
        assert workers.close(within_s=10) is True

    _with_workers(main, threads=1, limit=1)


def _with_workers(main: Callable[[Workers], Coroutine[None, None, None]], *, threads: int, limit: int) -> None:
    workers = Workers(threads=threads, limit=limit)
    try:
        asyncio.run(main(workers))
    finally:
        assert workers.close(within_s=10)
