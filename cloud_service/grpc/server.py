"""The gRPC server: one port, limits on all that comes in, and health as the standard service tells it.

Health is for probes, which have no credential; whatever else is asked has to say who asks."""

from __future__ import annotations

import asyncio
from typing import Final

import grpc
import grpc.aio

from cloud_service.auth.authenticator import Authenticator
from cloud_service.auth.certificates import ServerTls
from cloud_service.calls import Calls
from cloud_service.config import Address
from cloud_service.errors import BindError
from cloud_service.grpc.arrival import Arrivals
from cloud_service.grpc.encryption import server_credentials
from cloud_service.grpc.guard import guarded
from cloud_service.grpc.health import MAX_WATCHERS, Health
from cloud_service.grpc.inspection import InspectionServicer
from cloud_service.grpc.others import OtherMethods
from cloud_service.grpc.parting import Parting
from cloud_service.grpc.repository import RepositoryServicer
from cloud_service.grpc.servicers import InferenceServicer
from cloud_service.repository.control import Repository
from cloud_service.service import Service
from nearfar_wire.service import SERVICE

__all__ = ["GrpcServer"]

# A call's metadata is a deadline, a token and a trace: gRPC's own default, said here so that no version changes it.
_MAX_METADATA_BYTES: Final = 16 << 10
# What may come beside inference, and beside those who watch its health: probes, metadata.
_OTHER_CALLS: Final = 32
# After the last handler returned its answer is still being written.
_FLUSH_S: Final = 0.5
# Callers hear that their connection takes no more calls after a round trip; who is refused before comes once more.
_GOODBYE_S: Final = 0.05


class GrpcServer:
    """See the module. `start` and `stop` once each, in one event loop."""

    def __init__(
        self,
        service: Service,
        repository: Repository,
        calls: Calls,
        authenticator: Authenticator,
        *,
        tls: ServerTls | None,
        max_in_flight: int,
        max_message_bytes: int,
        longest_call_s: float,
        shared_port: bool = False,
        connection_age_s: float = 600.0,
    ) -> None:
        """Speak plaintext without `tls`. Other processes of this service listen on a `shared_port`, too.

        A connection ends after some `connection_age_s`, once its calls have."""
        self._service = service
        self._tls = tls
        self._parting = Parting()
        most = max_in_flight + _OTHER_CALLS + MAX_WATCHERS
        arrivals = Arrivals(within_s=longest_call_s, at_most=most * 3 // 4)
        self._health = Health(arrivals)
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", max_message_bytes),
                ("grpc.max_send_message_length", max_message_bytes),
                ("grpc.max_metadata_size", _MAX_METADATA_BYTES),
                ("grpc.absolute_max_metadata_size", _MAX_METADATA_BYTES),
                # Two services on one port would each get a share of the calls, and nobody would know.
                ("grpc.so_reuseport", int(shared_port)),
                # What a connection sends beyond waits where it was made. Calls wait in gRPC before the service can
                # refuse them: without this one caller's flood was everybody's queue, of seconds where Python itself is
                # the limit. Twice what may be in work, so that who asks too much is still told so.
                ("grpc.max_concurrent_streams", 2 * (max_in_flight + _OTHER_CALLS)),
                # gRPC would also count what was closed and is not yet freed, and reset new streams for it: a client
                # that keeps to the number above read that as a server that is down. Streams that are opened to be reset
                # at once cost the same without: 200,000 of them 0.3 s of processor and 10 MB.
                ("grpc.http.overload_protection", 0),
                # A balancer that knows connections only never moves one that lasts: this makes its clients choose
                # anew, without a call that fails, and ends those whose other side is gone. gRPC varies it by a tenth,
                # so that they do not all come back at once.
                ("grpc.max_connection_age_ms", round(connection_age_s * 1000)),
                ("grpc.max_connection_age_grace_ms", round(longest_call_s * 1000)),
            ),
            # A message is in memory before the service can refuse it, so that many are held at the most; a call beyond
            # is refused before its message is read, with the status that OVERLOADED has.
            maximum_concurrent_rpcs=most,
        )
        inference = InferenceServicer(service, max_message_bytes=max_message_bytes).handlers()
        handlers = {
            **inference,
            **InspectionServicer(service).handlers(),
            **RepositoryServicer(repository).handlers(),
        }
        self._server.add_generic_rpc_handlers(
            (guarded(handlers, calls, authenticator, self._parting, arrivals), OtherMethods(calls))
        )
        self._server.add_generic_rpc_handlers((self._health.handler(),))

    async def start(self, address: Address) -> Address:
        """Listen, and return the address with the port that was given.

        Raises BindError."""
        try:
            if self._tls is None:
                port = self._server.add_insecure_port(str(address))
            else:
                port = self._server.add_secure_port(str(address), server_credentials(self._tls))
        except RuntimeError as error:
            raise BindError(str(address)) from error
        await self.publish_health()
        await self._server.start()
        return Address(address.host, port)

    async def publish_health(self) -> None:
        """Tell the health service's watchers what can answer now: the service as a whole, and each model by name."""
        readiness = self._service.readiness()
        await self._health.publish({"": readiness.ready, SERVICE: readiness.ready, **readiness.models})

    async def announce_end(self) -> None:
        """Say NOT_SERVING for everything and for good, and go on answering."""
        await self._health.announce_end()

    async def stop(self) -> None:
        """Close the port, let written answers out and cancel what is still in work."""
        someone = await self._parting.gather()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._server.stop(_FLUSH_S))
            if someone:
                await asyncio.sleep(_GOODBYE_S)
            self._parting.release()
