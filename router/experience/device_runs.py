"""Runs on the device that are yet to be learnt from. Noting one is a few lines of Python, learning from it many; and
between two runs of a model every line is cold and costs three times what it does in a loop (benchmarks/overhead.py)."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

__all__ = ["BATCH", "DeviceRuns"]

# Between two lessons, unless a run is unusual: then at once.
BATCH: Final = 32
_UNUSUAL: Final = 1.5
_NOTHING_USUAL: Final = (math.inf, -math.inf)


class DeviceRuns:
    """Several threads may note at a time; one at a time takes."""

    __slots__ = ("_given_up", "_runs", "_usual_s")

    def __init__(self) -> None:
        self._runs: deque[tuple[str, float, float, bool]] = deque()
        self._given_up: deque[tuple[str, float, float]] = deque()
        self._usual_s: dict[str, tuple[float, float]] = {}

    def note(self, model: str, taken_s: float, now: float, failed: bool) -> bool:
        """Note a run that ended. Returns whether it is time to learn from those that were noted."""
        runs = self._runs
        runs.append((model, taken_s, now, failed))
        low_s, high_s = self._usual_s.get(model, _NOTHING_USUAL)
        return failed or len(runs) >= BATCH or not low_s <= taken_s <= high_s

    def note_given_up(self, model: str, least_s: float, now: float) -> bool:
        """Note a run that was stopped after `least_s`, or never begun, unless all runs take longer. Returns as `note`
        does."""
        usual_s = self._usual_s.get(model)
        if usual_s is not None and least_s < usual_s[0]:
            return False
        self._given_up.append((model, least_s, now))
        return True

    def take_given_up(self) -> Iterator[tuple[str, float, float]]:
        """Yield what `note_given_up` was told, the oldest first, and forget it."""
        while self._given_up:
            yield self._given_up.popleft()

    def take(self) -> Iterator[tuple[str, float, float, bool]]:
        """Yield what `note` was told, the oldest first, and forget it."""
        while self._runs:
            yield self._runs.popleft()

    def are_usual(self, model: str, low_s: float, high_s: float) -> None:
        """Say between what quantiles runs of a model lie; those that lie well beyond are news."""
        self._usual_s[model] = (low_s / _UNUSUAL, high_s * _UNUSUAL)

    def knows(self, model: str) -> bool:
        """Tell whether it was said what is usual of a model."""
        return model in self._usual_s

    def forget_usual(self) -> None:
        """Let every run be news until more is known."""
        self._usual_s.clear()
