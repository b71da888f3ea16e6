"""A small HTTP/1.1 server for the operations port: GET and HEAD, one request a connection, in the event loop.

In the loop, so that an answer from /livez says that the loop runs. What a stranger can hold is bounded: the length of
a request, the time it takes, and the number of connections."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Final

from cloud_service.config import Address
from cloud_service.errors import BindError
from cloud_service.http.operations import Reply
from cloud_service.incident import record

__all__ = ["HttpServer"]

_LOG: Final = logging.getLogger(__name__)

# A probe or a scrape sends some hundred bytes in one packet and reads its answer at once.
_MAX_HEAD_BYTES: Final = 8 << 10
_MAX_CONNECTIONS: Final = 32

_HEAD_END: Final = b"\r\n\r\n"
_METHODS: Final = ("GET", "HEAD")


class HttpServer:
    """See the module. `start` and `stop` once each, in one event loop."""

    def __init__(self, reply_to: Callable[[str], Reply | Awaitable[Reply]], *, exchange_s: float = 5.0) -> None:
        """Answer with what `reply_to` says for a path; a connection lasts at most `exchange_s`."""
        self._reply_to = reply_to
        self._exchange_s = exchange_s
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, address: Address) -> Address:
        """Listen, and return the address with the port that was given.

        Raises BindError."""
        try:
            self._server = await asyncio.start_server(self._accept, address.host, address.port, limit=_MAX_HEAD_BYTES)
        except OSError as error:
            raise BindError(str(address)) from error
        return Address(address.host, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= _MAX_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            async with asyncio.timeout(self._exchange_s):
                await self._exchange(reader, writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            writer.transport.abort()  # it left, or does not keep up
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(_HEAD_END)
        except asyncio.LimitOverrunError:
            reply, has_body = _plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE), True
        else:
            reply, has_body = await self._answer(head)
        writer.write(_encode(reply, has_body=has_body))
        await writer.drain()
        with suppress(OSError):
            writer.write_eof()

    async def _answer(self, head: bytes) -> tuple[Reply, bool]:
        request_line = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        if len(request_line) != 3 or not request_line[2].startswith("HTTP/1."):
            return _plain(HTTPStatus.BAD_REQUEST), True
        method, target, _ = request_line
        if method not in _METHODS:
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED), True
        try:
            reply = self._reply_to(target.partition("?")[0])
            return reply if isinstance(reply, Reply) else await reply, method == "GET"
        except Exception as error:  # noqa: BLE001 - a probe is answered, whatever a collector does
            record(_LOG, "operations", error)
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR), method == "GET"


def _plain(status: HTTPStatus) -> Reply:
    return Reply(status, "text/plain; charset=utf-8", f"{status.phrase}\n".encode())


def _encode(reply: Reply, *, has_body: bool) -> bytes:
    allow = f"Allow: {', '.join(_METHODS)}\r\n" if reply.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {reply.status.value} {reply.status.phrase}\r\n"
        f"Content-Type: {reply.content_type}\r\n"
        f"Content-Length: {len(reply.body)}\r\n"
        f"{allow}Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (reply.body if has_body else b"")
