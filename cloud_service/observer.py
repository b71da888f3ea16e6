"""What the data plane tells whoever counts. Every argument has a bounded set of values or is a number; none is a
caller's word, because what is told may become a metric's label."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Observer", "Unobserved"]


class Observer(Protocol):
    """Called in the event loop, for every call: an implementation returns at once and raises nothing."""

    def queued(self, model: str, seconds: float) -> None:
        """A call left the queue of `model` for a run, after so long."""

    def batch(self, model: str, rows: int, seconds: float) -> None:
        """One run of `model` on so many rows ended, well or not."""

    def refused(self, reason: str) -> None:
        """A call was refused: draining, quota, limit, partition, deadline, queue_full, expired_in_queue, ..."""


class Unobserved:
    """Nobody counts."""

    def queued(self, model: str, seconds: float) -> None:
        pass

    def batch(self, model: str, rows: int, seconds: float) -> None:
        pass

    def refused(self, reason: str) -> None:
        pass
