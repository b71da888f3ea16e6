"""A TCP link that can be made bad while it is in use: a proxy in this process, with a thread and event loop of its own.

    with FaultyLink(("127.0.0.1", port)) as link:
        connect_to(link.address)
        link.faults = Faults(latency_s=0.05)        # at once, for live connections too
        link.down()                                 # refused, and live connections reset
        link.up()                                   # the same port again

Knows bytes only, no protocol. TCP's promise is kept under every fault: what arrives is a prefix of what was sent."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, Self

from edge_agent.testing.carry import Carrier
from edge_agent.testing.faults import Faults

__all__ = ["Faults", "FaultyLink"]

_WAIT_S: Final = 5.0
# Lingering for no time makes a close a reset. Two ints; on Windows two shorts.
_NO_LINGER: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class FaultyLink:
    """See the module. Started once; counts only grow; everything here may be used from any thread."""

    def __init__(self, target: tuple[str, int] | str, *, carrier: Carrier | None = None) -> None:
        """Forward to `target`, a host and a port, or both as HOST:PORT; nothing is opened before start(). A `carrier`
        of one's own plays some other network than `faults` can."""
        self.connections = 0
        """Accepted so far."""
        self._target = _host_port(target) if isinstance(target, str) else target
        self._carrier = carrier or Carrier()
        self._port = 0
        self._listener: socket.socket | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to; the same from start() to stop()."""
        return "127.0.0.1", self._port

    @property
    def endpoint(self) -> str:
        """The same as HOST:PORT, as an agent's configuration wants it."""
        return f"127.0.0.1:{self._port}"

    @property
    def bytes_up(self) -> int:
        """Received from clients: what left them, whether or not it arrived."""
        return self._carrier.bytes_up

    @property
    def bytes_down(self) -> int:
        """Handed to clients."""
        return self._carrier.bytes_down

    @property
    def faults(self) -> Faults:
        """What is wrong now; what is put here takes effect at once."""
        return self._carrier.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self._carrier.faults = faults
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._carrier.faults_changed)

    def start(self) -> Self:
        """Return when connections are taken. Raises OSError: where the system does not let us listen."""
        listening: Future[None] = Future()
        self._thread = threading.Thread(target=self._live, args=(listening,), name="faulty-link", daemon=True)
        self._thread.start()
        listening.result(_WAIT_S)
        return self

    def stop(self) -> None:
        """Reset what is live and end the thread, within 5 s; safe twice."""
        loop, self._loop = self._loop, None
        if loop is not None and self._thread is not None:
            loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_WAIT_S)

    def down(self) -> None:
        """Refuse new connections and reset live ones, until up()."""
        self._in_loop(self._hang_up)

    def up(self) -> None:
        """Listen on the same port again. Raises OSError: if another program took it meanwhile."""
        self._in_loop(self._listen)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _in_loop(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:  # Any: as asyncio types it
        if self._loop is None:
            raise RuntimeError("the link is not running: call start(), or use it in a `with` statement")
        asyncio.run_coroutine_threadsafe(work(), self._loop).result(_WAIT_S)

    # What follows runs in the link's own loop.

    def _live(self, listening: Future[None]) -> None:
        with asyncio.Runner(
            loop_factory=asyncio.SelectorEventLoop
        ) as runner:  # the default of Windows has no add_reader
            runner.run(self._run(listening))

    async def _run(self, listening: Future[None]) -> None:
        try:
            await self._listen()
        except OSError as error:
            listening.set_exception(error)
            return
        self._loop = asyncio.get_running_loop()
        listening.set_result(None)
        await self._stopping.wait()
        await self._hang_up()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self._port))
            self._listener.setblocking(False)
            self._port = self._listener.getsockname()[1]
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    async def _hang_up(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, listener: socket.socket) -> None:
        # In one step, unlike asyncio's servers, which leave a connection open for ever that comes while they close.
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):  # the client has left again
            client, _ = listener.accept()
            self.connections += 1
            task = asyncio.get_running_loop().create_task(self._serve(client))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
            task.add_done_callback(lambda _: _reset(client))  # also if it never came to run

    async def _serve(self, client: socket.socket) -> None:
        client.setblocking(False)
        # asyncio does it for the sockets it makes; without it small pieces wait 40 ms for the other end's late ack.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends: list[asyncio.StreamWriter] = []
        try:
            reader, writer = await asyncio.open_connection(sock=client)
            ends.append(writer)
            target_reader, target_writer = await self._connect()
            ends.append(target_writer)
            await self._carrier.carry(up=(reader, target_writer), down=(target_reader, writer))
            for end in ends:
                end.close()
            for end in ends:
                await end.wait_closed()
        except* OSError:
            pass  # one end is gone; the other learns it from the reset
        finally:
            for end in ends:
                _abort(end)  # does nothing to an end that was closed above

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(*self._target)
        except OSError:
            await self._carrier.passable()  # a black hole does not tell that nobody is behind it
            raise


def _abort(end: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    end.transport.abort()


def _reset(client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    client.close()


def _host_port(target: str) -> tuple[str, int]:
    host, _, port = target.rpartition(":")
    return host.strip("[]"), int(port)
