"""A job in a thread of its own that nobody has to wait for: neither who asked, nor the process at its end.

For what cannot be stopped and may hang, such as reading a file. asyncio.to_thread would be waited for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

__all__ = ["run_abandonable"]

T = TypeVar("T")


async def run_abandonable(job: Callable[[], T], *, thread_name: str) -> T:
    """Return what `job` returns, or raise what it raises. Whoever cancels this leaves the thread to itself."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = job()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, name=thread_name, daemon=True).start()
    return await asyncio.wrap_future(future)
