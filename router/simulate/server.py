"""A remote target's machine: workers, the queue before them, what it refuses, and what it says of its load. Pure.

One server may serve many devices: calls reach it in the order of virtual time, and wait for one of its workers. As
cloud_service does, it refuses what would wait for too long, by the runs that it has seen, says when to come again, and
asks callers to stay away while that goes on; a call that could not be done by its deadline is dropped and never run.
Other people's calls are not simulated one by one: they keep a share of the workers busy, and a call waits behind them
as it would in a queue with random arrivals (Erlang's C)."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.simulate.chance import Keyed
from router.simulate.curve import Steps
from router.simulate.faults import Fault, Faults
from router.types import Kind

if TYPE_CHECKING:
    from router.simulate.call import Call

__all__ = ["Refusal", "Server", "ServerModel", "behind_others_s"]

# As cloud_service/admission has them.
_SHORTEST_PUSHBACK_S: Final = 0.05
_LONGEST_PUSHBACK_S: Final = 10.0
_SUSTAINED_S: Final = 1.0
_SHORTEST_AWAY_S: Final = 2.0
_LONGEST_AWAY_S: Final = 30.0
# Of what a run was thought to take, how much the next one changes.
_LEARNT: Final = 1 / 8
# Another number of the same request than whether it waits.
_WAITS: Final = 1 << 61


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
    queue_target_s: float
    """Calls that would wait for longer are refused."""
    tells_load: bool
    """Whether answers and refusals carry how long calls wait, and whether to stay away."""
    pushes_back: bool
    """Whether refusals say when to come again."""
    usd_per_request: float
    busy: Steps
    """Share of the workers that others keep busy."""
    connect_round_trips: float = 0.0
    """What setting up a connection takes."""
    connection_s: float = math.inf
    """How long a connection lasts."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the server says instead of an answer."""

    code: str
    detail: str
    pushback_s: float = 0.0


class Server:
    """A server in use."""

    __slots__ = (
        "_chance",
        "_queue",
        "_refused_at",
        "_refusing_since",
        "_run_s",
        "_running",
        "_waiting",
        "faults",
        "model",
        "served",
    )

    def __init__(self, model: ServerModel, seed: int, faults: tuple[Fault, ...] = ()) -> None:
        self.model = model
        self.faults = Faults(faults, Keyed(seed, f"faults/{model.name}"))
        self._chance = Keyed(seed, f"service/{model.name}")
        self._queue: deque[Call] = deque()
        self._waiting = self._running = 0
        self._run_s = 0.0
        self._refused_at = self._refusing_since = -math.inf
        self.served = 0
        """Calls that were answered."""

    def arrive(self, call: Call, now: float) -> Refusal | None:
        """Take `call`: it starts, or waits for its turn. Return why it is not taken."""
        trouble = self.faults.at(now)
        if trouble.failing and (fault := self.faults.strikes(trouble, call.key)) is not None:
            return Refusal(fault.code, "the scenario has it fail", fault.pushback_s or 0.0)
        if self._running < self.model.workers:
            self._start(call, now)
            return None
        wait_s = self.wait_s()
        allowed_s = max(self.model.queue_target_s, self._run_s / 2)
        if self._waiting >= self.model.queue_limit or wait_s > allowed_s:
            return self._refuse(wait_s, now)
        self._queue.append(call)
        self._waiting += 1
        return None

    def wait_s(self) -> float:
        """Return how long a call would wait that came now."""
        if self._running < self.model.workers:
            return 0.0
        # The one that ends next is halfway through, on average.
        return (self._waiting + 0.5) * self._run_s / self.model.workers

    def stay_local_s(self, now: float) -> float:
        """Return for how long whoever can do without it should stay away; 0 where all are welcome."""
        lasted_s = self._refused_at - self._refusing_since
        if now - self._refused_at > _SUSTAINED_S or lasted_s < _SUSTAINED_S:
            return 0.0
        return min(max(_SHORTEST_AWAY_S, lasted_s), _LONGEST_AWAY_S)

    def gone(self) -> None:
        """A call that waited here has ended otherwise."""
        self._waiting -= 1

    def leave(self, now: float) -> Call | None:
        """A call that ran has ended. Return the one that starts in its place."""
        self._running -= 1
        queue = self._queue
        while queue:
            call = queue.popleft()
            if call.done:
                continue  # its caller has gone, and the server noticed
            self._waiting -= 1
            if now + self._run_s > call.until:
                call.dropped()
                continue  # it would only keep others waiting; its caller gives up at its deadline
            self._start(call, now)
            return call
        return None

    def _refuse(self, wait_s: float, now: float) -> Refusal:
        if now - self._refused_at > _SUSTAINED_S:
            self._refusing_since = now
        self._refused_at = now
        pushback_s = min(max(wait_s, _SHORTEST_PUSHBACK_S), _LONGEST_PUSHBACK_S) if self.model.pushes_back else 0.0
        return Refusal("OVERLOADED", "too many calls are in work", pushback_s)

    def _start(self, call: Call, now: float) -> None:
        self._running += 1
        model = self.model
        service_s = call.service_s / model.speed * self.faults.at(now).slow
        if model.spread:
            service_s *= math.exp(model.spread * self._chance.normal(call.key))
        self._run_s += (service_s - self._run_s) * _LEARNT if self._run_s else service_s
        busy = model.busy.at(now)
        behind_s = behind_others_s(model.workers, busy, service_s, self._chance, call.key) if busy > 0 else 0.0
        call.starts(now + behind_s, now + behind_s + service_s)


def behind_others_s(workers: int, busy: float, service_s: float, chance: Keyed, key: int) -> float:
    """Return how long the call with this key waits where others keep the share `busy` of the workers busy."""
    offered = busy * workers
    term = total = 1.0
    for count in range(1, workers):
        term *= offered / count
        total += term
    waiting = term * offered / workers / (1 - busy)
    if chance.uniform(key) >= waiting / (total + waiting):
        return 0.0
    return chance.exponential(key + _WAITS) * service_s / (workers * (1 - busy))
