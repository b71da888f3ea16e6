"""A port that speaks HTTP/1.1, on aiohttp's parser and protocol; the rest of aiohttp stays out.

What a stranger can hold is bounded: the length of a head, the number of connections, and how long one may go without a
request in work: idle, sending a head byte by byte, or not reading its answer. The work itself is its handler's to
bound. A caller that leaves cancels what is in work for it."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from cloud_service.config import Address
from cloud_service.errors import BindError
from cloud_service.http.reply import JSON, Reply
from cloud_service.incident import record
from nearfar_wire.status import CODES, ERROR_CODE_KEY, Code

__all__ = ["HttpFront", "response_of"]

_LOG: Final = logging.getLogger(__name__)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# A bearer token has up to 8 KiB; with all that proxies add a head stays below gRPC's 16 KiB of metadata.
_MAX_LINE_BYTES: Final = 12 << 10
_MAX_HEADERS: Final = 100
_TOO_LONG: Final = f"a line of the head is longer than {_MAX_LINE_BYTES} bytes"
# All that the parser refuses, for it says which in words that quote what was sent.
_NOT_HTTP: Final = (
    f"this is not HTTP/1.1 as it is read here: a head of at most {_MAX_HEADERS} lines that end in CRLF, with one Host, "
    "and Content-Length or Transfer-Encoding at most once and never both"
)
# How long the rest of a body that was refused is read and thrown away, so that the refusal is not lost to a reset.
_LINGER_S: Final = 1.0
_HANDSHAKE_S: Final = 10.0
_LAST_ANSWERS_S: Final = 0.5


class HttpFront:
    """See the module. `start` and `stop` once each, in one event loop."""

    def __init__(
        self, handler: Handler, *, idle_s: float = 60.0, max_connections: int = 1024, shared_port: bool = False
    ) -> None:
        """Answer with what `handler` makes of a request. It sees every request whose head could be read."""
        self._handler = handler
        self._idle_s = idle_s
        self._max_connections = max_connections
        self._shared_port = shared_port
        self._protocols: web.Server | None = None
        self._server: asyncio.Server | None = None

    async def start(self, address: Address, tls: ssl.SSLContext | None = None) -> Address:
        """Listen, and return the address with the port that was given.

        Raises BindError."""
        self._protocols = web.Server(self._handle, handler_cancellation=True)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._protocol,
                address.host,
                address.port,
                ssl=tls,
                reuse_port=self._shared_port or None,
                ssl_handshake_timeout=_HANDSHAKE_S if tls else None,
            )
        except OSError as error:
            raise BindError(str(address)) from error
        return Address(address.host, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port, let written answers out and cancel what is still in work."""
        if self._server is not None:
            self._server.close()
        if self._protocols is not None:
            self._protocols.pre_shutdown()
            await self._protocols.shutdown(_LAST_ANSWERS_S)

    def _protocol(self) -> asyncio.Protocol:
        assert self._protocols is not None
        if len(self._protocols.connections) >= self._max_connections:
            return _TurnedAway()
        return _Connection(self._protocols, idle_s=self._idle_s)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)
        if request.version not in ((1, 0), (1, 1)):  # the parser takes HTTP/0.9
            return connection.handle_error(request, 400)
        connection.at_work()
        try:
            return await self._handler(request)
        finally:
            connection.at_rest()


class _Connection(web.RequestHandler):
    """aiohttp's connection, with a bound on the time between two requests, and errors in our words."""

    __slots__ = ("_idle_s", "_timer")

    def __init__(self, protocols: web.Server, *, idle_s: float) -> None:
        super().__init__(
            protocols,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=idle_s,
            access_log=None,  # type: ignore[arg-type]  # none is meant to be possible: it is tested for
            max_line_size=_MAX_LINE_BYTES,
            max_field_size=_MAX_LINE_BYTES,
            max_headers=_MAX_HEADERS,
            lingering_time=_LINGER_S,
            auto_decompress=False,  # unpacked by encoding.py, which knows a bound
        )
        self._idle_s = idle_s
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.at_rest()
        super().connection_made(transport)

    def connection_lost(self, error: BaseException | None) -> None:
        self.at_work()
        super().connection_lost(error)

    def at_work(self) -> None:
        """A request is in work: its handler has its own bounds."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def at_rest(self) -> None:
        """Nothing is in work until the next request's head has come."""
        self.at_work()
        self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._give_up)

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - aiohttp's signature
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what was sent
    ) -> web.StreamResponse:
        """Answer what is not HTTP, in words that repeat none of it, and close."""
        if status == 400:
            reply = _malformed(431, _TOO_LONG) if isinstance(exc, LineTooLong) else _malformed(400, _NOT_HTTP)
        else:
            assert exc is not None
            reply = Reply(500, JSON, b'{"error": "see incident %s"}' % record(_LOG, "http", exc).encode())
        response = response_of(reply)
        response.force_close()
        return response

    def log_exception(self, *_: Any, **kw: Any) -> None:  # Any: as aiohttp has it
        """Log where an error came from, and not what it says."""
        error = kw.get("exc_info")
        if isinstance(error, BaseException):
            record(_LOG, "http", error)

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _TurnedAway(asyncio.Protocol):
    """A connection more than may be."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def response_of(reply: Reply) -> web.Response:
    """Return `reply` as aiohttp sends it."""
    return web.Response(
        status=reply.status,
        body=reply.body,
        # aiohttp would tell its own version and Python's.
        headers={"Content-Type": reply.content_type, "Server": "nearfar", **reply.headers},
    )


def _malformed(status: int, problem: str) -> Reply:
    code = Code.INVALID_INPUT
    assert status >= CODES[code].http
    return Reply(status, JSON, json.dumps({"error": problem}).encode(), {ERROR_CODE_KEY: code.value})
