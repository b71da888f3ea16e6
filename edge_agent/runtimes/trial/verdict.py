"""What came of a trial, and what exactly was tried: a verdict holds for that and for nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Outcome", "Tried", "Verdict"]


class Outcome(Enum):
    """How a trial ended."""

    GOOD = "good"
    WRONG = "wrong"
    """It answers otherwise than its golden examples."""
    SLOWER = "slower"
    """The provider is no faster than the processor by itself."""
    REFUSED = "refused"
    """The runtime does not load it, or cannot run it."""
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    TOO_SLOW = "too_slow"
    """It did not end in time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`why` tells what is wrong, or by how much a provider is faster than the processor; it may be empty where good."""

    outcome: Outcome
    why: str = ""

    @property
    def good(self) -> bool:
        """Whether the model may be used on these providers."""
        return self.outcome is Outcome.GOOD


@dataclass(frozen=True, slots=True)
class Tried:
    """Everything that a verdict depends on, as far as one can know it beforehand."""

    model: str
    """Digest of the model file."""
    golden: str
    """Digest of the golden examples; empty where the release has none."""
    preparation: str
    """Digest of all that lies between the app's tensors and the model's."""
    providers: tuple[str, ...]
    threads: int
    limits: tuple[float, int]
    """Seconds, and megabytes."""
    library: str
    """Name and version of the runtime's library."""
    nearfar: str
    machine: str
    """See machine.py."""
