from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine

import pytest

from cloud_service.workers import Workers
from tests.builders.waiting import eventually


def _with_workers(main: Callable[[Workers], Coroutine[None, None, None]], *, threads: int) -> None:
    workers = Workers(threads=threads)
    try:
        asyncio.run(main(workers))
    finally:
        assert workers.close(within_s=10)


def test_a_thread_is_busy_until_its_job_has_ended_and_the_end_is_told_in_the_loop() -> None:
    go, told = threading.Event(), asyncio.Event()

    async def main(workers: Workers) -> None:
        loop_thread = threading.current_thread()
        ran_on: list[threading.Thread] = []

        def job() -> None:
            ran_on.append(threading.current_thread())
            assert go.wait(10)

        def ended() -> None:
            assert threading.current_thread() is loop_thread
            assert workers.free == 1
            told.set()

        workers.start(job, ended)
        assert workers.free == 0
        go.set()
        await told.wait()
        assert ran_on != [loop_thread]

    _with_workers(main, threads=1)


def test_who_waits_for_a_thread_has_a_turn_in_the_order_of_asking() -> None:
    async def main(workers: Workers) -> None:
        turns: list[str] = []
        go, done = threading.Event(), asyncio.Event()

        def first() -> None:
            turns.append("first")
            workers.start(lambda: None, done.set)

        def second() -> None:
            turns.append("second")

        workers.start(lambda: go.wait(10) and None, lambda: None)
        workers.turn(first)
        workers.turn(second)
        workers.turn(first)
        go.set()
        await done.wait()
        await asyncio.sleep(0)
        assert turns == ["first", "second"], "once each"

    _with_workers(main, threads=1)


def test_closing_says_whether_every_job_has_ended() -> None:
    async def main(workers: Workers) -> None:
        run, conversion = threading.Event(), threading.Event()
        workers.start(lambda: run.wait(10) and None, lambda: None)
        reading = workers.convert(lambda: conversion.wait(10))
        assert workers.close(within_s=0.01) is False
        run.set()
        await asyncio.to_thread(eventually, lambda: workers.free == 1)
        assert workers.close(within_s=0.01) is False, "a message is still being read"
        conversion.set()
        assert reading.result(10)

    _with_workers(main, threads=1)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is the whole process's")
def test_a_run_gives_way_to_the_event_loop() -> None:
    told = asyncio.Event()

    async def main(workers: Workers) -> None:
        niceness: list[int] = []
        workers.start(lambda: niceness.append(_niceness()), told.set)
        await told.wait()
        assert niceness[0] > _niceness() or _niceness() == 19

    _with_workers(main, threads=1)


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
