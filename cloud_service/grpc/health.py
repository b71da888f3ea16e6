"""Health as the standard service tells it, for probes and balancers, which have no credential.

So little can be had of it: a question is short or refused, nothing is said of what a parser found wrong, and watchers,
who stay, take no more than a share of the calls that there may be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from grpc_health.v1 import health, health_pb2

from cloud_service.codes import code_of
from cloud_service.errors import CallError
from cloud_service.grpc.arrival import Arrivals
from nearfar_wire.status import grpc_status

__all__ = ["MAX_WATCHERS", "Health"]

MAX_WATCHERS: Final = 32
"""One for each balancer, or client that balances by itself; who is refused is told so and comes again."""

# The longest name of a model has 128 characters.
_MAX_BYTES: Final = 1024

Context = grpc.aio.ServicerContext[bytes, health_pb2.HealthCheckResponse]


class Health:
    """See the module."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._servicer = health.aio.HealthServicer()
        self._told_of: set[str] = set()
        self._watchers = 0

    def handler(self) -> grpc.GenericRpcHandler:
        """Return what a server registers."""
        answer = health_pb2.HealthCheckResponse.SerializeToString
        return grpc.method_handlers_generic_handler(
            health.SERVICE_NAME,
            {
                "Check": grpc.stream_unary_rpc_method_handler(self._check, response_serializer=answer),
                "Watch": grpc.stream_stream_rpc_method_handler(self._watch, response_serializer=answer),
            },
        )

    async def publish(self, serving: Mapping[str, bool]) -> None:
        """Tell whether each service, by name, can answer now; of what is not named any more nothing is known."""
        for name in self._told_of - serving.keys():
            await self._servicer.set(name, health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)
        self._told_of = set(serving)
        for name, ready in serving.items():
            status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
            await self._servicer.set(name, status)

    async def announce_end(self) -> None:
        """Say NOT_SERVING for everything and for good, and go on answering."""
        await self._servicer.enter_graceful_shutdown()

    async def _check(self, _: AsyncIterator[bytes], context: Context) -> health_pb2.HealthCheckResponse:
        return await self._servicer.Check(await self._asked(context), context)

    async def _watch(self, _: AsyncIterator[bytes], context: Context) -> None:
        if self._watchers >= MAX_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{MAX_WATCHERS} watch already; ask by Check")
        self._watchers += 1
        try:
            await self._servicer.Watch(await self._asked(context), context)
        finally:
            self._watchers -= 1

    async def _asked(self, context: Context) -> health_pb2.HealthCheckRequest:
        status, problem = grpc.StatusCode.INVALID_ARGUMENT, "this is no HealthCheckRequest, which is a short message"
        try:
            received = await self._arrivals.message(context)
            if len(received) <= _MAX_BYTES:
                return health_pb2.HealthCheckRequest.FromString(received)
        except DecodeError:
            pass
        except CallError as error:
            status, problem = grpc_status(code_of(error)), str(error)
        await context.abort(status, problem)
        raise AssertionError("abort always raises")
