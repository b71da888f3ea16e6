"""A call's place among those in work, given up when the machine is done with the call: its caller may be gone long
before a thread lets go of its tensors. Whoever works on the call holds the place; the last to let go gives it up."""

from __future__ import annotations

from collections.abc import Callable

from cloud_service.admission.gate import Gate, Ticket
from cloud_service.batching.lane import Passage

__all__ = ["Place"]


class Place:
    """Held once by whoever makes it. At the end the gate has its ticket back, and is told what the call spent in the
    queue and in its run."""

    __slots__ = ("_gate", "_holders", "_now", "_passage", "_ticket")

    def __init__(self, ticket: Ticket, gate: Gate, now: Callable[[], float]) -> None:
        self._ticket = ticket
        self._gate = gate
        self._now = now
        self._holders = 1
        self._passage: Passage | None = None

    def hold(self) -> None:
        """Hold the place once more."""
        self._holders += 1

    def let_go(self) -> None:
        """Let go once; in the event loop."""
        self._holders -= 1
        if not self._holders:
            passage = self._passage
            if passage is None:
                self._gate.leave(self._ticket, None, None, self._now())
            else:
                self._gate.leave(self._ticket, passage.queue_s, passage.run_s or None, self._now())

    def follow(self, passage: Passage) -> None:
        """Hold the place until `passage` is over."""
        self._passage = passage
        self.hold()
        passage.when_over(self.let_go)
