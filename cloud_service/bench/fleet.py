"""Generators in processes of their own, started together, and their tallies added up.

One Python process sends some thousands of requests a second at most. An interrupt is the parent's to hear: it asks
the generators to stop, and what they counted until then is told like any other. A generator whose parent is gone stops
by itself."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import selectors
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Final

from cloud_service.bench.generator import Order, Progress, generate
from cloud_service.bench.tally import Tally
from cloud_service.errors import BenchFailed

__all__ = ["Outcome", "load"]

_GO: Final = "go"
_STOP: Final = "stop"
_END_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What all generators counted together, and whether they were stopped before their time."""

    tally: Tally
    interrupted: bool


def load(orders: Sequence[Order], *, progress: Progress) -> Outcome:
    """Carry out `orders`, each in a process, and return the sum. Raises BenchFailed: where a process fails."""
    with _started(orders) as connections:
        counts = dict.fromkeys(connections, (0, 0))
        tally = Tally()
        interrupted = threading.Event()

        def stop() -> None:
            interrupted.set()
            for connection in counts:
                with contextlib.suppress(OSError):
                    connection.send(_STOP)

        with _interrupts_call(stop):
            for connection in connections:
                _said(connection)
            for connection in connections:
                connection.send(_GO)
            waiting = list(connections)
            while waiting:
                for connection in _heard(waiting):
                    said = _said(connection)
                    if isinstance(said, Tally):
                        tally.merge(said)
                        waiting.remove(connection)
                    else:
                        counts[connection] = said
                        progress(*(sum(column) for column in zip(*counts.values(), strict=True)))
        return Outcome(tally, interrupted.is_set())


def _heard(waiting: Sequence[Connection]) -> Sequence[Connection]:
    heard = wait(waiting)
    return [connection for connection in waiting if connection in heard]


def _said(connection: Connection) -> Tally | tuple[int, int]:
    try:
        said: Tally | tuple[int, int] = connection.recv()
    except EOFError:
        raise BenchFailed(
            "a process that generates load ended before its time; run it again with --processes 1"
        ) from None
    return said


@contextlib.contextmanager
def _started(orders: Sequence[Order]) -> Iterator[list[Connection]]:
    # A process that was forked would share gRPC's threads with this one, and hang.
    context = multiprocessing.get_context("spawn")
    processes, connections = [], []
    try:
        with _interrupts_ignored():  # which the children inherit
            for order in orders:
                ours, theirs = context.Pipe()
                process = context.Process(target=_work, args=(theirs, order), name="bench generator", daemon=True)
                process.start()
                theirs.close()
                processes.append(process)
                connections.append(ours)
        yield connections
    finally:
        for connection in connections:
            connection.close()
        for process in processes:
            process.join(_END_S)
            process.kill()
            process.join()


def _work(connection: Connection, order: Order) -> None:
    """Be one generator. It says how far it is whenever it likes, its tally at the end, and hears two words."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nobody hears it where the parent is gone.
    with contextlib.suppress(BrokenPipeError), asyncio.Runner(loop_factory=_precise_loop) as runner:
        connection.send(runner.run(_generate(connection, order)))


async def _generate(connection: Connection, order: Order) -> Tally:
    loop, go, stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def listen() -> None:
        word = _GO
        while word == _GO:
            try:
                word = connection.recv()
            except (EOFError, OSError):
                word = _STOP
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has all ended
                if word == _STOP:
                    loop.call_soon_threadsafe(stop.set)
                loop.call_soon_threadsafe(go.set)

    def progress(answered: int, errors: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            connection.send((answered, errors))

    threading.Thread(target=listen, daemon=True).start()
    return await generate(order, go=go, stop=stop, progress=progress)


def _precise_loop() -> asyncio.AbstractEventLoop:
    # epoll waits whole milliseconds, so that a request would leave half a one late; select is precise.
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


@contextlib.contextmanager
def _interrupts_call(stop: Callable[[], None]) -> Iterator[None]:
    """Have an interrupt call `stop`, and a second one interrupt."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    with _handled_by(handle):
        yield


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    with _handled_by(signal.SIG_IGN):
        yield


@contextlib.contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread hears signals
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
