"""The loops that load a server, in one event loop of one process. A shell: arrivals say when, the tally counts.

It shares the machine with what it measures, so a request is bytes that were made before, and an answer is bytes that
nobody reads. A request is late when the loop was busy; how late is told apart from how long the server took."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import grpc
import grpc.aio

from cloud_service.bench.arrivals import Arrivals
from cloud_service.bench.tally import NOT_SENT, UNANSWERED, Tally
from cloud_service.bench.target import Endpoint, infer

__all__ = ["Order", "generate"]

# A generator that cannot keep up gives requests up, rather than offer in the last second what was due in the first.
_MOST_LATE_S: Final = 0.5
_TELL_EVERY_S: Final = 0.5

Progress = Callable[[int, int], None]  # answers and errors so far


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What one generator does; `load` is a number of callers, or when requests are due. Can be sent to a process."""

    endpoint: Endpoint
    messages: Sequence[bytes]
    load: int | Arrivals
    warm_up_s: float
    seconds: float
    deadline_s: float | None
    connections: int
    connect_s: float = 10.0
    grace_s: float = 10.0
    """How long the last requests may take, where no deadline ends them."""
    # With more under way nothing is learnt but how much memory they take.
    most_under_way: int = 10_000


async def generate(order: Order, *, go: asyncio.Event, stop: asyncio.Event, progress: Progress) -> Tally:
    """Connect, wait for `go`, load the server for the time ordered or until `stop`, and return what was counted."""
    async with contextlib.AsyncExitStack() as stack:
        channels = [await stack.enter_async_context(order.endpoint.channel()) for _ in range(order.connections)]
        for channel in channels:
            # What cannot be connected to is counted as an error of each request.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(channel.channel_ready(), order.connect_s)
        progress(0, 0)
        await go.wait()
        return await _Generator(order, channels).run(stop, progress)


class _Generator:
    def __init__(self, order: Order, channels: Sequence[grpc.aio.Channel]) -> None:
        self._order = order
        self._calls = itertools.cycle([infer(channel) for channel in channels])
        self._messages = itertools.cycle(order.messages)
        self._metadata = order.endpoint.metadata
        self._tally = Tally()
        self._begun = time.perf_counter()
        self._start = self._begun + order.warm_up_s
        self._end = self._start + order.seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._cut_short = False

    async def run(self, stop: asyncio.Event, progress: Progress) -> Tally:
        load = self._order.load
        async with asyncio.TaskGroup() as group:
            if isinstance(load, Arrivals):
                self._begin(group, self._arrive(group, load))
            else:
                for _ in range(load):
                    self._begin(group, self._ask_again())
            stopped = group.create_task(stop.wait())
            telling = group.create_task(self._tell(progress))
            await asyncio.wait([stopped], timeout=self._end - time.perf_counter())
            self._cut_short = stopped.done()
            if self._cut_short:
                self._end = time.perf_counter()
            else:
                await self._wait_for_the_last(stopped)
            for task in (stopped, telling, *self._tasks):
                task.cancel()
        self._tally.seconds = max(self._end - self._start, 0.0)
        return self._tally

    def _begin(self, group: asyncio.TaskGroup, work: Coroutine[object, object, None]) -> None:
        task = group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait_for_the_last(self, stopped: asyncio.Task[Literal[True]]) -> None:
        deadline_s = self._order.deadline_s
        give_up = time.perf_counter() + (self._order.grace_s if deadline_s is None else deadline_s + 1)
        while self._tasks and not stopped.done() and (left_s := give_up - time.perf_counter()) > 0:
            await asyncio.wait([stopped, *self._tasks], timeout=left_s, return_when=asyncio.FIRST_COMPLETED)

    async def _ask_again(self) -> None:
        while (now := time.perf_counter()) < self._end:
            await self._ask(now)

    async def _arrive(self, group: asyncio.TaskGroup, arrivals: Arrivals) -> None:
        for instant in arrivals.instants():
            due = self._begun + instant
            if due >= self._end:
                return
            # Also where it is late already: those that went before must get on.
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            late_s = time.perf_counter() - due
            if len(self._tasks) > self._order.most_under_way or late_s > _MOST_LATE_S:
                self._count(due, due, due, NOT_SENT)
            else:
                self._begin(group, self._ask(due))

    async def _ask(self, due: float) -> None:
        sent = time.perf_counter()
        try:
            call, message = next(self._calls), next(self._messages)
            await call(message, timeout=self._order.deadline_s, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            self._count(due, sent, time.perf_counter(), error.code().name)
        except asyncio.CancelledError:
            # Where the window was cut short nobody waited, which says nothing of the server.
            if not self._cut_short:
                self._count(due, sent, time.perf_counter(), UNANSWERED)
            raise
        else:
            self._count(due, sent, time.perf_counter(), "")

    def _count(self, due: float, sent: float, ended: float, error: str) -> None:
        tally = self._tally
        if not error and self._start <= ended < self._end:
            tally.answered += 1
        if not self._start <= due < self._end:
            return
        tally.requests += 1
        if error:
            tally.errors[error] += 1
        else:
            tally.latency.add(ended - due)
        if sent > due:
            tally.lateness.add(sent - due)

    async def _tell(self, progress: Progress) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            progress(self._tally.answered, self._tally.errors.total())
