"""A remote call from its admission on: what was predicted of it, and how much of what it took its target's queue
explains."""

from __future__ import annotations

from router.advice import Told

__all__ = ["Admission", "explained_s"]


class Admission:
    """A remote call that was let through its breaker: to be given back with what came of it."""

    __slots__ = ("epoch", "predicted_s", "queue_s", "round_trip_s", "target")

    def __init__(self, target: str, epoch: int, predicted_s: float, round_trip_s: float | None, queue_s: float) -> None:
        self.target = target
        self.epoch = epoch
        self.predicted_s = predicted_s
        self.round_trip_s = round_trip_s
        self.queue_s = queue_s
        """How much of the prediction was what the target had said of its queue."""

    @property
    def measured(self) -> bool:
        """Whether the prediction stands on a round trip that was measured."""
        return self.round_trip_s is not None


def explained_s(call: Admission, told: Told, taken_s: float) -> float:
    """Return how much of what a call took its target's queue explains: as much as the target said of it, before or now,
    of what was not predicted otherwise. A queue is counted by itself: it must not make the model, the network or the
    upload look slow."""
    said_s = max(call.queue_s, told.queue_wait_s or 0.0)
    return min(said_s, max(0.0, taken_s - (call.predicted_s - call.queue_s)))
