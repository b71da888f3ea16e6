"""How requests ended, counted in a bounded space. Pure, and adds up: tallies of several generators make one.

A request belongs to the window in which it was meant to be sent, however late it went or ended. An answer counts for
the throughput of the window in which it came, whenever it was asked for: a server that falls behind answers no faster
because somebody waits for the rest."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

__all__ = ["NOT_SENT", "UNANSWERED", "Durations", "Tally"]

NOT_SENT: Final = "NOT_SENT"
"""The code of a request that was due while too many were under way, or that the generator had no time to send."""
UNANSWERED: Final = "UNANSWERED"
"""The code of a request that had no end when the generator gave up waiting."""

_SHORTEST_S: Final = 1e-6
# Half a percent a step: finer than any two runs agree, and 4,000 steps reach from a microsecond to ten minutes.
_STEP: Final = math.log(1.005)
_STEPS: Final = int(math.log(600 / _SHORTEST_S) / _STEP) + 1


class Durations:
    """Seconds, each known to half a percent, the longest exactly."""

    __slots__ = ("count", "longest_s", "steps", "total_s")

    def __init__(self) -> None:
        self.count = 0
        self.total_s = 0.0
        self.longest_s = 0.0
        self.steps = [0] * _STEPS

    def add(self, seconds: float) -> None:
        """Count one."""
        step = int(math.log(seconds / _SHORTEST_S) / _STEP) if seconds > _SHORTEST_S else 0
        self.steps[min(step, _STEPS - 1)] += 1
        self.count += 1
        self.total_s += seconds
        self.longest_s = max(self.longest_s, seconds)

    def merge(self, other: Durations) -> None:
        """Count all of `other` too."""
        self.count += other.count
        self.total_s += other.total_s
        self.longest_s = max(self.longest_s, other.longest_s)
        self.steps = [mine + theirs for mine, theirs in zip(self.steps, other.steps, strict=True)]

    def quantile(self, share: float) -> float | None:
        """Return the least duration that `share` of them do not exceed, or None where there are none."""
        wanted = math.ceil(share * self.count)
        seen = 0
        for step, number in enumerate(self.steps):
            seen += number
            if number and seen >= wanted:
                return min(_SHORTEST_S * math.exp((step + 0.5) * _STEP), self.longest_s)
        return None


@dataclass(slots=True)
class Tally:
    """What one generator counted in a window of `seconds`; `answered` are the answers that came in it."""

    seconds: float = 0.0
    requests: int = 0
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    latency: Durations = field(default_factory=Durations)
    """From when a request was meant to be sent, where it was answered."""
    lateness: Durations = field(default_factory=Durations)
    """From when a request was meant to be sent to when it was: the generator's own doing."""

    def merge(self, other: Tally) -> None:
        """Count what another generator counted at the same time."""
        self.seconds = max(self.seconds, other.seconds)
        self.requests += other.requests
        self.answered += other.answered
        self.errors.update(other.errors)
        self.latency.merge(other.latency)
        self.lateness.merge(other.lateness)
