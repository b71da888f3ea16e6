"""The service put together: what is built from what, in which order it starts, and how it ends.

The ports open before the models load, so that probes are answered from the start: alive, not yet ready. A version that
cannot be loaded is told of and stands in nobody's way. At the end new inferences are refused first, health says so,
those in work get their time, and only then the ports close."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Final, Self

from prometheus_client import CollectorRegistry

from cloud_service.admission.opening import open_gate, read_tenants
from cloud_service.auth.identity import open_identity
from cloud_service.backend import Backend
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.calls import Calls, Tracer
from cloud_service.catalogue import EVICTED, UNLOADED, Catalogue, Unready
from cloud_service.config import Address, Settings
from cloud_service.grpc.server import GrpcServer
from cloud_service.http.operations import Operations
from cloud_service.http.rest_server import RestServer
from cloud_service.http.server import HttpServer
from cloud_service.metrics import Metrics
from cloud_service.repository.control import Change, Repository
from cloud_service.repository.load import load
from cloud_service.repository.serving import Instances
from cloud_service.service import Service
from cloud_service.workers import Workers

__all__ = ["App"]

_LOG: Final = logging.getLogger(__name__)

# A stopped run ends at its next node; one that has not after this is stuck in a node, and nothing can end it.
_LAST_RUNS_S: Final = 2.0


class App:
    """Serves from when it is entered until it is left: `async with App(settings, registry=registry) as app`.

    Made in the event loop that it serves in: gRPC's server binds itself to that one.
    Afterwards `stuck` says whether a run would not end and still holds its thread, `loading` whether a load does."""

    def __init__(
        self,
        settings: Settings,
        *,
        registry: CollectorRegistry,
        open_backend: Callable[[bytes, Instances], Backend] = OnnxBackend,
        tracer: Tracer | None = None,
        dropped_lines: Callable[[], int] = int,
    ) -> None:
        """`tracer` gets a span for each call; `dropped_lines` tells how many lines the log has lost.

        Raises SettingsError: for a certificate, keys or names that cannot be read or used."""
        self._settings = settings
        self._shares_ports = settings.processes > 1
        self._metrics = Metrics(registry, crowds=lambda: self._service.crowds(), dropped_lines=dropped_lines)
        tenants = read_tenants(settings)
        self._calls = Calls(
            self._metrics, access_log=settings.access_log, tracer=tracer, tenants=frozenset(tenants.named)
        )
        self._identity = open_identity(settings, on_certificate=self._metrics.certificate_expires)
        self._renewing: asyncio.Task[None] | None = None
        self._catalogue = Catalogue()
        self._workers = Workers(threads=settings.threads)
        self._service = Service(
            self._catalogue,
            self._workers,
            gate=open_gate(settings, tenants),
            longest_call_s=settings.longest_call_s,
            batching=settings.batching,
            observer=self._metrics,
        )
        self._repository = Repository(
            settings.models,
            self._catalogue,
            # Where memory is counted, a copy of a model is there only if somebody asks for it.
            partial(load, open_backend, threads=settings.threads if settings.memory_limit_bytes is None else 1),
            told=self._changed,
            busy=self._service.busy,
            poll_s=settings.poll_s,
            memory_limit_bytes=settings.memory_limit_bytes,
            by_request=not self._shares_ports,
        )
        self._http = HttpServer(Operations(self._service, registry).reply)
        self._grpc = GrpcServer(
            self._service,
            self._repository,
            self._calls,
            self._identity.authenticator,
            tls=self._identity.tls,
            max_in_flight=settings.max_in_flight,
            max_message_bytes=settings.max_message_bytes,
            longest_call_s=settings.longest_call_s,
            shared_port=self._shares_ports,
        )
        self._rest = RestServer(
            self._service,
            self._repository,
            self._calls,
            self._identity.authenticator,
            tls=self._identity.tls,
            max_in_flight=settings.max_in_flight,
            max_message_bytes=settings.max_message_bytes,
            longest_call_s=settings.longest_call_s,
            shared_port=self._shares_ports,
        )
        self._watching: asyncio.Task[None] | None = None
        self.grpc_address: Address = settings.grpc
        self.http_address: Address = settings.http
        self.rest_address: Address | None = None
        self.stuck = False
        self._not_ready = ""

    @property
    def loading(self) -> bool:
        return self._repository.loading

    async def __aenter__(self) -> Self:
        """Look which models there are and open the ports, those that others share once the models were tried.

        Raises SettingsError, BindError."""
        self._repository.look()
        self._renewing = asyncio.create_task(self._identity.renewal.run(), name="renewal")
        try:
            self.http_address = await self._http.start(self._settings.http)
            # Where others listen, too, calls are theirs until this one can answer; it would get its share at once.
            if not self._shares_ports:
                await self._listen()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._service.drain()
        await self._grpc.announce_end()
        try:
            async with asyncio.timeout(self._settings.drain_s):
                await self._service.idle()
        except TimeoutError:
            _LOG.warning("calls were still in work after %g s of draining and are cut off", self._settings.drain_s)
        await self._close()

    async def load(self) -> None:
        """Load the repository; each version can answer as soon as it is loaded. From then on it is followed."""
        await self._repository.load_all()
        if self._shares_ports:
            await self._listen()
        self._watching = asyncio.create_task(self._repository.watch(), name="repository")
        self._tell_readiness()

    async def _listen(self) -> None:
        self.grpc_address = await self._grpc.start(self._settings.grpc)
        if self._settings.rest is not None:
            self.rest_address = await self._rest.start(self._settings.rest)

    async def _changed(self, change: Change) -> None:
        if change.failed:
            self._metrics.load_failed(change.model)
        if change.state is None:
            self._metrics.version_gone(change.model, change.version)
        elif change.state in (EVICTED, UNLOADED):
            self._metrics.version_away(change.model, change.version)
        elif isinstance(change.state, Unready):
            self._metrics.version_broken(change.model, change.version)
        else:
            self._metrics.version_ready(change.model, change.version, change.state.digest)
        if self._watching is not None:  # at the start no model is ready, and nobody has to be told
            self._tell_readiness()
        await self._grpc.publish_health()

    def _tell_readiness(self) -> None:
        """Log that the service as a whole cannot answer, and why, when that begins and when it is over."""
        reason = self._service.readiness().reason
        if reason == self._not_ready:
            return
        if reason:
            _LOG.warning("not ready: %s (/readyz on %s)", reason, self.http_address)
        else:
            _LOG.info("ready again")
        self._not_ready = reason

    async def _close(self) -> None:
        following = [task for task in (self._renewing, self._watching) if task is not None]
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await self._repository.close()
        await self._grpc.stop()
        await self._rest.stop()
        await self._http.stop()
        self.stuck = not await asyncio.to_thread(self._workers.close, within_s=_LAST_RUNS_S)
