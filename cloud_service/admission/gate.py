"""Whether a call may come in: its tenant's quota, its model's limit and its priority's share, in this order. Pure.

A call that enters holds a ticket, and leaves with it exactly once; what it waited and ran is what limits are learnt
from. A refusal says by what, and when to come again. How many calls are in work is bounded however limits move: by
`maximum` for the whole service, and the shares beyond it (see partitions)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

from cloud_service.admission.limit import Limit
from cloud_service.admission.partitions import Occupancy, Partition, partition_of
from cloud_service.admission.quotas import Quotas
from cloud_service.admission.refusals import Refusals
from cloud_service.admission.turns import Turns
from cloud_service.errors import Overloaded
from cloud_service.load import Load

__all__ = ["Gate", "Ticket"]

# Who comes again sooner finds the same calls in work; who is asked to wait longer goes elsewhere anyhow.
_SHORTEST_PUSHBACK_S: Final = 0.05
_LONGEST_PUSHBACK_S: Final = 10.0


# Not frozen: one is made for every call.
@dataclass(slots=True, eq=False)
class Ticket:
    """A call that is in work. `priority` is what it really has: 1, or a higher number that can wait longer."""

    model: str
    tenant: str
    priority: int
    partition: Partition
    in_flight: int


class _Model:
    """What is known of one model, whichever its version."""

    __slots__ = ("in_flight", "limit", "refusals", "turns")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.in_flight = Occupancy()
        self.refusals = Refusals()
        self.turns = {partition: Turns() for partition in Partition}


class Gate:
    """See the module. Holds no clock and no lock: called from the event loop alone.

    `runs` is how many runs go on at once, and the least that a limit falls to; `maximum` the most it grows to."""

    def __init__(self, *, runs: int, maximum: int, queue_target_s: float, quotas: Quotas) -> None:
        self._runs = runs
        self._maximum = maximum
        self._queue_target_s = queue_target_s
        self._quotas = quotas
        self._in_flight = Occupancy()
        self._models: dict[str, _Model] = {}

    def enter(
        self, model: str, tenant: str, priority: int, now: float, *, each_s: Callable[[], float] = float
    ) -> Ticket:
        """Let a call in. `model` is one of the repository's, `priority` as asked for, 0 for not at all.

        `each_s` tells how long a call takes the model where there are many, 0 where nobody knows.
        Raises Overloaded: with the reason `quota`, `limit` or `partition`, and when there may be room."""
        known = self._models.get(model) or self._known(model)
        terms = self._quotas.terms(tenant)
        bounded = terms.bounded
        if bounded:
            self._respect_quota(known, tenant, now)
        priority = terms.priority(priority)
        partition = partition_of(priority)
        limit = known.limit.value(now)
        if not (known.in_flight.admits(limit, partition) and self._in_flight.admits(self._maximum, partition)):
            self._refuse(known, partition, limit, now, each_s())
        if bounded:
            self._quotas.enter(tenant, now)
        known.in_flight.add(partition, 1)
        self._in_flight.add(partition, 1)
        return Ticket(model, tenant, priority, partition, known.in_flight.total)

    def leave(self, ticket: Ticket, queue_s: float | None, run_s: float | None, now: float) -> None:
        """End a call that was let in. `queue_s` is what it waited, None where it did not come to that; `run_s` what its
        run took, None where it was given up while it waited."""
        known = self._models[ticket.model]
        known.in_flight.add(ticket.partition, -1)
        self._in_flight.add(ticket.partition, -1)
        self._quotas.leave(ticket.tenant)
        if queue_s is not None:
            known.limit.observe(queue_s, run_s, ticket.in_flight, now)

    def room(self, model: str, now: float) -> tuple[int, int]:
        """Return how many calls of `model` may be in work, and how many are."""
        known = self._known(model)
        return known.limit.value(now), known.in_flight.total

    def load(self, model: str, queue_wait_s: float, now: float) -> Load:
        """Return how busy the service is with `model`, where whoever keeps its queue expects such a wait."""
        limit, in_flight = self.room(model, now)
        return Load(
            queue_wait_s=queue_wait_s,
            utilisation=in_flight / limit,
            limit=limit,
            in_flight=in_flight,
            stay_local_s=self._known(model).refusals.stay_local_s(now),
        )

    def _respect_quota(self, known: _Model, tenant: str, now: float) -> None:
        if self._quotas.full(tenant):
            raise Overloaded(
                "as many of this tenant's calls are in work as may be; try again when one has ended",
                reason="quota",
                pushback_s=_bounded(known.limit.latency_s(now)),
            )
        wait_s = self._quotas.wait_s(tenant, now)
        if wait_s > 0:
            raise Overloaded(
                f"this tenant has had its share; try again in {wait_s:.3g} s", reason="quota", pushback_s=wait_s
            )

    def _refuse(self, known: _Model, partition: Partition, limit: int, now: float, each_s: float) -> NoReturn:
        # By then those in work now have ended, and those have come who were refused before.
        soonest_s = _bounded(known.limit.latency_s(now))
        pushback_s = known.turns[partition].next_s(
            soonest_s=soonest_s, longest_s=_LONGEST_PUSHBACK_S, apart_s=each_s or soonest_s / limit, now=now
        )
        if partition is Partition.BATCH:
            raise Overloaded(
                "the share of calls that can wait is in use; try again later or elsewhere",
                reason="partition",
                pushback_s=pushback_s,
            )
        # Only calls that somebody waits for: what can wait is refused whenever there is much to do.
        known.refusals.note(now)
        raise Overloaded(
            f"{limit} calls of this model are in work already, which is the limit; try again later or elsewhere",
            reason="limit",
            pushback_s=pushback_s,
        )

    def _known(self, model: str) -> _Model:
        known = self._models.get(model)
        if known is None:
            limit = Limit(minimum=self._runs, maximum=self._maximum, queue_target_s=self._queue_target_s)
            known = self._models[model] = _Model(limit)
        return known


def _bounded(pushback_s: float) -> float:
    return min(max(pushback_s, _SHORTEST_PUSHBACK_S), _LONGEST_PUSHBACK_S)
