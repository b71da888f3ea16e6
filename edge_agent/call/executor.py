"""Drives one call: carries out the machine's commands, and feeds back what happened. Two fronts, one machine.

The synchronous driver runs the device's model in the caller's own thread, where the watchdog alone can stop it, unless
it is given a pool; the asynchronous one always uses a pool, so that a run never blocks the event loop. What comes from
other threads comes by a mailbox."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from edge_agent.call import Call
from edge_agent.cancellation import Cancellation
from edge_agent.clock import waited
from edge_agent.device.pool import DevicePool
from edge_agent.errors import AgentClosed
from edge_agent.runtimes import Halt
from edge_agent.telemetry.loop_watch import LoopWatch
from nearfar_wire.status import Code
from router.running.attempt import (
    Audit,
    Cancel,
    Cancelled,
    Command,
    Event,
    Failed,
    Failure,
    Finish,
    Outcome,
    Role,
    Run,
    Wake,
    Withheld,
    Woke,
)
from router.types import DEVICE

__all__ = ["drive", "drive_async"]

Message = Callable[[], Event | None]
"""What lies in a mailbox: called by the driver, it returns the event to feed, or None where it is out of date."""

_EXTRA: Final = frozenset({Role.BACKUP, Role.HEDGE, Role.RETRY})
_CLOSED: Final = "the agent was closed while the request waited for a worker; make a new one"
_OVERLOADED: Final = Failed(Failure(DEVICE, Code.OVERLOADED.value, "too many runs wait for a worker to end in time"))


class _Execution:
    """A call between its beginning and its outcome. `post` puts a message into the driver's mailbox, from a thread."""

    __slots__ = (
        "_call", "_cancellation", "_clock", "_device_halt", "_device_halted", "_device_job", "_events", "_pool",
        "_post", "outcome", "wake_at",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        clock: Callable[[], float],
        post: Callable[[Message], None],
        pool: DevicePool | None,
        cancellation: Cancellation | None,
    ) -> None:
        self._call = call
        self._clock = clock
        self._post = post
        self._pool = pool
        self._cancellation = cancellation
        self._device_halt: Halt | None = None
        self._device_halted = False
        self._device_job: Future[None] | None = None
        self._events: deque[Event] = deque()
        self.outcome: Outcome | None = None
        self.wake_at = 0.0

    def take(self, message: Message) -> None:
        event = message()
        if event is not None:
            self.feed(event)

    def feed(self, event: Event) -> None:
        self.settle(self._call.step(event))

    def halt_device(self) -> None:
        """Stop a device run that is under way, or waits for a worker; from any thread."""
        self._device_halted = True
        halt, job = self._device_halt, self._device_job
        if halt is not None:
            halt.halt()
        if job is not None:
            job.cancel()

    def settle(self, commands: tuple[Command, ...]) -> None:
        """Carry out commands, and feed what they bring at once, until there is something to wait for."""
        self._carry_out(commands)
        while self._events:
            self._carry_out(self._call.step(self._events.popleft()))

    def _carry_out(self, commands: tuple[Command, ...]) -> None:
        for command in commands:
            if isinstance(command, Wake):
                self.wake_at = command.at
            elif isinstance(command, Finish):
                self.outcome = command.outcome
            elif isinstance(command, Cancel):
                if command.target == DEVICE:
                    self.halt_device()
                else:
                    self._call.cancel(command.target)
            elif isinstance(command, Audit):
                self._call.start_audit(command.target)
            elif command.role in _EXTRA and not self._call.may_run(command):
                self._events.append(Withheld(command.target))
            elif command.target == DEVICE:
                self._run_device(command.until)
            else:
                self._run_remote(command)

    def _run_device(self, until: float) -> None:
        if self._pool is None and self._cancellation is None:
            self._came(self._call.run_here())
            return
        halt = self._device_halt = self._call.new_halt()
        if self._is_cancelled():  # asked after the handle is there, which whoever cancels from now on will find
            self._events.append(Cancelled())
        elif self._pool is not None:
            self._hand_over(self._pool, halt, until)
        else:
            event = self._call.run_here(halt)
            # A run that was halted must not look like a failure, which another target would be asked to make up for.
            self._came(Cancelled() if self._is_cancelled() and isinstance(event, Failed) else event)

    def _came(self, event: Event) -> None:
        """Put what came of a run in this thread behind what has come from others meanwhile: first come, first taken."""
        self._post(lambda: event)

    def _is_cancelled(self) -> bool:
        return self._cancellation is not None and self._cancellation.cancelled

    def _hand_over(self, pool: DevicePool, halt: Halt | None, until: float) -> None:
        since = self._clock()  # the wait for a worker is a part of how long the device takes
        try:
            job = pool.submit(partial(self._run_in_pool, halt, since, until), until)
        except RuntimeError:
            raise AgentClosed(_CLOSED) from None
        if job is None:
            self._events.append(_OVERLOADED)
            return
        self._device_job = job
        job.add_done_callback(partial(self._if_never_run, since))

    def _run_in_pool(self, halt: Halt | None, since: float, until: float) -> None:
        try:
            event = self._call.run_device(halt, since=since, until=until)
        except BaseException as error:  # noqa: BLE001  told to whoever waits, in whose thread it is raised again
            self._post(partial(_raise, error))
        else:
            self._post(lambda: event)

    def _if_never_run(self, since: float, job: Future[None]) -> None:
        if not job.cancelled():
            return
        if self._device_halted:
            self._call.device_given_up(since)
        else:  # closing the agent drops what waits for a worker
            self._post(partial(_raise, AgentClosed(_CLOSED)))

    def _run_remote(self, run: Run) -> None:
        if self._is_cancelled():
            self._events.append(Cancelled())  # nothing leaves for a request that nobody wants any more
            return
        event = self._call.start_remote(run, lambda: self._post(lambda: self._call.collect(run.target)))
        if event is not None:
            self._events.append(event)


