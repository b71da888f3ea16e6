"""The way of one model's calls to a thread and back: the shell around the planner, in the event loop.

It owns the queue, the clock and the callers' futures. Of every call it is known whether it waits, runs or is over, so
that its place is given up when the machine is done with it, which may be later than its caller is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Final

from cloud_service.backend import Array, Backend
from cloud_service.batching.batch import Batch, Member, Outcome
from cloud_service.batching.planner import Queue, Rules, Waiting
from cloud_service.batching.timing import Timing
from cloud_service.errors import DeadlineExceeded
from cloud_service.observer import Observer
from cloud_service.workers import Workers

__all__ = ["Lane", "Passage"]


class Passage(Member):
    """One call's way through a lane; `queue_s` and `run_s` are what it spent there, so far as it came.

    `batch_rows` is how many rows it ran among, its own included."""

    __slots__ = ("_future", "_lane", "_then", "batch", "batch_rows", "queue_s", "run_s", "timer", "waiting")

    def __init__(
        self, lane: Lane, tensors: Mapping[str, Array], fetched: Sequence[str], *, rows: int, deadline: float
    ) -> None:
        super().__init__(tensors, fetched, rows, deadline)
        self._lane = lane
        self._then: Callable[[], None] | None = None
        self._future: asyncio.Future[Mapping[str, Array]] | None = asyncio.get_running_loop().create_future()
        self.timer: asyncio.TimerHandle | None = None
        self.waiting: Waiting[Passage] | None = None
        self.batch: Batch | None = None
        self.queue_s = 0.0
        self.run_s = 0.0
        self.batch_rows = 0

    async def outputs(self) -> Mapping[str, Array]:
        """Wait for the outputs. Whoever stops waiting has left the lane.

        Raises DeadlineExceeded, InvalidInput, RunFailed."""
        future = self._future
        if future is None:
            raise AssertionError("whoever waited for these outputs has left")
        try:
            return await future
        finally:
            # An error leads to this frame, and a future to its error: in a ring they would live on, and with them what
            # the caller sent, until the garbage collector comes by.
            self._future = None
            del future
            self._lane.leave(self)

    def settle(self, outcome: Outcome) -> None:
        """Give whoever waits the outputs, or raise the error there."""
        future = self._future
        if future is None or future.done():
            return
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    def when_over(self, then: Callable[[], None]) -> None:
        """Call `then` once this neither waits nor runs; at once where that is so already."""
        if self.waiting is None and self.batch is None:
            then()
        else:
            self._then = then

    def end(self) -> None:
        """Say that it neither waits nor runs any more."""
        self.waiting = self.batch = None
        if self._then is not None:
            self._then()
            self._then = None


class Lane:
    """Lets the calls of one version through, up to `runs` batches at once.

    `stacks` says whether axis 0 of all tensors is the batch. `lone` runs a call beside which nothing runs. It knows the
    version's backends and not the version, so that a version which is no longer served can go, and its lane with it."""

    def __init__(
        self,
        model: str,
        backend: Backend,
        workers: Workers,
        observer: Observer,
        *,
        rules: Rules,
        timing: Timing,
        runs: int,
        stacks: bool,
        lone: Backend | None = None,
    ) -> None:
        self.timing: Final = timing
        self._model = model
        self._backend = backend
        self._workers = workers
        self._observer = observer
        self._rules = rules
        self._runs = runs
        self._stacks = stacks
        self._lone = lone
        # In one order, whichever a caller sent its tensors in.
        self._names = [spec.name for spec in backend.inputs]
        # Nobody can stop a run in the event loop, so that one will do for all of them.
        self._here = backend.new_run()
        self._running = 0
        self._queue: Queue[Passage] = Queue(rules)
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many calls wait."""
        return len(self._queue)

    @property
    def busy(self) -> bool:
        """Whether a call waits or runs."""
        return bool(self._running or len(self._queue))

    def wait_s(self, rank: int) -> float:
        """Return how long a call of `rank` that came now would wait, judged by what runs took of late."""
        if self._running < self._runs:
            return 0.0
        batch_s = self.timing.run_s(self._rules.max_batch)
        # How far those are that run is not known: the first to end has half a run to go at the most, on average.
        return (self._queue.rows_ahead(rank) / self._rules.max_batch + 0.5) * batch_s / self._runs

    def each_s(self) -> float:
        """Return how long a call takes where many run, judged as above."""
        rows = self._rules.max_batch
        return self.timing.run_s(rows) / (rows * self._runs)

    def enter(self, tensors: Mapping[str, Array], fetched: Sequence[str], *, rank: int, deadline: float) -> Passage:
        """Let a call wait for its run, which may begin at once. `deadline` is a monotonic instant, never infinite."""
        now = time.monotonic()
        rows, like = self._rows(tensors), self._like(tensors, fetched)
        passage = Passage(self, tensors, fetched, rows=rows, deadline=deadline)
        passage.waiting = Waiting(passage, passage if like is None else like, rows, rank, deadline, now)
        passage.timer = asyncio.get_running_loop().call_later(deadline - now, self._late, passage)
        self._queue.add(passage.waiting)
        self._begin()
        return passage

    def run_here(self, tensors: Mapping[str, Array], fetched: Sequence[str]) -> Mapping[str, Array]:
        """Run in the event loop: for a run that is over sooner than a thread could be told of it.

        Raises InvalidInput, RunFailed."""
        started = time.perf_counter()
        try:
            return self._here.execute(tensors, fetched)
        finally:
            self._observer.batch(self._model, self._rows(tensors), time.perf_counter() - started)

    def leave(self, passage: Passage) -> None:
        """Take out a call that nobody waits for: of the queue, or of its batch, which is stopped with its last."""
        if passage.timer is not None:
            passage.timer.cancel()
        if passage.waiting is not None:
            passage.queue_s = time.monotonic() - passage.waiting.arrival
            self._queue.remove(passage.waiting)
            passage.end()
        elif passage.batch is not None:
            passage.batch.leave(passage)

    def _begin(self) -> None:
        """Start what can start now, and see to it that the rest is looked at again."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._queue and self._running < self._runs:
            if not self._workers.free:
                self._workers.turn(self._begin)
                return
            now = time.monotonic()
            free = min(self._workers.free, self._runs - self._running)
            plan = self._queue.plan(now, free=free, run_s=self.timing.run_s)
            for waiting in plan.dropped:
                self._drop(waiting, now)
            if not plan.batch:
                if self._queue:
                    self._alarm = asyncio.get_running_loop().call_later(plan.wake_at - now, self._begin)
                return
            self._start([waiting.call for waiting in plan.batch], now)

    def _start(self, passages: Sequence[Passage], now: float) -> None:
        alone = len(passages) == 1 and not self._queue and self._workers.idle
        lone = self._lone if alone else None
        batch = Batch(lone or self._backend, passages)
        for passage in passages:
            if passage.waiting is not None:
                passage.queue_s = now - passage.waiting.arrival
            passage.waiting, passage.batch = None, batch
            self._observer.queued(self._model, passage.queue_s)
        self._running += 1
        self._workers.start(batch.execute, partial(self._ended, batch, passages, lone is not None))

    def _ended(self, batch: Batch, passages: Sequence[Passage], alone: bool) -> None:
        self._running -= 1
        # What a run takes that has all cores says nothing of those that are to come beside others.
        if batch.whole and not alone:
            self.timing.observe(batch.rows, batch.seconds)
        self._observer.batch(self._model, batch.rows, batch.seconds)
        for passage, outcome in zip(passages, batch.outcomes, strict=True):
            passage.run_s, passage.batch_rows = batch.seconds, batch.rows
            passage.settle(outcome)
            passage.end()
        batch.outcomes = ()  # an error among them leads to the batch
        if self._queue:
            # Behind the other models that wait for a thread.
            self._workers.turn(self._begin)

    def _drop(self, waiting: Waiting[Passage], now: float) -> None:
        if now < waiting.deadline:
            self.timing.doubt()
        self._observer.refused("expired_in_queue")
        waiting.call.queue_s = now - waiting.arrival
        waiting.call.end()
        waiting.call.settle(DeadlineExceeded())

    def _late(self, passage: Passage) -> None:
        passage.settle(DeadlineExceeded())
        self.leave(passage)

    def _rows(self, tensors: Mapping[str, Array]) -> int:
        """Return how many rows a call has; where the model's tensors have none a call is one."""
        return max(1, tensors[self._names[0]].shape[0]) if self._stacks else 1

    def _like(self, tensors: Mapping[str, Array], fetched: Sequence[str]) -> Hashable:
        """Return what has to be equal for calls to run together; None for a call that is like no other."""
        if not self._stacks:
            return ()
        shapes = [tensors[name].shape for name in self._names]
        rows = shapes[0][0]
        if not rows or any(shape[0] != rows for shape in shapes):
            return None
        return tuple(shape[1:] for shape in shapes), tuple(fetched)
