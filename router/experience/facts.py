"""What never changes about a model's targets, while the agent runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from router.types import EvaluatedThreshold, Kind

__all__ = ["ModelFacts", "TargetFacts"]


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """One target of a model. See router.types.TargetView."""

    name: str
    kind: Kind
    serves: bool
    why_not: str
    upload_limit_bytes: int
    p_wrong: float | None
    reads: str = field(init=False)
    """The signal of its round trip."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reads", f"rtt_ms.{self.name}")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model's targets, the device first."""

    model: str
    targets: tuple[TargetFacts, ...]
    thresholds: tuple[EvaluatedThreshold, ...] = ()
    """What the release's evaluation says of thresholds on the device's score."""
