"""The parent of several processes: it holds the ports, starts who dies, and tells of all of them on one port.

It serves no inference itself, so that whatever a model or a caller does to a process, somebody is there to start it
again. Its end is theirs: told to stop it has them drain, and what ends it otherwise closes the pipe that they watch."""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from http import HTTPStatus
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from cloud_service.config import Address, Settings
from cloud_service.http.reply import Reply
from cloud_service.http.server import HttpServer
from cloud_service.logs import logging_to
from cloud_service.processes.merged import merged_metrics, merged_readiness
from cloud_service.processes.ports import reserved
from cloud_service.processes.process import Process
from cloud_service.processes.restarts import History, died
from cloud_service.serve import announce, told_to_stop

__all__ = ["supervise"]

_LOG: Final = logging.getLogger(__name__)

# Beyond the drain: a process that has stopped serving closes its ports and lets go of its models.
_LAST_S: Final = 10.0
# It drained, or was told to end before it could even do that.
_WELL: Final = (0, -signal.SIGTERM)
_TEXT: Final = "text/plain; charset=utf-8"


def supervise(settings: Settings) -> int:
    """Serve with `settings.processes` processes until told to stop; return the exit code.

    Raises BindError."""
    with logging_to(form=settings.log_format, level=settings.log_level), ExitStack() as held:
        addresses = {"grpc": held.enter_context(reserved(settings.grpc))}
        if settings.rest is not None:
            addresses["rest"] = held.enter_context(reserved(settings.rest))
        return asyncio.run(Supervisor(settings, addresses).run())


class _Slot:
    """The place of one process, whichever fills it now."""

    def __init__(self) -> None:
        self.process: Process | None = None
        self.history = History()
        self.restarts = 0
        self.code = 0


class Supervisor:
    """See the module."""

    def __init__(self, settings: Settings, addresses: dict[str, Address]) -> None:
        self._addresses = addresses
        self._http = settings.http
        self._drain_s = settings.drain_s
        self._settings = settings.model_copy(update={**addresses, "http": Address("127.0.0.1", 0)})
        self._slots = [_Slot() for _ in range(settings.processes)]
        self._failed = False
        self._stop = asyncio.Event()
        self._all_serve = asyncio.Event()

    async def run(self) -> int:
        """Serve until told to stop; return the exit code. Raises BindError."""
        self._stop = told_to_stop()
        front = HttpServer(self.reply)
        address = await front.start(self._http)
        keeping = [asyncio.create_task(self._keep(number, slot)) for number, slot in enumerate(self._slots)]
        telling = asyncio.create_task(self._tell(address))
        try:
            await self._stop.wait()
            await self._end(keeping)
        finally:
            telling.cancel()
            await front.stop()
        await asyncio.gather(*keeping)  # ended, well or not: an error of theirs is ours
        return 1 if self._failed or any(slot.code not in _WELL for slot in self._slots) else 0

    async def reply(self, path: str) -> Reply:
        """Answer a GET of `path` of the operations port."""
        if path == "/livez":
            return Reply(HTTPStatus.OK, _TEXT, b"alive\n")
        if path == "/readyz":
            return merged_readiness(await self._ask(path))
        if path == "/metrics":
            said = {number: text.decode() for number, text in enumerate(await self._ask(path)) if text is not None}
            return merged_metrics(said, self._own_metrics())
        return Reply(HTTPStatus.NOT_FOUND, _TEXT, b"there are /livez, /readyz and /metrics\n")

    async def _ask(self, path: str) -> list[bytes | None]:
        async def one(process: Process | None) -> bytes | None:
            return None if process is None else await process.ask(path)

        return await asyncio.gather(*(one(slot.process) for slot in self._slots))

    async def _keep(self, number: int, slot: _Slot) -> None:
        """Fill a slot, again and again, until the service stops."""
        while not self._stop.is_set():
            began = time.monotonic()
            process = slot.process = await Process.start(self._settings, number=number, on_serving=self._one_serves)
            if self._stop.is_set():  # it was told to the others while this one was starting
                process.terminate()
            slot.code = await process.ended()
            slot.process = None
            if self._stop.is_set():
                return
            slot.history, delay_s = died(slot.history, served=process.serves, lived_s=time.monotonic() - began)
            if delay_s is None:
                _LOG.error("process %d ended with %d once more, and is given up; so is the service", number, slot.code)
                self._failed = True
                self._stop.set()
                return
            _LOG.error("process %d ended with %d; it is started again in %g s", number, slot.code, delay_s)
            slot.restarts += 1
            await self._pause(delay_s)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stop.wait()

    def _one_serves(self) -> None:
        if all(slot.process is not None and slot.process.serves for slot in self._slots):
            self._all_serve.set()

    async def _tell(self, http: Address) -> None:
        """Print the addresses once every process serves."""
        await self._all_serve.wait()
        rest = [f"rest {self._addresses['rest']}"] if "rest" in self._addresses else []
        announce([f"grpc {self._addresses['grpc']}", f"http {http}", *rest])

    async def _end(self, keeping: Sequence[asyncio.Task[None]]) -> None:
        """Have every process drain, and end what has not ended in time."""
        for process in self._running():
            process.terminate()
        _, late = await asyncio.wait(keeping, timeout=self._drain_s + _LAST_S)
        if late:
            _LOG.error("a process did not end within %g s after its drain and is killed", _LAST_S)
            for process in self._running():
                process.kill()
            await asyncio.wait(late)

    def _running(self) -> list[Process]:
        return [slot.process for slot in self._slots if slot.process is not None]

    def _own_metrics(self) -> Iterator[Metric]:
        restarts = CounterMetricFamily(
            "nearfar_cloud_process_restarts", "How often a process was started again.", labels=["process"]
        )
        up = GaugeMetricFamily("nearfar_cloud_process_up", "1 for a process that serves.", labels=["process"])
        for number, slot in enumerate(self._slots):
            restarts.add_metric([str(number)], slot.restarts)
            up.add_metric([str(number)], slot.process is not None and slot.process.serves)
        yield from (restarts, up)
