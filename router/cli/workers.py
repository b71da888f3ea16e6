"""Several runs at a time, each in a process of its own: for work that takes long on a machine with more than one core.

What comes of it is the same with any number of workers. The first run is made here, and its time tells whether the
others are worth the half second that a new process takes; a quick scenario never starts one."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final, TypeVar

from router.cli.collecting import RARELY

__all__ = ["Workers", "cores"]

T = TypeVar("T")
_WORTH_S: Final = 2.0
"""With less than this left to do, processes would not save anybody a second."""


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Workers:
    """See router.simulate.spread.Spread. `worth_s`: with less than so many seconds left, all is done here."""

    def __init__(self, count: int, *, worth_s: float = _WORTH_S) -> None:
        self._count = count
        self._worth_s = worth_s

    def __call__(self, tasks: Sequence[Callable[[], T]]) -> Iterator[T]:
        """Carry out `tasks`; what they return comes in their order."""
        if not tasks:
            return
        started = time.monotonic()
        yield tasks[0]()
        left = tasks[1:]
        count = min(self._count, len(left))
        if count < 2 or (time.monotonic() - started) * len(left) < self._worth_s:
            for task in left:
                yield task()
            return
        yield from _side_by_side(left, count)


def _side_by_side(tasks: Sequence[Callable[[], T]], count: int) -> Iterator[T]:
    before = set(multiprocessing.active_children())
    try:
        # Spawned on every platform: a fork of a process with threads may hang, and what works in one way only would
        # break where there is no fork.
        pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)
    except (ImportError, NotImplementedError, OSError):
        # Some systems have no semaphores, or no room for them: one after the other takes longer, and is all there is.
        for task in tasks:
            yield task()
        return
    try:
        futures = [pool.submit(task) for task in tasks]
        for future in futures:
            yield future.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in set(multiprocessing.active_children()) - before:
            worker.terminate()  # a run of minutes would otherwise be waited for
        raise
    pool.shutdown()


def _begin() -> None:
    gc.set_threshold(*RARELY)
    # Ctrl-C is for whoever waits for the results.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End with whoever wanted the results, however that ended: a worker waits for tasks for ever otherwise."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
