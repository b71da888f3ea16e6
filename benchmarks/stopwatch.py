"""Where the time of one request goes, told by the request itself: its agent's clock and its model's session are ours.

Whatever asks the agent's clock leaves a mark, and so do the session's run's beginning and end. What lies between two
marks was measured where it happens, between two runs of a model that has emptied the processor's caches; in a loop of
its own the same code takes a third of that."""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any, Final

from edge_agent import Result
from edge_agent.core import Core
from router.types import DEVICE

__all__ = ["PARTS", "Stopwatch"]

PARTS: Final = (
    "the call, to the agent's first look at the clock",
    "checked, seen, decided, permitted, begun",
    "on to the session",
    "the model itself",
    "its outputs taken",
    "charged, learnt from, judged, the attempt ended",
    "result, record, metrics",
)
"""What lies between two marks of a request that the device answers in the caller's thread."""
_RUN: Final = PARTS.index("the model itself")


class Stopwatch:
    """A clock for one agent, whose marks of one thread's requests count."""

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._marks: list[float] = []

    def __call__(self) -> float:
        """Return the time, as an agent's clock does, and mark it."""
        now = perf_counter()
        if threading.get_ident() == self._thread:
            self._marks.append(now)
        return now

    def watch(self, core: Core, model: str) -> None:
        """Mark the beginning and the end of the model's runs as well."""
        runtime: Any = core.release(model).runtime  # Any: the very session that the agent runs is nobody else's affair
        runtime.runtime._session = _Watched(runtime.runtime._session, self)

    def lap(self, request: Callable[[], Result]) -> list[float] | None:
        """Return the microseconds of each of PARTS of a request; None where not the device alone was asked."""
        self._marks.clear()
        started = perf_counter()
        result = request()
        ended = perf_counter()
        marks = [started, *self._marks, ended]
        if result.target != DEVICE or result.receipt.sent or len(marks) != len(PARTS) + 1:
            return None
        return [(later - earlier) * 1e6 for earlier, later in pairwise(marks)]

    @staticmethod
    def added(lap: list[float]) -> float:
        """Return what a lap took beside the model itself."""
        return sum(lap) - lap[_RUN]


class _Watched:
    """An onnxruntime session whose runs are marked."""

    def __init__(self, session: Any, stopwatch: Stopwatch) -> None:  # Any: onnxruntime publishes no types
        self._session = session
        self._mark = stopwatch

    def run(self, *arguments: Any) -> Any:
        """See onnxruntime.InferenceSession.run."""
        self._mark()
        try:
            return self._session.run(*arguments)
        finally:
            self._mark()
