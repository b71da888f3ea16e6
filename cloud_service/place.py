"""A call's place among those in work, given up when the machine is done with the call: its caller may be gone long
before a thread lets go of its tensors. Whoever works on the call holds the place; the last to let go gives it up."""

from __future__ import annotations

from collections.abc import Callable

from cloud_service.admission.gate import Ticket
from cloud_service.batching.lane import Passage

__all__ = ["Place"]


class Place:
    """Held once by whoever makes it. `give_up` is given the ticket back, and told what the call spent in the queue and
    in its run: None for what it did not come to."""

    __slots__ = ("_give_up", "_holders", "_passage", "_ticket")

    def __init__(self, ticket: Ticket, give_up: Callable[[Ticket, float | None, float | None], None]) -> None:
        self._ticket = ticket
        self._give_up = give_up
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
                self._give_up(self._ticket, None, None)
            else:
                self._give_up(self._ticket, passage.queue_s, passage.run_s or None)

    def follow(self, passage: Passage) -> None:
        """Hold the place until `passage` is over."""
        self._passage = passage
        self.hold()
        passage.when_over(self.let_go)
