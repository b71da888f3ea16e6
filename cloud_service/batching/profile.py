"""What was measured of a model when it was loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Whether calls may run together, and if not why not; the rows after which a longer batch gains nothing; seconds of
    a run by its rows; whether a run is over sooner than it could be handed to a thread."""

    batches: bool = False
    why_not: str = "it was not measured"
    max_batch: int = 1
    run_s_of: Mapping[int, float] = field(default_factory=dict)
    inline: bool = False
