"""What stands between the servicer and gRPC: who calls is found out, bytes become messages, every error a status, and
every call is counted.

A refusal is answered with its own message. Anything else is INTERNAL and an incident's id: gRPC would otherwise send
an exception's text to the caller and write it to the log. For the same reason messages are parsed here, not by gRPC."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from cloud_service.auth.authenticator import Authenticator, combined
from cloud_service.caller import Caller
from cloud_service.calls import Calls
from cloud_service.codes import code_of
from cloud_service.errors import InvalidInput
from cloud_service.grpc.encryption import peer_names
from cloud_service.incident import record
from nearfar_wire.service import METHODS, Method, generic_handler
from nearfar_wire.status import Code, error_metadata, grpc_status

__all__ = ["Context", "Handler", "guarded"]

_LOG: Final = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[bytes, bytes]
# Any: each method has its own pair of messages, which METHODS names.
Handler = Callable[[Any, Context, Caller], Awaitable[Message]]


def guarded(handlers: Mapping[str, Handler], calls: Calls, authenticator: Authenticator) -> grpc.GenericRpcHandler:
    """Return what a server registers: `handlers` by the method's name, each behind the guard."""
    guards = {name: _guard(METHODS[name], handler, calls, authenticator) for name, handler in handlers.items()}
    return generic_handler(guards, parse=False)


def _guard(
    method: Method, handler: Handler, calls: Calls, authenticator: Authenticator
) -> Callable[[bytes, Context], Awaitable[bytes]]:
    async def answer(received: bytes, context: Context) -> bytes:
        headers = partial(_headers, context)
        call = calls.begin(method.name, headers)
        try:
            caller = authenticator.authenticate(headers, partial(peer_names, context))
            sent = (await handler(_parse(method, received), context, caller)).SerializeToString()
        except asyncio.CancelledError:
            # gRPC cancels the handler for both; which of them it was, only the time tells.
            late = context.time_remaining() == 0
            call.end(Code.DEADLINE_EXCEEDED if late else Code.CANCELLED, received_bytes=len(received))
            raise
        except Exception as error:  # noqa: BLE001 - the boundary that the module speaks of
            code = code_of(error)
            message = _message(code, method.name, error)  # within the call, so that the log can tell its trace
            call.end(code, received_bytes=len(received))  # before the caller can know
            await _refuse(context, code, message)
        call.end("OK", received_bytes=len(received), sent_bytes=len(sent))
        return sent

    return answer


def _headers(context: Context) -> dict[str, str]:
    return combined(context.invocation_metadata() or ())


def _parse(method: Method, received: bytes) -> Message:
    try:
        return method.request.FromString(received)
    except DecodeError:
        raise InvalidInput(
            f"these bytes are no {method.request.DESCRIPTOR.name}; send the protocol's message"
        ) from None


def _message(code: Code, method: str, error: Exception) -> str:
    if code is not Code.INTERNAL:
        return str(error)
    return f"the service failed on this call; its operator can find incident {record(_LOG, method, error)}"


async def _refuse(context: Context, code: Code, message: str) -> NoReturn:
    await context.abort(grpc_status(code), message, trailing_metadata=error_metadata(code))
    raise AssertionError("abort always raises")
