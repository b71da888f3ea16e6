"""A clock that stands until it is moved."""

from __future__ import annotations

__all__ = ["FakeClock"]


class FakeClock:
    """Monotonic seconds, from 1000. Moves what an agent decides by. A wait of a request that ends by time takes its
    real time, and moves the clock by as much."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def pass_to(self, instant: float) -> None:
        """See edge_agent.clock.Standing."""
        self.now = max(self.now, instant)
