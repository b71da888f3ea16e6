"""Threads that models run on, off the event loop, and the bound on how much may be in work.

A call holds its place until its thread has really let go of it, also when nobody waits any more: what is counted is
what the machine does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from cloud_service.errors import DeadlineExceeded, Overloaded

__all__ = ["Workers"]

T = TypeVar("T")


class Workers:
    """`threads` jobs run at once; with those that wait they are at most `limit`."""

    def __init__(self, *, threads: int, limit: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="model-run")
        self._limit = limit
        self._jobs: set[Future[Any]] = set()  # Any: each job returns what it likes

    async def run(self, job: Callable[[], T], *, stop: Callable[[], None], left_s: float) -> T:
        """Run `job` in a thread and return what it returns, within `left_s` seconds.

        A job whose time is up, or whose caller is cancelled, is told so with `stop`; if it had not begun, it never
        does. Raises Overloaded: at once, when the limit is reached. Raises DeadlineExceeded."""
        if left_s <= 0:
            raise DeadlineExceeded
        if len(self._jobs) >= self._limit:
            raise Overloaded(self._limit)
        future = self._executor.submit(job)
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)
        try:
            async with asyncio.timeout(left_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise DeadlineExceeded from None
        finally:
            if not future.done():
                future.cancel()
                stop()

    def close(self, *, within_s: float) -> bool:
        """Take no more jobs and wait for those that run, at most `within_s`. Returns whether all have ended."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        return not wait(self._jobs, within_s).not_done
