"""What stands between the endpoints and HTTP: who calls is known and the path is one of ours before a body is read,
a body is read within bounds, every error becomes a status, and every call is counted.

A refusal is answered with its own message. Anything else is INTERNAL and an incident's id. Where a body was not read
to its end, or the service stops, the connection closes, and a caller that waits for `100 Continue` never sends it."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from cloud_service.auth.authenticator import Authenticator, combined
from cloud_service.auth.certificates import client_names_in
from cloud_service.caller import ANONYMOUS, Caller
from cloud_service.calls import Call, Calls
from cloud_service.codes import code_of
from cloud_service.errors import DeadlineExceeded, InvalidInput, Overloaded, TooLarge
from cloud_service.http.encoding import unpacked
from cloud_service.http.front import response_of
from cloud_service.http.reply import JSON, Reply
from cloud_service.http.routes import Endpoint, Route, find
from cloud_service.incident import record
from cloud_service.service import Service
from nearfar_wire.load_report import LOAD_FORMAT_HEADER, LOAD_HEADER, LoadReport, load_text
from nearfar_wire.status import CODES, ERROR_CODE_KEY, Code

__all__ = ["Guard", "RestCall", "RestHandler"]

_LOG: Final = logging.getLogger(__name__)

# Bodies that are being read beside those of calls in work, as gRPC's port has it.
_OTHER_BODIES: Final = 32
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_METHOD: Final = "rest."
# What no endpoint has a name for is counted under one.
_UNKNOWN: Final = "rest.unknown"


@dataclass(frozen=True, slots=True)
class RestCall:
    """A call whose caller is known. `headers` are by lower-case name, `arrived` is a monotonic instant."""

    route: Route
    caller: Caller
    headers: Mapping[str, str]
    arrived: float
    body: Callable[[], Awaitable[bytes]]
    """Reads the body, unpacked. Raises InvalidInput, TooLarge, DeadlineExceeded, Overloaded."""


RestHandler = Callable[[RestCall], Awaitable[Reply]]


class Guard:
    """See the module."""

    def __init__(
        self,
        handlers: Mapping[str, RestHandler],
        service: Service,
        calls: Calls,
        authenticator: Authenticator,
        *,
        max_in_flight: int,
        max_message_bytes: int,
        longest_call_s: float,
    ) -> None:
        """`handlers` are by their endpoints' names."""
        self._handlers = handlers
        self._service = service
        self._calls = calls
        self._authenticator = authenticator
        self._max_bodies = max_in_flight + _OTHER_BODIES
        self._max_message_bytes = max_message_bytes
        self._longest_call_s = longest_call_s
        self._bodies = 0

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        headers = combined(request.headers.items())
        route = find(request.rel_url.raw_path)
        call = self._calls.begin(_UNKNOWN if route is None else _METHOD + route.endpoint.name, lambda: headers)
        try:
            reply = await self._reply(request, route, headers)
        except asyncio.CancelledError:
            call.end(Code.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001 - the boundary that the module speaks of
            reply = _refusal(call, error)
        reply = self._with_load(reply, route, headers)
        ended = reply.headers.get(ERROR_CODE_KEY, "OK")
        call.end(ended, received_bytes=request.content.total_bytes, sent_bytes=len(reply.body))
        response = response_of(reply)
        # Who is refused because this service stops finds another one where a connection begins.
        if ended == Code.UNAVAILABLE or not request.content.is_eof():
            response.force_close()
        return response

    async def _reply(self, request: web.BaseRequest, route: Route | None, headers: Mapping[str, str]) -> Reply:
        if route is None:
            return _error(
                404,
                Code.UNIMPLEMENTED,
                "there is nothing at this path; GET /v2 names what this service has beside the protocol",
            )
        if request.method not in _verbs(route.endpoint):
            allowed = ", ".join(_verbs(route.endpoint))
            return _error(405, Code.UNIMPLEMENTED, f"this path takes {allowed}", {"Allow": allowed})
        caller = ANONYMOUS
        if not route.endpoint.is_health:  # whoever probes has no credential
            caller = self._authenticator.authenticate(lambda: headers, partial(_peer_names, request))
        body = partial(self._body, request, headers)
        return await self._handlers[route.endpoint.name](RestCall(route, caller, headers, time.monotonic(), body))

    async def _body(self, request: web.BaseRequest, headers: Mapping[str, str]) -> bytes:
        declared = request.content_length
        if declared is not None and declared > self._max_message_bytes:
            raise TooLarge(self._max_message_bytes)
        if self._bodies >= self._max_bodies:
            raise Overloaded(
                f"{self._max_bodies} requests are being read already, which is the limit; try again later",
                reason="limit",
                pushback_s=1.0,
            )
        self._bodies += 1
        try:
            async with asyncio.timeout(self._longest_call_s):
                await _let_come(request, headers)
                content = await self._read(request)
        except TimeoutError:
            raise DeadlineExceeded from None
        finally:
            self._bodies -= 1
        encoding = headers.get("content-encoding", "").strip().lower()
        if not encoding:
            return content
        # A few bytes may stand for as many as are allowed.
        return await asyncio.to_thread(unpacked, content, encoding, at_most=self._max_message_bytes)

    async def _read(self, request: web.BaseRequest) -> bytes:
        pieces: list[bytes] = []
        length = 0
        try:
            while piece := await request.content.readany():
                length += len(piece)
                if length > self._max_message_bytes:
                    raise TooLarge(self._max_message_bytes)
                pieces.append(piece)
        except web.RequestPayloadError:
            raise InvalidInput("the body is not what its Transfer-Encoding or Content-Length says") from None
        return b"".join(pieces)

    def _with_load(self, reply: Reply, route: Route | None, headers: Mapping[str, str]) -> Reply:
        wanted = headers.get(LOAD_FORMAT_HEADER)
        load = self._service.load(route.model, route.version) if wanted and route and route.model else None
        if wanted is None or load is None:
            return reply
        told = load_text(LoadReport(load.queue_wait_s, load.utilisation, load.limit, load.stay_local_s), wanted)
        if told is None:
            return reply
        return Reply(reply.status, reply.content_type, reply.body, {**reply.headers, LOAD_HEADER: told})


def _verbs(endpoint: Endpoint) -> Sequence[str]:
    return ("GET", "HEAD") if endpoint.verb == "GET" else (endpoint.verb,)


def _peer_names(request: web.BaseRequest) -> Sequence[str]:
    transport = request.transport
    return client_names_in(None if transport is None else transport.get_extra_info("peercert"))


async def _let_come(request: web.BaseRequest, headers: Mapping[str, str]) -> None:
    expected = headers.get("expect")
    if expected is None or request.version < (1, 1):
        return
    if expected.lower() != "100-continue":
        raise InvalidInput("the only expectation that can be met is 100-continue")
    if request.transport is not None:
        request.transport.write(_CONTINUE)


def _refusal(call: Call, error: Exception) -> Reply:
    code = code_of(error)
    headers: dict[str, str] = {}
    if code is Code.INTERNAL:
        incident = record(_LOG, call.method, error)
        message = f"the service failed on this call; its operator can find incident {incident}"
    else:
        message = str(error)
    if code is Code.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(max(1, math.ceil(error.pushback_s or 1.0)))
    return _error(CODES[code].http, code, message, headers)


def _error(status: int, code: Code, message: str, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps({"error": message}).encode()
    return Reply(status, JSON, body, {ERROR_CODE_KEY: code.value, **(headers or {})})
