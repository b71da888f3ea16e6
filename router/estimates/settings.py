"""How fast what is known follows what is seen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EstimateSettings"]


@dataclass(frozen=True, slots=True)
class EstimateSettings:
    """`memory_samples`: how many of the latest observations weigh, roughly. `forget_after_s`: passed over for
    this long, and by some requests, it is forgotten, so that a target that looked bad once is not shut out for good."""

    memory_samples: int = 20
    forget_after_s: float = 60.0
