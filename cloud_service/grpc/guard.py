"""What stands between the servicer and gRPC: bytes become messages, every error a status, and every call is counted.

A refusal is answered with its own message. Anything else is INTERNAL and an incident's id: gRPC would otherwise send
an exception's text to the caller and write it to the log. For the same reason messages are parsed here, not by gRPC."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from cloud_service.codes import code_of
from cloud_service.errors import InvalidInput
from cloud_service.incident import record
from cloud_service.metrics import Metrics
from nearfar_wire.service import METHODS, Method, generic_handler
from nearfar_wire.status import Code, error_metadata, grpc_status

__all__ = ["Context", "Handler", "guarded"]

_LOG: Final = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[bytes, bytes]
# Any: each method has its own pair of messages, which METHODS names.
Handler = Callable[[Any, Context], Awaitable[Message]]


def guarded(handlers: Mapping[str, Handler], metrics: Metrics) -> grpc.GenericRpcHandler:
    """Return what a server registers: `handlers` by the method's name, each behind the guard."""
    guards = {name: _guard(METHODS[name], handler, metrics) for name, handler in handlers.items()}
    return generic_handler(guards, parse=False)


def _guard(method: Method, handler: Handler, metrics: Metrics) -> Callable[[bytes, Context], Awaitable[bytes]]:
    async def answer(received: bytes, context: Context) -> bytes:
        started = time.perf_counter()

        def count(ended: str, sent: bytes = b"") -> None:
            seconds = time.perf_counter() - started
            metrics.answered(method.name, ended, seconds, received_bytes=len(received), sent_bytes=len(sent))

        try:
            with metrics.in_work():
                sent = (await handler(_parse(method, received), context)).SerializeToString()
        except asyncio.CancelledError:
            # gRPC cancels the handler for both; which of them it was, only the time tells.
            late = context.time_remaining() == 0
            count(Code.DEADLINE_EXCEEDED if late else Code.CANCELLED)
            raise
        except Exception as error:  # noqa: BLE001 - the boundary that the module speaks of
            count(code_of(error))  # before the caller can know
            await _refuse(context, method.name, error)
        count("OK", sent)
        return sent

    return answer


def _parse(method: Method, received: bytes) -> Message:
    try:
        return method.request.FromString(received)
    except DecodeError:
        raise InvalidInput(
            f"these bytes are no {method.request.DESCRIPTOR.name}; send the protocol's message"
        ) from None


async def _refuse(context: Context, method: str, error: Exception) -> NoReturn:
    code = code_of(error)
    if code is Code.INTERNAL:
        message = f"the service failed on this call; its operator can find incident {record(_LOG, method, error)}"
    else:
        message = str(error)
    await context.abort(grpc_status(code), message, trailing_metadata=error_metadata(code))
    raise AssertionError("abort always raises")
