"""What came of the requests of one phase, and what that comes to. Pure.

Every request is counted in exactly one place: answered on the device, answered in the cloud, or not answered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from router.types import Kind

__all__ = ["Outcome", "PhaseStats", "PhaseSummary"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request. `answered_by` None: it ended with an error, and is never right."""

    answered_by: Kind | None
    right: bool
    duration_ms: float
    deadline_missed: bool


@dataclass(frozen=True, slots=True)
class PhaseSummary:
    """One row of the table. `accuracy` is the share of right answers among all requests: no answer is not a right one.

    Durations are of all requests, too. None where nothing was asked."""

    name: str
    requests: int
    answered: int
    on_device: int
    in_cloud: int
    accuracy: float | None
    p50_ms: float | None
    p95_ms: float | None
    deadline_misses: int
    bytes_sent: int

    def as_json(self) -> dict[str, str | int | float | None]:
        """Return the row as it stands in the summary file."""
        return asdict(self)


@dataclass(slots=True)
class PhaseStats:
    """Gathers one phase; `summary` may be asked for at any time."""

    name: str
    _outcomes: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one request that has ended."""
        self._outcomes.append(outcome)

    def summary(self, *, bytes_sent: int) -> PhaseSummary:
        """Return what it comes to so far; `bytes_sent` was counted on the network, not here."""
        outcomes = self._outcomes
        durations = sorted(outcome.duration_ms for outcome in outcomes)
        on_device = sum(outcome.answered_by is Kind.DEVICE for outcome in outcomes)
        in_cloud = sum(outcome.answered_by is Kind.CLOUD for outcome in outcomes)
        right = sum(outcome.right for outcome in outcomes if outcome.answered_by is not None)
        return PhaseSummary(
            name=self.name,
            requests=len(outcomes),
            answered=sum(outcome.answered_by is not None for outcome in outcomes),
            on_device=on_device,
            in_cloud=in_cloud,
            accuracy=right / len(outcomes) if outcomes else None,
            p50_ms=_quantile(durations, 0.5),
            p95_ms=_quantile(durations, 0.95),
            deadline_misses=sum(outcome.deadline_missed for outcome in outcomes),
            bytes_sent=bytes_sent,
        )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of the values do not exceed: one that was really measured."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
