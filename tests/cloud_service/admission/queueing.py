"""A model server in virtual time: a gate, a queue that serves the urgent first, and workers that take so long.

Callers come in a closed loop (each waits for its answer before it asks again) or an open one (they come whether or not
anyone keeps up). What the tests look at is what each call waited, and who was refused."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from cloud_service.admission.gate import Gate, Ticket
from cloud_service.errors import Overloaded

__all__ = ["Served", "Simulation"]


@dataclass(frozen=True)
class Served:
    tenant: str
    priority: int
    came_at: float
    wait_s: float
    ended_at: float


@dataclass
class Simulation:
    """`run_s` tells how long a batch of so many calls takes if it begins at an instant."""

    gate: Gate
    run_s: Callable[[int, float], float]
    workers: int = 2
    max_batch: int = 1
    spread: float = 0.2
    now: float = 0.0
    served: list[Served] = field(default_factory=list)
    refused: list[tuple[float, str, Overloaded]] = field(default_factory=list)
    most_in_flight: int = 0
    came: list[float] = field(default_factory=list)
    """When those came, and came again, who return."""
    requests: int = 0
    """How many were made by those who retry."""

    def __post_init__(self) -> None:
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._queue: list[tuple[int, int, Ticket, float, Callable[[], None]]] = []
        self._free = self.workers
        self._chance = random.Random(7)
        self._in_flight = 0

    def closed(self, callers: int, *, tenant: str = "", priority: int = 0, retry_s: float = 0.05) -> None:
        """Callers that ask again as soon as they have an answer, and a while after a refusal."""
        for _ in range(callers):

            def ask(again: list[Callable[[], None]]) -> None:
                if not self._come(tenant, priority, lambda: self._at(0.0, again[0])):
                    self._at(retry_s * self._chance.uniform(0.5, 1.5), again[0])

            again: list[Callable[[], None]] = []
            again.append(lambda again=again: ask(again))  # type: ignore[misc]
            self._at(self._chance.uniform(0.0, 0.05), again[0])

    def open(self, per_s: float, *, tenant: str = "", priority: int = 0, until: float = 1e9) -> None:
        """Callers that come by chance, so many a second."""

        def ask() -> None:
            self._come(tenant, priority, lambda: None)
            if self.now < until:
                self._at(self._chance.expovariate(per_s), ask)

        self._at(self._chance.expovariate(per_s), ask)

    def returning(self, clients: int, *, priority: int = 0) -> None:
        """Clients that all come now, for one answer each, and come again when they are told to."""

        def ask() -> None:
            self.came.append(self.now)
            refusals = len(self.refused)
            if not self._come("", priority, lambda: None):
                self._at(self.refused[refusals][2].pushback_s or 0.0, ask)

        for _ in range(clients):
            self._at(0.0, ask)

    def retrying(self, per_s: float, *, deadline_s: float, layers: tuple[int, int], until: float) -> None:
        """Callers that come by chance, whose `layers`, the inner and the outer, make so many attempts at the most: each
        when it was told to, and none that would come after the deadline."""
        inner, outer = layers

        def ask() -> None:
            self.requests += 1
            deadline = self.now + deadline_s

            def attempt(left: int) -> None:
                self.came.append(self.now)
                refusals = len(self.refused)
                if not self._come("", 1, lambda: None) and left:
                    pushback_s = self.refused[refusals][2].pushback_s or 0.0
                    # The outer layer's next attempt is the inner one's first, and comes at once.
                    after_s = pushback_s if left % inner else 0.0
                    if self.now + after_s < deadline:
                        self._at(after_s, lambda: attempt(left - 1))

            attempt(inner * outer - 1)
            if self.now < until:
                self._at(self._chance.expovariate(per_s), ask)

        self._at(self._chance.expovariate(per_s), ask)

    def run(self, until: float) -> None:
        """Let time pass."""
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()
        self.now = until

    def waits(self, since: float, *, tenant: str | None = None, priority: int | None = None) -> list[float]:
        """Return what calls waited that came since an instant."""
        return sorted(
            call.wait_s
            for call in self.served
            if call.came_at >= since and tenant in (None, call.tenant) and priority in (None, call.priority)
        )

    def _at(self, after_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + after_s, next(self._order), event))

    def _come(self, tenant: str, priority: int, answered: Callable[[], None]) -> bool:
        try:
            ticket = self.gate.enter("model", tenant, priority, self.now, each_s=self._each_s)
        except Overloaded as error:
            self.refused.append((self.now, tenant, error))
            return False
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        heapq.heappush(self._queue, (ticket.priority, next(self._order), ticket, self.now, answered))
        self._begin()
        return True

    def _each_s(self) -> float:
        return self.run_s(self.max_batch, self.now) / (self.max_batch * self.workers)

    def _begin(self) -> None:
        while self._free and self._queue:
            first = heapq.heappop(self._queue)
            batch = [first]
            while self._queue and len(batch) < self.max_batch and self._queue[0][0] == first[0]:
                batch.append(heapq.heappop(self._queue))
            self._free -= 1
            taken_s = self.run_s(len(batch), self.now) * self._chance.uniform(1 - self.spread, 1 + self.spread)
            self._at(taken_s, lambda batch=batch, began=self.now: self._end(batch, began))  # type: ignore[misc]

    def _end(self, batch: Iterable[tuple[int, int, Ticket, float, Callable[[], None]]], began: float) -> None:
        self._free += 1
        for _, _, ticket, came_at, answered in batch:
            self._in_flight -= 1
            self.gate.leave(ticket, began - came_at, self.now - began, self.now)
            self.served.append(Served(ticket.tenant, ticket.priority, came_at, began - came_at, self.now))
            answered()
        self._begin()
