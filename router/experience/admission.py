"""A remote call from its admission on: what was predicted of it, and how much of what it took its target's queue
explains."""

from __future__ import annotations

from router.experience.cells import Key
from router.experience.way import Way
from router.running.advice import Told

__all__ = ["Admission", "explained_s"]


class Admission:
    """A remote call that was let through its breaker: to be given back with what came of it."""

    __slots__ = ("epoch", "predicted_s", "queue_s", "retried", "silence", "target", "wake_s", "way")

    def __init__(
        self,
        target: str,
        epoch: int,
        way: Way,
        silence: int,
        wake_s: float,
        queue_s: float,
        retried: bool = False,
    ) -> None:
        self.target = target
        self.epoch = epoch
        self.way = way
        self.silence = silence
        """Of the radio before the call, by its index: see estimates.silence."""
        self.wake_s = wake_s
        self.queue_s = queue_s
        """How much of the prediction was what the target had said of its queue."""
        self.retried = retried
        """Whether it is the same request's second call there, or a later one."""
        self.predicted_s = way.base_s + wake_s + queue_s

    @property
    def key(self) -> Key:
        """Whose ratio it will tell."""
        return (self.way.measured, self.way.link, self.silence)


def explained_s(call: Admission, told: Told, taken_s: float) -> float:
    """Return how much of what a call took its target's queue explains: as much as the target said of it, before or now,
    of what was not predicted otherwise. A queue is counted by itself: it must not make the model, the network or the
    upload look slow."""
    said_s = max(call.queue_s, told.queue_wait_s or 0.0)
    return min(said_s, max(0.0, taken_s - (call.predicted_s - call.queue_s)))
