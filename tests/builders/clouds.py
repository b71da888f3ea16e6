"""A real cloud service for tests: the whole of it, in a thread of this process, on ports of its own."""

from __future__ import annotations

import asyncio
import http.client
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from cloud_service.app import App
from cloud_service.backend import Backend
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.config import read_settings
from cloud_service.repository.serving import Instances
from nearfar_wire.service import Stub
from nearfar_wire.status import Code, code_from_status

__all__ = ["HttpAnswer", "RunningCloud", "http_get", "refused", "running_cloud"]

_BOUND_S = 30


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class RunningCloud:
    """A service that answers, and a channel to it."""

    app: App
    channel: grpc.Channel
    stub: Stub
    registry: CollectorRegistry

    @property
    def target(self) -> str:
        return str(self.app.grpc_address)

    def http(self, path: str, method: str = "GET") -> HttpAnswer:
        return http_get(str(self.app.http_address), path, method)

    def count(self, metric: str, **labels: str) -> float:
        """Return a metric's value; a sample that is not there counts as 0."""
        return self.registry.get_sample_value(f"nearfar_cloud_{metric}", labels) or 0.0

    def metrics(self) -> str:
        return generate_latest(self.registry).decode()


@contextmanager
def running_cloud(
    models: Path,
    *,
    open_backend: Callable[[bytes, Instances], Backend] = OnnxBackend,
    load: bool = True,
    **settings: object,
) -> Iterator[RunningCloud]:
    """Serve the repository `models` until the block ends; without `load` its versions stay in the state of loading."""
    ports = dict.fromkeys(("grpc", "http", "rest"), "127.0.0.1:0")
    chosen = read_settings({"models": models, **ports, "threads": 2} | settings)
    registry = CollectorRegistry()
    started: Future[tuple[App, Callable[[], object]]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with App(chosen, registry=registry, open_backend=open_backend) as app:
            if load:
                await app.load()
            started.set_result((app, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # handed to the test that waits for it
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=run, name="cloud under test")
    thread.start()
    try:
        app, stop = started.result(_BOUND_S)
        try:
            with grpc.insecure_channel(str(app.grpc_address)) as channel:
                yield RunningCloud(app, channel, Stub(channel), registry)
        finally:
            stop()
    finally:
        thread.join(_BOUND_S)
        assert not thread.is_alive(), "the service did not end"


def refused(call: Callable[[], object]) -> tuple[Code, str]:
    """Make a call that has to be refused, and return the contract's code and the message."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error = caught.value
    assert isinstance(error, grpc.Call)
    trailing = [(key, value) for key, value in error.trailing_metadata() or ()]
    return code_from_status(error.code(), trailing, details=error.details()), error.details()


def http_get(address: str, path: str, method: str = "GET") -> HttpAnswer:
    """Ask an operations port."""
    host, _, port = address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=_BOUND_S)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return HttpAnswer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
