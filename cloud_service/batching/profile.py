"""What a model gains from batches, found out by running it when it loads; see measure.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Whether calls may run together, and if not why not; how many rows at the most, and how many of calls that can
    wait while urgent ones come; seconds of a run by its rows.

    Up to `rows_here` rows are over sooner than a thread could be told of them; 0 where that is not so, or not sure."""

    batches: bool = False
    why_not: str = "it was not measured"
    max_batch: int = 1
    max_beside_urgent: int = 1
    run_s_of: Mapping[int, float] = field(default_factory=dict)
    rows_here: int = 0

    @property
    def told(self) -> str:
        """What an operator wants to know of it, in a few words."""
        if self.batches:
            fewer = (
                "" if self.max_beside_urgent >= self.max_batch else f", {self.max_beside_urgent} beside urgent calls"
            )
            return f"rows that may run together: {self.max_batch}{fewer}"
        return f"its calls run alone: {self.why_not}"
