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
from cloud_service.errors import CloudError, SettingsError
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
    try:
        settings = read_settings(given)
    except SettingsError as error:
        return _fail(error, 2)
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
    try:
        print(f"grpc {app.grpc_address}\nhttp {app.http_address}", flush=True)
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
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    suppressed = argparse.SUPPRESS  # what is not given is the settings' to fill in
    serve.add_argument(
        "--models", required=True, metavar="DIR", help="the repository: NAME/VERSION/model.onnx below it"
    )
    for name, metavar, about in (
        ("grpc", "HOST:PORT", "where inference is served"),
        ("http", "HOST:PORT", "where /metrics, /livez and /readyz are served"),
        ("threads", "N", "runs at once, each on one thread"),
        ("max_in_flight", "N", "inferences in work, waiting ones included; more are refused"),
        ("max_message_bytes", "BYTES", "the longest request and the longest answer"),
        ("longest_call_s", "SECONDS", "deadline of a call that has none, and the most one can have"),
        ("drain_s", "SECONDS", "how long calls in work may go on after the service was told to stop"),
    ):
        default = "one a core" if name == "threads" else defaults[name]
        serve.add_argument(
            f"--{name.replace('_', '-')}", metavar=metavar, default=suppressed, help=f"{about} (default: {default})"
        )
    serve.add_argument(
        "--plaintext-beyond-loopback",
        action="store_true",
        help="allow addresses that other machines can reach, although nothing is encrypted and no caller identified",
    )
    return parser


def _fail(error: CloudError | MissingExtra, code: int) -> int:
    print(f"nearfar-cloud: {' '.join(str(error).split())}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
