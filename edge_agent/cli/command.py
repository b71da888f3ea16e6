"""The command's parser, and what its exit code means.

0: as asked. 1: there is no answer, or something that `doctor` looked at does not work. 2: it was called wrongly, or the
configuration cannot be used. An error is one line on stderr, and each fault of a document one of its own."""

from __future__ import annotations

import argparse
import errno
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from edge_agent.cli import demo, doctor, infer, watch
from edge_agent.errors import AgentError, ConfigError, RequestError
from nearfar_wire.build import build_version
from nearfar_wire.errors import WireError

__all__ = ["main"]

_INTERRUPTED = 130  # as a shell reports SIGINT


class _Parser(argparse.ArgumentParser):
    """Tells a wrong call in one line; --help has the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None, *, platform: str = sys.platform) -> int:
    """Run the command and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that has no "°" must not end the command
    options = _parser().parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="nearfar-agent: %(message)s")
    try:
        exit_code: int = options.run(options)
        sys.stdout.flush()
    except OSError as error:
        # Windows calls an argument invalid where whoever reads from a pipe has gone.
        invalid = platform == "win32" and error.errno == errno.EINVAL and error.filename is None
        if not (invalid or isinstance(error, BrokenPipeError)):
            raise
        # Whoever read us has seen enough; without this, closing stdout at exit would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (AgentError, WireError) as error:
        for line in _told(error):
            print(f"nearfar-agent: {' '.join(line.split())}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError | RequestError) else 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    return exit_code


def _told(error: AgentError | WireError) -> list[str]:
    """Return a line for each fault: of a document whose author mends all of them at once there may be several."""
    if not isinstance(error, ConfigError):
        return [str(error)]
    return [f"{error.document}: {fault}" for fault in error.faults]


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nearfar-agent", description="Hybrid edge-cloud inference, from the device's side.")
    parser.add_argument("--version", action="version", version=f"nearfar {build_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (infer, doctor, watch, demo):
        command.add_to(commands)
    return parser
