"""The operations port's server: GET and HEAD of a few paths, in the event loop, on a front of its own.

In the loop, so that an answer from /livez says that the loop runs. A connection has little time, and there are few."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from cloud_service.config import Address
from cloud_service.http.front import HttpFront, response_of
from cloud_service.http.reply import TEXT, Reply
from cloud_service.incident import record

__all__ = ["HttpServer"]

_LOG: Final = logging.getLogger(__name__)

_MAX_CONNECTIONS: Final = 32
_METHODS: Final = ("GET", "HEAD")


class HttpServer:
    """See the module. `start` and `stop` once each, in one event loop."""

    def __init__(self, reply_to: Callable[[str], Reply | Awaitable[Reply]], *, idle_s: float = 5.0) -> None:
        """Answer with what `reply_to` says for a path; it has `idle_s`, and as long has a connection
        without a request."""
        self._reply_to = reply_to
        self._idle_s = idle_s
        self._front = HttpFront(self._answer, idle_s=idle_s, max_connections=_MAX_CONNECTIONS)

    async def start(self, address: Address) -> Address:
        """Listen, and return the address with the port that was given. Raises BindError."""
        return await self._front.start(address)

    async def stop(self) -> None:
        """Close the port and every connection."""
        await self._front.stop()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        response = response_of(await self._reply(request))
        # Whoever probes comes again in seconds, and must not hold one of the few connections until then.
        response.force_close()
        return response

    async def _reply(self, request: web.BaseRequest) -> Reply:
        if request.method not in _METHODS:
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": ", ".join(_METHODS)})
        try:
            async with asyncio.timeout(self._idle_s):
                reply = self._reply_to(request.rel_url.raw_path)
                return await reply if inspect.isawaitable(reply) else reply
        except Exception as error:  # noqa: BLE001 - a probe is answered, whatever a collector does
            record(_LOG, "operations", error)
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)


def _plain(status: HTTPStatus, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, TEXT, f"{status.phrase}\n".encode(), headers or {})
