"""Which of the calls that wait run next, and together. Pure: the lane owns the clock, the threads and the callers.

A plan never holds calls of unlike keys (shapes, outputs) or ranks, and never more than `max_batch` rows, save for one
call that is larger by itself. The lowest rank goes first, and within it whoever came first: calls of a lower priority
never ride along with a higher one, so that urgent calls wait for the run that was going on and for nothing else; and
while urgent calls come the runs of the others are kept short. A call that could not be answered by its deadline is
dropped and never run, and a mate is left for the next batch where taking it would make anyone late.

Where there is no delay to wait for mates, what is there is shared out between the runs that are free: two runs beside
each other are sooner done than one of twice the rows. Calls that wait long are not promised anything: while urgent
calls fill every run, others wait until their deadline."""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

__all__ = ["Plan", "Queue", "Rules", "Waiting"]

T = TypeVar("T")

# Waking for a deadline is never exact, and a run may take longer than was expected.
_SLACK_RUNS: Final = 2.0
_SLACK_S: Final = 0.005
# Who came a moment ago comes again, and each time finds a run going on.
_LATELY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Rules:
    """`preferred` are numbers of rows, rising, at which a batch is sent although it might still wait for mates.

    `max_beside_urgent` are the most rows of a batch of another rank while calls of rank 1 come; None: `max_batch`."""

    max_batch: int = 1
    max_queue_delay_s: float = 0.0
    preferred: tuple[int, ...] = ()
    max_beside_urgent: int | None = None


# Not frozen: one is made for every call, and freezing costs as much as three of these fields.
@dataclass(slots=True, eq=False)
class Waiting(Generic[T]):
    """A call in the queue. `rank` 1 is the most urgent; `deadline` and `arrival` are monotonic instants."""

    call: T
    key: Hashable
    rows: int
    rank: int
    deadline: float
    arrival: float


@dataclass(frozen=True, slots=True)
class Plan(Generic[T]):
    """Run `batch` now, unless it is empty; refuse `dropped`; ask again at `wake_at` where nothing happens before."""

    batch: Sequence[Waiting[T]] = ()
    dropped: Sequence[Waiting[T]] = ()
    wake_at: float = math.inf


class _Group(Generic[T]):
    """Calls that may run together, by arrival. A plain dict would grow slow to take its first from."""

    __slots__ = ("calls", "rows")

    def __init__(self) -> None:
        self.calls: OrderedDict[Waiting[T], None] = OrderedDict()
        self.rows = 0

    def first(self) -> Waiting[T]:
        return next(iter(self.calls))


class Queue(Generic[T]):
    """See the module. Adding and removing cost the same however many wait; a plan costs by groups and by its batch."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._groups: dict[tuple[int, Hashable], _Group[T]] = {}
        self._count = 0
        self._urgent_at = -math.inf

    def __len__(self) -> int:
        return self._count

    def add(self, waiting: Waiting[T]) -> None:
        """Let a call wait; calls are added in the order of their arrival."""
        group = self._groups.get((waiting.rank, waiting.key))
        if group is None:
            group = self._groups[waiting.rank, waiting.key] = _Group()
        group.calls[waiting] = None
        group.rows += waiting.rows
        self._count += 1
        if waiting.rank <= 1:
            self._urgent_at = waiting.arrival

    def remove(self, waiting: Waiting[T]) -> bool:
        """Take a call out; False where it does not wait."""
        group = self._groups.get((waiting.rank, waiting.key))
        if group is None or waiting not in group.calls:
            return False
        del group.calls[waiting]
        group.rows -= waiting.rows
        self._count -= 1
        if not group.calls:
            del self._groups[waiting.rank, waiting.key]
        return True

    def rows_ahead(self, rank: int) -> int:
        """Return how many rows would run before a call of `rank` that came now."""
        return sum(group.rows for (theirs, _), group in self._groups.items() if theirs <= rank)

    def plan(self, now: float, *, free: int, run_s: Callable[[int], float]) -> Plan[T]:
        """Take out what to run and drop now, with `free` runs to spare; `run_s` tells how long so many rows take."""
        dropped: list[Waiting[T]] = []
        wake_at = math.inf
        heads = [
            (rank, group.first().arrival, order, group) for order, ((rank, _), group) in enumerate(self._groups.items())
        ]
        heapq.heapify(heads)
        while heads:
            rank, _, order, group = heads[0]
            leader = group.first()
            if now + run_s(leader.rows) > leader.deadline:
                self.remove(leader)
                dropped.append(leader)
                if group.calls:
                    heapq.heapreplace(heads, (rank, group.first().arrival, order, group))
                else:
                    heapq.heappop(heads)
                continue
            batch, ready_at = self._gather(group, now, free, run_s, dropped)
            if ready_at <= now:
                for waiting in (*batch, *dropped):
                    self.remove(waiting)
                return Plan(batch, dropped)
            wake_at = min(wake_at, ready_at)
            heapq.heappop(heads)
        for waiting in dropped:
            self.remove(waiting)
        return Plan((), dropped, wake_at)

    def _gather(
        self,
        group: _Group[T],
        now: float,
        free: int,
        run_s: Callable[[int], float],
        dropped: list[Waiting[T]],
    ) -> tuple[list[Waiting[T]], float]:
        """Return the batch that the group's first would lead, and from when on it should run."""
        rules = self._rules
        patient = rules.max_queue_delay_s > 0
        most = rules.max_batch
        if rules.max_beside_urgent is not None and group.first().rank > 1 and now - self._urgent_at <= _LATELY_S:
            most = min(most, rules.max_beside_urgent)
        if not (patient or rules.preferred):
            most = min(most, math.ceil(group.rows / free))
        batch: list[Waiting[T]] = []
        rows, earliest, sent = 0, math.inf, 0
        full = False
        for waiting in group.calls:
            total = rows + waiting.rows
            if batch:
                if total > most:
                    full = True
                    break
                if now + run_s(waiting.rows) > waiting.deadline:
                    dropped.append(waiting)
                    continue
                if now + run_s(total) > min(earliest, waiting.deadline):
                    break
            batch.append(waiting)
            rows, earliest = total, min(earliest, waiting.deadline)
            if rows in rules.preferred:
                sent = len(batch)
        if sent:
            return batch[:sent], now
        if full or not patient or rows >= most:
            return batch, now
        return batch, min(batch[0].arrival + rules.max_queue_delay_s, earliest - _SLACK_RUNS * run_s(rows) - _SLACK_S)
