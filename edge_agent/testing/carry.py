"""Carry the bytes of connections from end to end, under faults that may change at any moment.

Each way of a connection is a delay line: `_receive` stamps pieces with the time they are due, `_deliver` hands them on.
Lives in one event loop; who may set faults from another thread is link.py's matter."""

from __future__ import annotations

import asyncio
from typing import Final

from edge_agent.testing.faults import End, Faults

__all__ = ["Carrier"]

_PIECE_BYTES: Final = 16 * 1024
# Pieces on the way, one direction of one connection: 64 MiB. So many that latency alone never throttles.
_MAX_PIECES: Final = 4096

_Line = asyncio.Queue[tuple[float, bytes]]
_Way = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _CloseNow(Exception):
    """The faults close this connection in good order."""


class Carrier:
    """The faults in force, what was carried, and how busy the slow link is; all connections share them."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.bytes_up = 0
        self.bytes_down = 0
        self._changed = asyncio.Event()
        self._free_at = [0.0, 0.0]  # when the slow link is done with what it was given: down, up

    def faults_changed(self) -> None:
        """Wake what waits for the old faults to end. Called in the loop, after `faults` was replaced."""
        self._free_at = [0.0, 0.0]
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def passable(self) -> None:
        """Return when the link is no black hole."""
        while self.faults.black_hole:
            await self._changed.wait()

    async def carry(self, up: _Way, down: _Way) -> None:
        """Pass bytes on, each way, until both sources have ended or the faults close the connection.

        Raises a group of OSError: where an end, or the faults, reset it."""
        try:
            async with asyncio.TaskGroup() as group:
                for (source, sink), upward in ((up, True), (down, False)):
                    line = _Line(_MAX_PIECES)
                    group.create_task(self._receive(source, line, upward))
                    group.create_task(self._deliver(line, sink, upward))
        except* _CloseNow:
            pass

    def due(self, size_bytes: int, upward: bool) -> float:
        """Return when a piece that comes now is handed on, by the loop's clock. It may be empty: the stream's end. What
        comes later is never handed on earlier, and the slow link of the faults comes on top."""
        del size_bytes, upward
        return _now() + self.faults.latency_s

    async def _receive(self, source: asyncio.StreamReader, line: _Line, upward: bool) -> None:
        while True:
            piece = await source.read(_PIECE_BYTES)
            self.bytes_up += len(piece) if upward else 0
            await line.put((self.due(len(piece), upward), piece))
            if not piece:  # the end of the stream has travelled down the line like everything before it
                return

    async def _deliver(self, line: _Line, sink: asyncio.StreamWriter, upward: bool) -> None:
        sink.transport.set_write_buffer_limits(high=0)  # drain() then waits until the kernel has everything
        faults, delivered = self.faults, 0
        while True:
            due, piece = await line.get()
            await asyncio.sleep(due - _now())
            await self.passable()
            if not piece:
                sink.write_eof()
                return
            while piece:
                await self.passable()
                if faults is not self.faults:
                    faults, delivered = self.faults, 0
                size = faults.next_size(len(piece))
                end = None if upward else faults.before_end(delivered)
                if end is not None:
                    size = min(size, end[0])
                await self._pace(faults, size, upward)
                self.bytes_down += 0 if upward else size
                sink.write(piece[:size])
                await sink.drain()
                piece, delivered = piece[size:], delivered + size
                if end is not None and size == end[0]:
                    raise ConnectionResetError if end[1] is End.RESET else _CloseNow

    async def _pace(self, faults: Faults, size: int, upward: bool) -> None:
        if faults.bandwidth_bytes_s is not None:
            self._free_at[upward] = max(self._free_at[upward], _now()) + size / faults.bandwidth_bytes_s
            await asyncio.sleep(self._free_at[upward] - _now())
        elif faults.slice_bytes is not None:
            await asyncio.sleep(0)  # other connections have their turn between slices


def _now() -> float:
    return asyncio.get_running_loop().time()
