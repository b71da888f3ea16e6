"""What `nearfar-agent demo` can be told. Light: the command's parser is built of it, and may never run the demo."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ABOUT", "Options", "add_arguments", "read_options"]

ABOUT = "play a day in a device's life on handwritten digits: train, serve, route, break the network, compare"


@dataclass(frozen=True, slots=True)
class Options:
    """`summary` is the file to write what came out to. `folder` None: a temporary one, removed again unless `keep`."""

    summary: Path | None = None
    real_sensors: bool = False
    folder: Path | None = None
    keep: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the demo's options to `parser`."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came out to FILE")
    parser.add_argument(
        "--real-sensors",
        action="store_true",
        help="read battery and load from this machine; without it they are scripted, and the output says so",
    )
    parser.add_argument("--dir", type=Path, metavar="DIR", help="work in DIR and leave models and policies there")
    parser.add_argument("--keep", action="store_true", help="leave the temporary folder in place, and say where it is")


def read_options(given: argparse.Namespace) -> Options:
    """Return what was given on a command line that `add_arguments` described."""
    return Options(summary=given.json, real_sensors=given.real_sensors, folder=given.dir, keep=given.keep)
