"""The service as a process: its log, its spans, its signals, and what it says about where it serves.

Kept apart from the command, because each of several processes behind one port is one of these as well."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Final

from prometheus_client import CollectorRegistry

from cloud_service.app import App
from cloud_service.config import Settings
from cloud_service.descriptors import lift_limit
from cloud_service.logs import logging_to
from cloud_service.outputs import drop_stdout
from cloud_service.telemetry import telemetry

__all__ = ["announce", "serve", "told_to_stop"]

_LOG: Final = logging.getLogger(__name__)
# On Windows the last one is all that a program can ask another to stop with, and what a window says that is closed.
_STOPPING: Final = ("SIGTERM", "SIGINT", "SIGBREAK")


def serve(settings: Settings, *, told: Callable[[], asyncio.Event] | None = None, process: int | None = None) -> int:
    """Serve until `told`, by default until the process gets a signal; return the exit code. `process` is this one's
    number where it is one of several.

    Raises CloudError: where it cannot serve."""
    lift_limit()
    opened = logging_to(form=settings.log_format, level=settings.log_level, process=process)
    with opened as log, telemetry() as tracer:
        app = asyncio.run(
            _serving(
                lambda: App(settings, registry=CollectorRegistry(), tracer=tracer, dropped_lines=lambda: log.dropped),
                told or told_to_stop,
            )
        )
    if app.stuck or app.loading:
        # Python would wait for a run's thread for ever on its way out, and pull the runtime from under a load's.
        os._exit(1 if app.stuck else 0)
    return 0


async def _serving(make: Callable[[], App], told: Callable[[], asyncio.Event]) -> App:
    stop, app = told(), make()
    async with app, asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(_load(app))
        await stop.wait()
        loading.cancel()
    return app


async def _load(app: App) -> None:
    """Load the models, then print the addresses: who waits for them can call at once."""
    await app.load()
    rest = [f"rest {app.rest_address}"] if app.rest_address else []
    announce([f"grpc {app.grpc_address}", f"http {app.http_address}", *rest])


def announce(lines: Sequence[str]) -> None:
    """Print where the service is; nobody has to read it."""
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except OSError as error:
        _LOG.warning("nobody is told where it serves, stdout cannot be written (%s)", error.strerror)
        drop_stdout()


def told_to_stop() -> asyncio.Event:
    """Return an event of the running loop that SIGTERM and SIGINT set, and SIGBREAK on Windows."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def from_handler(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(told.set)

    for number in (getattr(signal, name) for name in _STOPPING if hasattr(signal, name)):
        try:
            loop.add_signal_handler(number, told.set)
        except NotImplementedError:  # Windows
            signal.signal(number, from_handler)
    return told
