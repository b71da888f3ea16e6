"""What happens next: events in virtual time, in the order of their instants; of equal ones the one put down first."""

from __future__ import annotations

from heapq import heappop, heappush
from math import inf
from typing import Protocol

from router.simulate.job import Job

__all__ = ["Agenda", "Due"]


class Due(Protocol):
    """Something that an instant may be put down for. It may come to nothing by then: that is for itself to see."""

    def due(self, now: float) -> None:
        """Do what is due."""
        ...


class Agenda:
    """See the module. Holds as many entries as there is under way, whatever the length of the run."""

    __slots__ = ("_entries", "_number", "now")

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Due]] = []
        self._number = 0
        self.now = 0.0

    def put(self, at: float, due: Due) -> None:
        """Put `due` down for the instant `at`, or for now where that has passed."""
        self._number += 1
        heappush(self._entries, (at, self._number, due))

    def put_job(self, job: Job) -> None:
        """Put down when something is due with a job next; nothing, where nothing will be by itself."""
        at = job.next_at
        if at < inf:
            self._number += 1
            heappush(self._entries, (at, self._number, job.tag))  # type: ignore[misc]  # who put itself there

    def __len__(self) -> int:
        return len(self._entries)

    def step(self) -> bool:
        """Let the next instant come, and what is put down first for it happen. Returns whether there was any."""
        if not self._entries:
            return False
        at, _, due = heappop(self._entries)
        if at > self.now:
            self.now = at
        due.due(self.now)
        return True

    def run(self) -> None:
        """Let everything happen."""
        entries = self._entries
        now = self.now
        while entries:
            at, _, due = heappop(entries)
            if at > now:
                self.now = now = at
            due.due(now)
