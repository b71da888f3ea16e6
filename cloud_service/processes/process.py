"""One process as its parent holds it: started, listened to, asked, told to end."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

from cloud_service.config import Address, Settings
from cloud_service.processes.handover import pack

__all__ = ["Process"]

_MODULE: Final = "cloud_service.processes.child"
# It answers from its loop, which no run holds up for long.
_ANSWER_S: Final = 2.0
_MAX_ANSWER: Final = 64 << 20


class Process:
    """See the module. `http` is where it tells of itself, once its models were tried; None before."""

    def __init__(self, process: asyncio.subprocess.Process, on_serving: Callable[[], None]) -> None:
        self._process = process
        self._on_serving = on_serving
        self._reading = asyncio.create_task(self._read())
        self.http: Address | None = None

    @property
    def serves(self) -> bool:
        """Whether it serves, or did so until it ended."""
        return self.http is not None

    @classmethod
    async def start(cls, settings: Settings, *, number: int, on_serving: Callable[[], None]) -> Self:
        """Start a process that serves by `settings` for as long as this one lives; `on_serving` is called once.

        `number` is what its log lines and metrics are told apart by."""
        # It gets the very modules that run here, wherever they were found.
        path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            _MODULE,
            str(number),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert process.stdin is not None
        process.stdin.write(pack(settings))
        return cls(process, on_serving)

    async def ended(self) -> int:
        """Wait until it has ended, and return its exit code, negative for the signal that ended it."""
        code = await self._process.wait()
        await self._reading
        return code

    def terminate(self) -> None:
        """Ask it to drain and to end."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def kill(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def ask(self, path: str) -> bytes | None:
        """Return what it answers for `path` of its operations port; None where it does not."""
        if self.http is None:
            return None
        try:
            async with asyncio.timeout(_ANSWER_S):
                return await _get(self.http, path)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return None

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            port, _, address = line.decode().strip().partition(" ")
            if port == "http":
                self.http = Address.parse(address)
                self._on_serving()


async def _get(address: Address, path: str) -> bytes | None:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read(_MAX_ANSWER)
        while not reader.at_eof():
            answer += await reader.read(_MAX_ANSWER)
    finally:
        writer.close()
    head, end, body = answer.partition(b"\r\n\r\n")
    return body if end and head.startswith(b"HTTP/1.") else None
