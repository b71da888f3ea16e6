"""`nearfar-cloud recertify`: a new certificate for a release, from what production told of it.

Exit code 0 when it was written, 1 when none can be made, 2 when the command was called wrongly."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloud_service.cli.prepare_flags import share

__all__ = ["add_recertify", "recertify_release"]


def add_recertify(commands: Any) -> None:  # Any: argparse keeps the class of subparsers to itself
    """Add the command to `nearfar-cloud`."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "recertify",
        help="make a new certificate for a release, from audits that its agents wrote",
        description="Make a new certificate for the same files, from audits and what users said was right.",
    )
    parser.add_argument("release", type=Path, metavar="FOLDER", help="the release")
    parser.add_argument(
        "--audits",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help="lines of JSON that agents wrote; again for more",
    )
    parser.add_argument(
        "--labelled",
        action="store_true",
        help="use audits alone that say who was right, and promise accuracy; they must be a part drawn by chance",
    )
    parser.add_argument(
        "--alpha", type=share, action="append", metavar="A", help="loss to promise; again for more (default: as before)"
    )
    parser.add_argument("--delta", type=share, metavar="D", help="risk that it is broken (default: as before)")


def recertify_release(given: Mapping[str, Any]) -> int:  # Any: each flag's own type
    """Renew the certificate as the flags say, print what it promises and return the exit code.

    Raises PublishError: none can be made."""
    from cloud_service.publish.recertify import recertify
    from cloud_service.publish.terminal import show_recertified

    renewed = recertify(
        given["release"],
        given["audits"],
        alphas=given["alpha"],
        delta=given["delta"],
        labelled=given["labelled"],
    )
    show_recertified(renewed)
    return 0
