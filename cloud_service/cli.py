"""`nearfar-cloud`: the service as a command.

Exit code 0 after a drain, 1 when it cannot serve, 2 when it was called wrongly; an error is one line on stderr."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

from prometheus_client import CollectorRegistry

from cloud_service.build import build_version
from cloud_service.config import Settings, read_settings
from cloud_service.effective import print_config
from cloud_service.errors import CloudError, SettingsError
from cloud_service.flags import add_flags
from cloud_service.sources import gather
from nearfar_wire.errors import MissingExtra

if TYPE_CHECKING:
    from cloud_service.app import App

__all__ = ["main"]

_LOG: Final = logging.getLogger(__name__)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and leaves the usage to --help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    given = vars(_parser().parse_args(arguments))
    del given["command"]
    shown = given.pop("print_config")
    try:
        gathered = gather(given, os.environ)
        settings = read_settings(gathered.values, gathered.origins)
    except SettingsError as error:
        return _fail(error, 2)
    if shown:
        print(print_config(settings, gathered.origins), end="")
        return 0
    if find_spec("grpc_health") is None:
        return _fail(MissingExtra("serving", "cloud"), 1)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        app = asyncio.run(_serve(settings))
    except CloudError as error:
        return _fail(error, 1)
    if app.stuck or app.loading:
        # Python would wait for a run's thread for ever on its way out, and pull the runtime from under a load's.
        os._exit(1 if app.stuck else 0)
    return 0


async def _serve(settings: Settings) -> App:
    """Serve until the process is told to stop, and return what served."""
    from cloud_service.app import App  # wants what find_spec looked for

    told = _told_to_stop()
    app = App(settings, registry=CollectorRegistry())
    async with app, asyncio.TaskGroup() as tasks:
        loading = tasks.create_task(_load(app))
        await told.wait()
        loading.cancel()
    return app


async def _load(app: App) -> None:
    """Load the models, then print the addresses: who waits for them can call at once."""
    await app.load()
    rest = f"\nrest {app.rest_address}" if app.rest_address else ""
    try:
        print(f"grpc {app.grpc_address}\nhttp {app.http_address}{rest}", flush=True)
    except OSError as error:
        _LOG.warning("nobody is told where it serves, stdout cannot be written (%s)", error.strerror)
        # Python would write it once more at the end, and fail for it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _told_to_stop() -> asyncio.Event:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def from_handler(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(told.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(number, told.set)
        except NotImplementedError:  # Windows
            signal.signal(number, from_handler)
    return told


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nearfar-cloud", description="Serve full models over the Open Inference Protocol v2.")
    parser.add_argument("--version", action="version", version=f"nearfar {build_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve a repository of models until told to stop (SIGTERM, SIGINT)")
    add_flags(serve)
    serve.add_argument(
        "--print-config",
        action="store_true",
        help="print the settings as they hold, and where each came from, as a file for --config, and end",
    )
    return parser


def _fail(error: CloudError | MissingExtra, code: int) -> int:
    print(f"nearfar-cloud: {' '.join(str(error).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
