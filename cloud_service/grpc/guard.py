"""What stands between the servicers and gRPC: who calls is found out before a byte is read, or waited for, every error
becomes a status, and every call is counted.

A refusal is answered with its own message. Anything else is INTERNAL and an incident's id: gRPC would otherwise send
an exception's text to the caller and write it to the log. For the same reason messages are parsed by the servicers,
behind this guard, and not by gRPC."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Final, NoReturn

import grpc
import grpc.aio

from cloud_service.auth.authenticator import Authenticator, combined
from cloud_service.caller import Caller
from cloud_service.calls import Calls
from cloud_service.codes import code_of
from cloud_service.errors import Draining, Overloaded
from cloud_service.grpc.arrival import Arrivals
from cloud_service.grpc.encryption import peer_names
from cloud_service.grpc.parting import Parting
from cloud_service.incident import record
from nearfar_wire.service import SERVICE
from nearfar_wire.status import Code, error_metadata, grpc_status

__all__ = ["Context", "Handler", "guarded"]

_LOG: Final = logging.getLogger(__name__)

# gRPC's clients that retry wait for so long.
_PUSHBACK_KEY: Final = "grpc-retry-pushback-ms"

Context = grpc.aio.ServicerContext[bytes, bytes]
Handler = Callable[[bytes, Context, Caller], Awaitable[bytes]]
"""From one message's bytes to the other's. Trailing metadata that it sets goes with the answer, or the refusal."""


def guarded(
    handlers: Mapping[str, Handler],
    calls: Calls,
    authenticator: Authenticator,
    parting: Parting,
    arrivals: Arrivals,
) -> grpc.GenericRpcHandler:
    """Return what a server registers: `handlers` by the method's name, each behind the guard."""
    return grpc.method_handlers_generic_handler(
        SERVICE,
        {
            # As streams of one message, which begin with the call: others begin when a message is there.
            name: grpc.stream_unary_rpc_method_handler(_guard(name, handler, calls, authenticator, parting, arrivals))
            for name, handler in handlers.items()
        },
    )


def _guard(
    method: str,
    handler: Handler,
    calls: Calls,
    authenticator: Authenticator,
    parting: Parting,
    arrivals: Arrivals,
) -> Callable[[AsyncIterator[bytes], Context], Awaitable[bytes]]:
    async def answer(stream: AsyncIterator[bytes], context: Context) -> bytes:
        headers = partial(_headers, context)
        call = calls.begin(method, headers)
        received_bytes = 0
        received = b""
        try:
            caller = authenticator.authenticate(headers, partial(peer_names, context))
            received = await arrivals.message(context)
            received_bytes = len(received)
            sent = await handler(received, context, caller)
        except asyncio.CancelledError:
            # gRPC cancels the handler for both; which of them it was, only the time tells.
            late = context.time_remaining() == 0
            call.end(Code.DEADLINE_EXCEEDED if late else Code.CANCELLED, received_bytes=received_bytes)
            raise
        except Exception as error:  # noqa: BLE001 - the boundary that the module speaks of
            call.end(code_of(error), received_bytes=received_bytes)  # before the caller can know
            if isinstance(error, Draining):
                await parting.hold()
            aborting = _refuse(context, method, error)
        else:
            call.end("OK", received_bytes=received_bytes, sent_bytes=len(sent))
            return sent
        # gRPC keeps what abort raises with the call, and with it this frame. Whatever led from here back to the call
        # made a ring of them, which the message was part of until the garbage collector came by: under a flood of
        # refusals it came often, and found much.
        del stream, received, context, headers, call
        await aborting
        raise AssertionError("abort always raises")

    return answer


def _headers(context: Context) -> dict[str, str]:
    return combined(context.invocation_metadata() or ())


def _refuse(context: Context, method: str, error: Exception) -> Awaitable[NoReturn]:
    """Return what is to be awaited once `error` is forgotten: it leads to everything that the call held."""
    code = code_of(error)
    if code is Code.INTERNAL:
        message = f"the service failed on this call; its operator can find incident {record(_LOG, method, error)}"
    else:
        message = str(error)
    trailing = (*(context.trailing_metadata() or ()), *error_metadata(code), *_pushback(error))
    return context.abort(grpc_status(code), message, trailing_metadata=trailing)


def _pushback(error: Exception) -> tuple[tuple[str, str], ...]:
    if isinstance(error, Overloaded) and error.pushback_s is not None:
        return ((_PUSHBACK_KEY, str(math.ceil(error.pushback_s * 1000))),)
    return ()
