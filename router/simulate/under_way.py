"""What a simulated agent has under way: requests, and the runs and calls that it makes for them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from router.choosing.engine import Decision
from router.experience import Admission
from router.running.attempt import Attempt
from router.running.events import Role
from router.simulate.job import Job
from router.simulate.workload import Arrival

if TYPE_CHECKING:
    from router.simulate.agent import Agent

__all__ = ["Flight", "Pending"]


class Flight:
    """A run or a call that is under way. `idle_s`: for how long the radio had not been used before."""

    __slots__ = ("admission", "due_at", "idle_s", "job", "pending")

    def __init__(
        self, pending: Pending, job: Job, admission: Admission | None, due_at: float, idle_s: float = 0.0
    ) -> None:
        self.pending = pending
        self.idle_s = idle_s
        self.job = job
        self.admission = admission
        self.due_at = due_at
        """When it should have ended, which is before the device is started beside it."""
        job.tag = self

    def due(self, now: float) -> None:
        """See agenda.Due."""
        if now < self.job.next_at:
            return  # cancelled, or put off
        self.pending.agent.proceed(self, now)


class Pending:
    """A request between its decision and its end."""

    __slots__ = (
        "agent", "armed_at", "arrival", "besides", "decision", "flights", "joules", "number", "received_bytes",
        "sent_bytes", "state", "usd", "wake_at",
    )  # fmt: skip

    def __init__(self, agent: Agent, arrival: Arrival, decision: Decision, number: int) -> None:
        self.agent = agent
        self.arrival = arrival
        self.number = number
        self.decision = decision
        self.state: Attempt
        self.flights: dict[str, Flight] = {}
        self.wake_at = self.armed_at = math.inf
        self.sent_bytes = self.received_bytes = 0
        self.usd = self.joules = 0.0
        self.besides: tuple[Role, ...] = ()
        """What was started for it beside the plan's legs and its escalation."""

    def due(self, now: float) -> None:
        """See agenda.Due."""
        self.armed_at = math.inf
        if not self.state.finished:
            self.agent.woke(self, now)