def _raise(error: BaseException) -> Event | None:
    raise error


def drive(
    call: Call,
    *,
    clock: Callable[[], float],
    pool: DevicePool | None = None,
    cancellation: Cancellation | None = None,
) -> Outcome:
    """Drive `call` to its outcome in the caller's thread."""
    told = None
    if call.usual is not None and pool is None and cancellation is None:
        # The common case needs nobody to wait for: the device's model runs here, and its answer is the end.
        told, outcome = call.run_as_usual()
        if outcome is not None:
            return outcome
    commands = call.begin()
    if told is not None:
        commands = call.step(told)
    mailbox: SimpleQueue[Message] = SimpleQueue()
    execution = _Execution(call, clock, mailbox.put, pool, cancellation)
    if cancellation is not None:
        return _drive_cancellable(execution, commands, call, mailbox, clock, cancellation)
    return _drive(execution, commands, call, mailbox, clock)


def _drive_cancellable(
    execution: _Execution,
    commands: tuple[Command, ...],
    call: Call,
    mailbox: SimpleQueue[Message],
    clock: Callable[[], float],
    cancellation: Cancellation,
) -> Outcome:
    def on_cancel() -> None:
        execution.halt_device()
        mailbox.put(Cancelled)

    cancellation.subscribe(on_cancel)
    try:
        return _drive(execution, commands, call, mailbox, clock)
    finally:
        cancellation.unsubscribe(on_cancel)


def _drive(
    execution: _Execution,
    commands: tuple[Command, ...],
    call: Call,
    mailbox: SimpleQueue[Message],
    clock: Callable[[], float],
) -> Outcome:
    try:
        execution.settle(commands)
        while execution.outcome is None:
            try:
                message = mailbox.get(timeout=max(0.0, execution.wake_at - clock()))
            except Empty:
                waited(clock, execution.wake_at)
                execution.feed(Woke())
            else:
                execution.take(message)
    except BaseException:
        # Ctrl-C, or a fault of ours: nothing goes on behind the caller's back.
        execution.halt_device()
        call.abandon()
        raise
    return execution.outcome


async def drive_async(
    call: Call, *, clock: Callable[[], float], pool: DevicePool, watch: LoopWatch | None = None
) -> Outcome:
    """Drive `call` to its outcome on the running event loop. Cancelling the task cancels the request."""
    loop = asyncio.get_running_loop()
    mailbox: asyncio.Queue[Message] = asyncio.Queue()

    def post(message: Message) -> None:
        posted_at = clock()

        def arrive() -> None:
            if watch is not None:
                now = clock()
                watch.arrived(now - posted_at, now)
            mailbox.put_nowait(message)

        # A loop that was closed under a running call has nobody left to tell.
        if not loop.is_closed():
            loop.call_soon_threadsafe(arrive)

    execution = _Execution(call, clock, post, pool, None)
    try:
        execution.settle(call.begin())
        while execution.outcome is None:
            message = await _next(mailbox, max(0.0, execution.wake_at - clock()))
            if message is None:
                waited(clock, execution.wake_at)
                execution.feed(Woke())
            else:
                execution.take(message)
    except BaseException:
        execution.halt_device()
        call.abandon()
        raise
    return execution.outcome


async def _next(mailbox: asyncio.Queue[Message], timeout_s: float) -> Message | None:
    try:
        return await asyncio.wait_for(mailbox.get(), timeout_s)
    except TimeoutError:
        # Which asyncio may raise although there is a message, where it came while the loop had no time for either.
        return None if mailbox.empty() else mailbox.get_nowait()
