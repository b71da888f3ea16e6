"""The REST port: the protocol's endpoints behind their guard, on a front of their own."""

from __future__ import annotations

from cloud_service.auth.authenticator import Authenticator
from cloud_service.auth.certificates import ServerTls
from cloud_service.calls import Calls
from cloud_service.config import Address
from cloud_service.http.front import HttpFront
from cloud_service.http.guard import Guard
from cloud_service.http.rest import RestEndpoints
from cloud_service.repository.control import Repository
from cloud_service.service import Service

__all__ = ["RestServer"]


class RestServer:
    """See the module. `start` and `stop` once each, in one event loop; `stop` also where it never started."""

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
    ) -> None:
        """Speak plaintext without `tls`; `shared_port`: other processes of this service listen there, too."""
        self._tls = tls
        guard = Guard(
            RestEndpoints(service, repository, max_message_bytes=max_message_bytes).handlers(),
            service,
            calls,
            authenticator,
            max_in_flight=max_in_flight,
            max_message_bytes=max_message_bytes,
            longest_call_s=longest_call_s,
        )
        self._front = HttpFront(guard.answer, shared_port=shared_port)

    async def start(self, address: Address) -> Address:
        """Listen, and return the address with the port that was given. Raises BindError."""
        return await self._front.start(address, None if self._tls is None else self._tls.context)

    async def stop(self) -> None:
        """Close the port, let written answers out and cancel what is still in work."""
        await self._front.stop()
