"""Methods of the protocol's service that are not here, such as Triton's further extensions: refused in our words, with
a code as every refusal has one, and counted under one name. gRPC alone would say "Method not found!".

Nothing of the call is read, so that a stream is refused when it begins."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import grpc
import grpc.aio

from cloud_service.auth.authenticator import combined
from cloud_service.calls import Calls
from nearfar_wire.service import METHODS, SERVICE
from nearfar_wire.status import Code, error_metadata, grpc_status

__all__ = ["OtherMethods"]

_METHOD: Final = "unknown"
_REFUSAL: Final = f"this service does not have this method; it has {', '.join(METHODS)}"


class OtherMethods(grpc.GenericRpcHandler):
    """See the module. Registered after the methods that there are."""

    def __init__(self, calls: Calls) -> None:
        self._handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(
            partial(_refuse, calls)
        )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        """Return what answers a method of the service; None for another service's."""
        return self._handler if handler_call_details.method.startswith(f"/{SERVICE}/") else None


async def _refuse(calls: Calls, _: AsyncIterator[bytes], context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
    code = Code.UNIMPLEMENTED
    calls.begin(_METHOD, lambda: combined(context.invocation_metadata() or ())).end(code)
    await context.abort(grpc_status(code), _REFUSAL, trailing_metadata=error_metadata(code))
