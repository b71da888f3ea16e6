"""A remote target's machine: workers, the queue before them, what it refuses, and what it says of its load. Pure.

One server may serve many devices: calls reach it in the order of virtual time, and wait for one of its workers. Other
people's calls are not simulated one by one: they keep a share of the workers busy, and a call waits behind them as it
would in a queue with random arrivals (Erlang's C)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.simulate.chance import Chance
from router.simulate.curve import Steps
from router.simulate.faults import Fault, Faults
from router.types import Kind

if TYPE_CHECKING:
    from router.simulate.call import Call

__all__ = ["Refusal", "Server", "ServerModel"]


@dataclass(frozen=True, slots=True)
class ServerModel:
    """See the catalogue's server documents, and the scenario document's targets."""

    name: str
    kind: Kind
    rtt_s: float
    """From the network's edge to the server and back."""
    workers: int
    speed: float
    """Models take their time divided by this."""
    spread: float
    """Standard deviation of a service time's logarithm."""
    queue_limit: int
    """Calls that may wait; one more is refused."""
    refusal_pushback_s: float
    """When a refused call may come again; 0 where the server does not say."""
    tells_load: bool
    """Whether answers and refusals carry how long calls wait."""
    usd_per_request: float
    busy: Steps
    """Share of the workers that others keep busy."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server says instead of an answer."""

    code: str
    detail: str
    pushback_s: float = 0.0


class Server:
    """A server in use."""

    __slots__ = ("_chance", "_queue", "_running", "faults", "model", "served")

    def __init__(self, model: ServerModel, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        self.model = model
        self.faults = Faults(faults, Chance(seed, f"faults/{model.name}"))
        self._chance = Chance(seed, f"service/{model.name}")
        self._queue: deque[Call] = deque()
        self._running = 0
        self.served = 0
        """Calls that were answered."""

    def arrive(self, call: Call, now: float) -> Refusal | None:
        """Take `call`: it starts, or waits for its turn. Return why it is not taken."""
        trouble = self.faults.at(now)
        if trouble.failing and (fault := self.faults.strikes(trouble)) is not None:
            pushback_s = fault.pushback_s or 0.0
            return Refusal(fault.code, "the scenario has it fail", pushback_s)
        if self._running < self.model.workers:
            self._start(call, now)
            return None
        if len(self._queue) >= self.model.queue_limit:
            return Refusal("RESOURCE_EXHAUSTED", "the queue is full", self.model.refusal_pushback_s)
        self._queue.append(call)
        return None

    def leave(self, now: float) -> Call | None:
        """A call that ran has ended. Return the one that starts in its place."""
        self._running -= 1
        queue = self._queue
        while queue:
            call = queue.popleft()
            if call.done:
                continue  # its caller has gone, and the server noticed
            self._start(call, now)
            return call
        return None

    def _start(self, call: Call, now: float) -> None:
        self._running += 1
        model = self.model
        service_s = call.service_s / model.speed * self.faults.at(now).slow
        if model.spread:
            service_s *= math.exp(model.spread * self._chance.normal())
        busy = model.busy.at(now)
        behind_s = self._behind_others_s(busy, service_s) if busy > 0 else 0.0
        call.starts(now + behind_s, now + behind_s + service_s)

    def _behind_others_s(self, busy: float, service_s: float) -> float:
        workers = self.model.workers
        offered = busy * workers
        term = total = 1.0
        for count in range(1, workers):
            term *= offered / count
            total += term
        waiting = term * offered / workers / (1 - busy)
        chance = waiting / (total + waiting)
        if self._chance.uniform() >= chance:
            return 0.0
        return self._chance.exponential() * service_s / (workers * (1 - busy))
