"""What the sampler can say about its sources and signals, for `doctor` and for metrics. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from edge_agent.signals.doubt import Trouble
from router.types import SIGNALS, Reading, Value, signal

__all__ = ["SignalStatus", "SourceHealth", "signal_statuses", "untold", "usual_stale_after_s"]


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source has fared. `cost_s` is what its last reading took; None before the first."""

    describe: str
    names: tuple[str, ...]
    interval_s: float
    reads: int
    failures: int
    """Readings that ended in an exception; they are among `reads`."""
    rejected: int
    """Values that were not taken as they were told: see doubt.Trouble."""
    cost_s: float | None
    troubles: Mapping[tuple[str, Trouble], int]
    """By signal and what was wrong: what was not taken as it was told."""


@dataclass(frozen=True, slots=True)
class SignalStatus:
    """One signal as a decision would see it. `age_s` None: not read yet; an on-demand source waits for a request."""

    name: str
    value: Value | None
    unit: str
    source: str
    age_s: float | None
    fresh: bool
    """Whether a decision may use the value: it is known, and not too old."""
    cost_s: float | None
    failures: int
    refused: int
    """How often a value was not taken as it was told, by whichever source."""

    @property
    def state(self) -> Literal["fresh", "stale", "unknown"]:
        """Fresh: a decision may use it. Stale: it was known, and is too old. Unknown: it was not read, or its source
        could not tell."""
        return "fresh" if self.fresh else "unknown" if self.value is None else "stale"


def usual_stale_after_s(name: str) -> float:
    """Return how long a reading holds where the policy says nothing else."""
    described = signal(name)
    return described.stale_after_s if described is not None else 0.0


def signal_statuses(
    sources: Iterable[tuple[SourceHealth, Mapping[str, Reading]]],
    shown: Mapping[str, Reading],
    now: float,
    stale_after_s: Callable[[str], float],
) -> list[SignalStatus]:
    """Return one row a signal: of several sources that read it, the one whose reading is shown. What was refused is
    counted over all of them: where one is unknown because of it, another's reading may be shown in its place."""
    rows: dict[str, SignalStatus] = {}
    refused: Counter[str] = Counter()
    for health, readings in sources:
        for (name, trouble), count in health.troubles.items():
            if trouble != "failed":
                refused[name] += count
        for name in health.names:
            reading = readings.get(name)
            if name not in rows or (reading is not None and reading is shown.get(name)):
                rows[name] = _status(name, health, reading, now, stale_after_s(name))
    return [replace(row, refused=refused[name]) for name, row in rows.items()]


def untold(names: Iterable[str]) -> list[SignalStatus]:
    """Return a row for each signal that none of `names` is and that is no target's: nothing here tells it."""
    told = set(names)
    missing = (s for s in SIGNALS.values() if s.name not in told and not s.per_target)
    return [SignalStatus(s.name, None, s.unit, "nothing here tells it", None, False, None, 0, 0) for s in missing]


def _status(name: str, health: SourceHealth, reading: Reading | None, now: float, stale_after_s: float) -> SignalStatus:
    described = signal(name)
    unit = described.unit if described is not None else ""
    if reading is None:
        return SignalStatus(name, None, unit, health.describe, None, False, health.cost_s, health.failures, 0)
    age_s = now - reading.at
    fresh = reading.value is not None and age_s <= stale_after_s
    cost_s, failures = health.cost_s, health.failures
    return SignalStatus(name, reading.value, unit, reading.source, age_s, fresh, cost_s, failures, 0)
