"""The last decisions and what came of them, in a ring of fixed size; whoever asked for it is handed each one as well.
Holds no input and no output of a model."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.choosing.engine import Decision
from router.running.attempt import Outcome
from router.spending.expense import Expense

if TYPE_CHECKING:
    from router.telling.shadow import ShadowChoice

__all__ = ["Entry", "Journal"]


HandOn = Callable[[Decision, Outcome | None, float, Expense | None], None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One decided request. `outcome` is None where nothing could be asked.

    `shadow` is what a policy that only looks on would have done; None without one, and before it has looked."""

    decision: Decision
    outcome: Outcome | None
    shadow: ShadowChoice | None = None


class Journal:
    """Appending takes no lock: a deque's append is atomic, and a full one drops its oldest."""

    def __init__(self, size: int, hand_on: HandOn | None = None, *, keeps_records: bool = False) -> None:
        """`hand_on` is called with each entry, in the thread of its request; `keeps_records` says that it wants to
        know what the request took."""
        self.keeps_records = keeps_records
        self._hand_on = hand_on
        self._entries: deque[tuple[Decision, Outcome | None]] = deque(maxlen=size)

    def add(
        self, decision: Decision, outcome: Outcome | None, taken_s: float = 0.0, expense: Expense | None = None
    ) -> None:
        """Keep one more, and drop the oldest if the ring is full."""
        self._entries.append((decision, outcome))
        if self._hand_on is not None:
            self._hand_on(decision, outcome, taken_s, expense)

    def last(self, count: int = 10) -> list[Entry]:
        """Return the newest `count` entries, the newest last."""
        newest = list(self._entries)[-count:] if count > 0 else []
        return [Entry(*pair) for pair in newest]

    def find(self, request_id: str) -> Entry | None:
        """Return the entry of a request, or None where it has been dropped."""
        newest_first = reversed(list(self._entries))
        return next((Entry(*pair) for pair in newest_first if pair[0].situation.request.id == request_id), None)

    def __len__(self) -> int:
        return len(self._entries)
