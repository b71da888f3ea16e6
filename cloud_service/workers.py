"""Threads that models run on, off the event loop, and others that large messages are read and written on.

All models share theirs: one thread a core, or they take turns. No run waits here: whoever has one asks for a free
thread, and where there is none is called when it is its turn, first come first served. A thread counts as busy until
it has really let go, also when nobody waits for its job."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Final, TypeVar

__all__ = ["Workers"]

T = TypeVar("T")

# Measured at twice the load that fits, model, service and callers on two cores: the p99 of urgent calls fell from 76 to
# 34 ms for an image classifier; the throughput of a text encoder stayed what it was (benchmarks/server).
_NICER: Final = 5


class Workers:
    """At most `threads` jobs run at once. All but the jobs themselves happens in one event loop."""

    def __init__(self, *, threads: int) -> None:
        self.threads: Final = threads
        self.free = threads
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._pool: list[threading.Thread] = []
        self._turns: deque[Callable[[], None]] = deque()
        # Python converts in one thread at a time: these let the event loop have its turn, and nothing more.
        self._converters = ThreadPoolExecutor(threads, thread_name_prefix="conversion")
        self._conversions: set[Future[Any]] = set()  # Any: each returns what it likes

    @property
    def idle(self) -> bool:
        """Whether no model runs."""
        return self.free == self.threads

    def start(self, job: Callable[[], None], ended: Callable[[], None]) -> None:
        """Run `job`, which raises nothing, in a free thread, and then `ended` in the event loop."""
        if not self.free:
            raise AssertionError("asked for a thread where none was free")
        if not self._pool:
            self._open()
        self.free -= 1
        loop = asyncio.get_running_loop()

        def work() -> None:
            job()
            try:
                loop.call_soon_threadsafe(self._end, ended)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

        self._jobs.put(work)

    def turn(self, begin: Callable[[], None]) -> None:
        """Call `begin` once, when a thread is free and everyone who asked before had theirs."""
        if begin not in self._turns:
            self._turns.append(begin)

    def convert(self, job: Callable[[], T]) -> Future[T]:
        """Run `job`, which ends by itself, in a thread that no model waits for."""
        future = self._converters.submit(job)
        self._conversions.add(future)
        future.add_done_callback(self._conversions.discard)
        return future

    def close(self, *, within_s: float) -> bool:
        """Take no more jobs and wait for those that run, at most `within_s`. Returns whether all have ended."""
        until = time.monotonic() + within_s
        self._turns.clear()
        self._converters.shutdown(wait=False, cancel_futures=True)
        for _ in self._pool:
            self._jobs.put(None)
        for thread in self._pool:
            thread.join(max(0.0, until - time.monotonic()))
        converting = wait(set(self._conversions), max(0.0, until - time.monotonic())).not_done
        return not converting and not any(thread.is_alive() for thread in self._pool)

    def _open(self) -> None:
        # Daemons: a run that cannot be stopped does not keep the process.
        self._pool = [
            threading.Thread(target=self._serve, name=f"model-run-{number}", daemon=True)
            for number in range(self.threads)
        ]
        for thread in self._pool:
            thread.start()

    def _serve(self) -> None:
        _yield_to_the_loop()
        while (job := self._jobs.get()) is not None:
            job()
            # Or what the last callers sent and got would stay here until the next ones come.
            del job

    def _end(self, ended: Callable[[], None]) -> None:
        self.free += 1
        ended()
        while self.free and self._turns:
            self._turns.popleft()()


def _yield_to_the_loop() -> None:
    """Have this thread give way to the event loop where both want a core: calls are taken, refused and answered in
    microseconds that nobody should wait a run for."""
    if sys.platform == "linux":  # elsewhere a priority is the process's
        with suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICER)
