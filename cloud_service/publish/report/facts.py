"""What a report tells: plain values, worked out by whoever made the release. The page only draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["CandidateRow", "HindsightBar", "PromiseRow", "ReliabilityPoint", "ReportFacts", "RiskPoint"]


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One certified promise, and what the evaluation set, which no threshold has seen, says of it.

    Shares are 0 to 1. `threshold` None keeps nothing on the device."""

    alpha: float
    delta: float
    threshold: float | None
    kept: float
    """Share of the evaluation set that stays on the device."""
    loss: float
    """Loss over all requests of the evaluation set; an escalated one costs nothing."""
    disagreement_bound: float
    """95 % upper bound of kept disagreement."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate for the device. What could not be made or measured has `skipped` and no figures."""

    name: str
    how: str
    latency_ms: float | None = None
    latency_p95_ms: float | None = None
    size_bytes: int | None = None
    memory_bytes: int | None = None
    agreement: tuple[float, float, float] | None = None
    """Share, lower and upper end of its 95 % interval."""
    accuracy: tuple[float, float, float] | None = None
    """As `agreement`; None without labels."""
    on_front: bool = False
    chosen: bool = False
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class ReliabilityPoint:
    """One bin of the device's confidence: its mean, and the share of answers that were right (or agreed)."""

    confidence: float
    right: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What one threshold would have kept on the device of the evaluation set, and lost by it."""

    kept: float
    loss: float


@dataclass(frozen=True, slots=True)
class HindsightBar:
    """The share of requests that one way of escalating sends to the cloud at the first promise's loss."""

    name: str
    escalated: float


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """The whole report."""

    model: str
    version: int
    made_utc: str
    labelled: bool
    """Whether right means right, or only agreeing with the full model."""
    particulars: Sequence[tuple[str, str]]
    """Name and value, such as digests, counts and how the data was split."""
    promises: Sequence[PromiseRow]
    candidates: Sequence[CandidateRow]
    reliability: Sequence[ReliabilityPoint]
    risk: Sequence[RiskPoint]
    hindsight: Sequence[HindsightBar]
    not_covered: Sequence[str]
