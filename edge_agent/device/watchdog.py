"""Stops device runs that are past use, where nobody else can: in the caller's own thread, and before there is a caller.

Watching costs a request a write into a dictionary and a comparison. One thread, started with the first run that is
watched, sleeps until the earliest of the times given, and for good while nothing runs."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from edge_agent.runtimes import Halt

__all__ = ["OVERRUN_S", "Watchdog"]

OVERRUN_S: Final = 0.06
"""How long after its deadline a run in the caller's own thread may still bring a late answer. A request is to end
within 100 ms of its deadline: the rest is for waking up, and for the model to come to its next node."""

_JOIN_S: Final = 1.0


class Watchdog:
    """See the module. Used from any thread."""

    def __init__(self, clock: Callable[[], float], *, name: str = "nearfar-watchdog") -> None:
        self._clock = clock
        self._name = name
        self._watched: dict[Halt, float] = {}
        self._looks_at = math.inf
        """A run that is of use for less long has to wake the thread."""
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def watch(self, halt: Halt, until: float) -> None:
        """Stop the run that `halt` stops, unless it is forgotten before `until`."""
        self._watched[halt] = until
        if until < self._looks_at:
            self._wake()

    def forget(self, halt: Halt) -> bool:
        """The run has ended. Tells whether it ended by itself, and `halt` may stop another."""
        return self._watched.pop(halt, None) is not None

    @contextmanager
    def watching(self, halt: Halt, until: float) -> Iterator[None]:
        """Watch for as long as the block runs."""
        self.watch(halt, until)
        try:
            yield
        finally:
            self.forget(halt)

    def look(self) -> float:
        """Stop what is past use now; return when to look again."""
        now = self._clock()
        # Whoever comes from here on wakes us; who came before is in the dictionary.
        self._looks_at = math.inf
        for halt, until in list(self._watched.items()):
            # Whoever takes it out has it: a run that has just been forgotten is not stopped.
            if until <= now and self._watched.pop(halt, None) is not None:
                halt.halt()
        self._looks_at = min(list(self._watched.values()), default=math.inf)
        return self._looks_at

    def stop(self) -> None:
        """End the thread; safe twice."""
        with self._lock:
            self._stopped = True
            thread = self._thread
        self._bell.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _wake(self) -> None:
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._stopped:
                    self._thread = threading.Thread(target=self._keep_looking, name=self._name, daemon=True)
                    self._thread.start()
        self._bell.set()

    def _keep_looking(self) -> None:
        while not self._stopped:
            at = self.look()
            self._bell.wait(None if at == math.inf else min(max(0.0, at - self._clock()), threading.TIMEOUT_MAX))
            self._bell.clear()
