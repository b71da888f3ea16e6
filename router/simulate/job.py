"""Something under way in a simulated world: a run on the device, or a call. Its owner is told when to look at it again.

    job = world.run_device(...)  or  world.call(...)
    while not job.done:                       # in virtual time, among other jobs
        other = job.proceed(job.next_at)      # `other` got its turn by that: it has a `next_at` of its own now

`next_at` infinity: nothing will come of it by itself. It may wait for a turn, which some other job's `proceed` or
`cancel` hands back; or for ever. A job that is done stays so; `proceed` may be called too often, but not too early."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

__all__ = ["Job"]


class Job(ABC):
    """See the module. `failure` is empty where it ended well, else a word of the error table."""

    __slots__ = ("detail", "done", "energy_j", "failure", "next_at", "started_at", "tag", "target")

    def __init__(self, target: str, now: float) -> None:
        self.target = target
        self.started_at = now
        self.next_at = math.inf
        self.done = False
        self.failure = ""
        self.detail = ""
        self.energy_j = 0.0
        """What it cost the device, once it is done."""
        self.tag: object = None
        """Whatever the driver wants to find here again."""

    @abstractmethod
    def proceed(self, now: float) -> Job | None:
        """Do what is due at `now`. Return the job that got its turn by it, if any."""

    @abstractmethod
    def cancel(self, now: float) -> Job | None:
        """Stop it: nobody waits for it any more. Return as proceed()."""

    def _end(self, failure: str = "", detail: str = "") -> None:
        self.done = True
        self.next_at = math.inf
        self.failure, self.detail = failure, detail
