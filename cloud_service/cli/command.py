"""`nearfar-cloud`: the service as a command.

Exit code 0 after a drain, 1 when it cannot serve, 2 when it was called wrongly, 130 when a key interrupted it; an
error is one line on stderr."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final, NoReturn

from cloud_service.bench.command import add_bench, bench
from cloud_service.cli.effective import print_config
from cloud_service.cli.flags import add_flags
from cloud_service.cli.health_flags import add_health
from cloud_service.cli.prepare_flags import add_prepare
from cloud_service.cli.recertify import add_recertify
from cloud_service.config import read_settings
from cloud_service.errors import CloudError, SettingsError
from cloud_service.outputs import drop_stdout
from cloud_service.sources import gather
from nearfar_wire.build import build_version
from nearfar_wire.errors import MissingExtra

__all__ = ["main"]

# What publishing imports, of the extras.
_PUBLISHING: Final = ("onnx", "rich", "tomli_w", "grpc_health")


# As a shell says of whoever a Ctrl-C has ended.
_INTERRUPTED: Final = 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and leaves the usage to --help. A flag is given by its whole name: a part of one
    means something else, or nothing, once there are more."""

    def __init__(self, **settings: Any) -> None:  # Any: argparse's own
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("nearfar-cloud: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        drop_stdout()  # whoever read us has seen enough
        return 0
    return code


def _run(arguments: Sequence[str] | None) -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that lacks a letter must not end the command
    given = vars(_parser().parse_args(arguments))
    command = given.pop("command")
    if command == "bench":
        return _bench(given)
    if command == "health":
        return _health(given)
    if command in ("prepare", "recertify"):
        return _publish(command, given)
    shown = given.pop("print_config")
    try:
        gathered = gather(given, os.environ)
        settings = read_settings(gathered.values, gathered.origins)
    except SettingsError as error:
        return _fail(error, 2)
    if shown:
        # A file of settings is UTF-8, whatever a terminal is.
        sys.stdout.buffer.write(print_config(settings, gathered.origins).encode())
        sys.stdout.buffer.flush()
        return 0
    if find_spec("grpc_health") is None:
        return _fail(MissingExtra("serving", "cloud"), 1)
    # Before gRPC is loaded, here and in processes of one service: its own lines are in no format, and each failed
    # handshake of a stranger writes one. Whoever looks into gRPC sets it otherwise.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # These want what find_spec looked for.
    from cloud_service.processes.supervisor import supervise
    from cloud_service.serve import serve

    try:
        return serve(settings) if settings.processes == 1 else supervise(settings)
    except CloudError as error:
        return _fail(error, 1)


def _health(given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    if find_spec("grpc_health") is None:
        return _fail(MissingExtra("asking for health", "cloud"), 1)
    from cloud_service.cli.health import ask

    try:
        return ask(given, os.environ)
    except SettingsError as error:
        return _fail(error, 2)


def _publish(command: str, given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    if missing := next((name for name in _PUBLISHING if find_spec(name) is None), None):
        return _fail(MissingExtra(f"{command} ({missing})", "cloud,publish"), 1)
    from cloud_service.cli.prepare import prepare_release
    from cloud_service.cli.recertify import recertify_release

    try:
        return prepare_release(given) if command == "prepare" else recertify_release(given)
    except SettingsError as error:
        return _fail(error, 2)
    except (CloudError, MissingExtra) as error:
        return _fail(error, 1)


def _bench(given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    try:
        return bench(given)
    except SettingsError as error:
        return _fail(error, 2)
    except CloudError as error:
        return _fail(error, 1)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="nearfar-cloud",
        description="Serve full models over the Open Inference Protocol v2, and make releases of them.",
    )
    parser.add_argument("--version", action="version", version=f"nearfar {build_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve a repository of models until told to stop (SIGTERM, SIGINT)")
    add_flags(serve)
    serve.add_argument(
        "--print-config",
        action="store_true",
        help="print the settings as they hold, and where each came from, as a file for --config, and end",
    )
    add_health(commands)
    add_bench(commands)
    add_prepare(commands)
    add_recertify(commands)
    return parser


def _fail(error: CloudError | MissingExtra, code: int) -> int:
    print(f"nearfar-cloud: {' '.join(str(error).split())}", file=sys.stderr)
    return code
