"""Worker threads for the device's runs, and how long one would wait for them.

A run that would not end in time is refused at once, so that the next target is asked while there is time: waiting for
nothing, it would only keep those behind it waiting too. One that need not wait is never refused, however slow the last
ones were, so that what is believed of them is always put to the test."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Final

__all__ = ["DevicePool"]

# How much the latest run weighs in how long the next ones are believed to take: a few runs show a change.
_WEIGHT: Final = 0.25
# A run counts for so many times what was believed, and no more: one that the system held up says nothing of those
# behind it, while a model that has become a hundred times slower is believed within a dozen runs.
_MOST: Final = 4.0


class DevicePool:
    """See the module. Used from any thread."""

    def __init__(self, workers: int, clock: Callable[[], float]) -> None:
        self._workers = workers
        self._clock = clock
        self._threads = ThreadPoolExecutor(workers, "nearfar-device")
        # Never held while the threads' own lock is taken: shutting them down calls back here under that one.
        self._lock = Lock()
        self._waiting = 0
        self._run_s = 0.0

    @property
    def workers(self) -> int:
        """How many runs there can be at a time."""
        return self._workers

    @property
    def waiting(self) -> int:
        """How many runs have not begun."""
        return self._waiting

    def submit(self, run: Callable[[], None], until: float) -> Future[None] | None:
        """Return what can cancel `run` until it begins, or None where it would not end before `until`.

        Raises RuntimeError: after shutdown."""
        with self._lock:
            # At worst those that are under way have just begun; then those that wait have their turns, and then it has.
            turns = 1 + self._waiting / self._workers + 1
            if self._waiting and self._clock() + turns * self._run_s > until:
                return None
            self._waiting += 1
        future = self._threads.submit(self._timed, run)
        future.add_done_callback(self._ended)
        return future

    def shutdown(self) -> None:
        """Cancel what waits, and return without waiting for what is under way; safe twice."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _timed(self, run: Callable[[], None]) -> None:
        started = self._clock()
        with self._lock:
            self._waiting -= 1
        try:
            run()
        finally:
            taken_s = self._clock() - started
            with self._lock:
                counts_s = min(taken_s, _MOST * self._run_s) if self._run_s > 0 else taken_s
                self._run_s += _WEIGHT * (counts_s - self._run_s)

    def _ended(self, future: Future[None]) -> None:
        if future.cancelled():
            with self._lock:
                self._waiting -= 1
