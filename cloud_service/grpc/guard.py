"""What stands between a handler and gRPC: every error becomes a status, every call is counted.

A refusal is answered with its own message. Anything else is INTERNAL and an incident's id: gRPC would otherwise send
an exception's text to the caller and write it to the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, NoReturn, TypeVar

import grpc.aio

from cloud_service.codes import code_of
from cloud_service.incident import record
from cloud_service.metrics import Metrics
from nearfar_wire.status import Code, error_metadata, grpc_status

__all__ = ["Context", "Handler", "guarded"]

_LOG: Final = logging.getLogger(__name__)

Request = TypeVar("Request")
Response = TypeVar("Response")
Context = grpc.aio.ServicerContext[Any, Any]  # Any: the handler's own messages, which the context does not touch
Handler = Callable[[Request, Context], Awaitable[Response]]


def guarded(method: str, handler: Handler[Request, Response], metrics: Metrics) -> Handler[Request, Response]:
    """Return `handler` behind the guard; `method` is its name in metrics and logs."""

    async def guard(request: Request, context: Context) -> Response:
        started = time.perf_counter()
        ended: str = Code.CANCELLED
        try:
            with metrics.in_work():
                try:
                    response = await handler(request, context)
                except Exception as error:  # noqa: BLE001 - the boundary that the module speaks of
                    ended = code_of(error)
                    await _refuse(context, method, error)
            ended = "OK"
            return response
        finally:
            metrics.answered(method, ended, time.perf_counter() - started)

    return guard


async def _refuse(context: Context, method: str, error: Exception) -> NoReturn:
    code = code_of(error)
    if code is Code.INTERNAL:
        message = f"the service failed on this call; its operator can find incident {record(_LOG, method, error)}"
    else:
        message = str(error)
    await context.abort(grpc_status(code), message, trailing_metadata=error_metadata(code))
    raise AssertionError("abort always raises")
