"""The last decisions and what came of them, in a ring of fixed size, and in a file where one is asked for. Holds no
input and no output of a model."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge_agent.record_log import RecordLog
from router.attempt import Outcome
from router.engine import Decision
from router.expense import Expense

__all__ = ["Entry", "Journal"]


@dataclass(slots=True)
class Entry:
    """One decided request. `outcome` is None where nothing could be asked."""

    decision: Decision
    outcome: Outcome | None


class Journal:
    """Appending takes no lock: a deque's append is atomic, and a full one drops its oldest."""

    def __init__(self, size: int, log: RecordLog | None = None) -> None:
        self._log = log
        self._entries: deque[tuple[Decision, Outcome | None]] = deque(maxlen=size)

    @property
    def keeps_records(self) -> bool:
        """Whether what a request took is written down."""
        return self._log is not None

    def add(
        self, decision: Decision, outcome: Outcome | None, taken_s: float = 0.0, expense: Expense | None = None
    ) -> None:
        """Keep one more, and drop the oldest if the ring is full."""
        self._entries.append((decision, outcome))
        if self._log is not None:
            self._log.add(decision, outcome, taken_s, expense)

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
