"""What `nearfar-cloud health` takes. Apart from what it does, so that --help needs no gRPC."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

__all__ = ["add_health"]

# A service answers at once; a probe that waits longer than whoever sent it learns nothing more.
_TIMEOUT_S: Final = 2.0


def add_health(commands: Any) -> None:  # Any: argparse keeps the class of subparsers to itself
    """Add the command to `nearfar-cloud`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "health",
        help="ask a running service how it is; exit code 0 when it can answer",
        description="Ask a service how it is, as grpc.health.v1 tells it. Exit code 0 when it can answer, 1 when it "
        "cannot or nobody is there.",
    )
    parser.add_argument("--target", metavar="HOST:PORT", help="whom to ask (default: the service of this environment)")
    parser.add_argument("--model", default="", metavar="NAME", help="ask about one model (default: all of the service)")
    parser.add_argument(
        "--timeout-s", type=float, default=_TIMEOUT_S, metavar="SECONDS", help="how long to wait (default: %(default)s)"
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="speak TLS, and trust this authority")
    parser.add_argument("--server-name", metavar="NAME", help="the name in its certificate, where the host has another")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="our certificate, where it asks for one")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the certificate's key")
