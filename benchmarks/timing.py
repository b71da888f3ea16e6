"""Contenders take turns, round by round; a ratio is taken within a round, and told as median and spread over rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Spread", "compare", "microseconds", "spread"]


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, and the quartiles around it."""

    median: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.median:{spec}} ({self.low:{spec}} to {self.high:{spec}})"


def spread(values: list[float]) -> Spread:
    """Return median and quartiles."""
    low, median, high = statistics.quantiles(values, n=4)
    return Spread(median, low, high)


def microseconds(run: Callable[[], object], count: int) -> float:
    """Return the mean time of one `run` out of `count` in a row."""
    started = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - started) / count * 1e6


def compare(contenders: Mapping[str, Callable[[], object]], *, count: int, rounds: int) -> dict[str, list[float]]:
    """Return each contender's microseconds a run, round by round; they take turns within a round."""
    for run in contenders.values():
        microseconds(run, max(1, count // 4))
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds):
        names = list(contenders)
        # Whoever goes first in a round meets a colder machine: everybody does so in turn.
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            measured[name].append(microseconds(contenders[name], count))
    return measured
