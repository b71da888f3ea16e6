"""How the agent starts a Python of its own: for a model's trial, and for a model's process.

Only where this program is Python itself. What stands in its place in a packed app, or in a program with Python inside,
is that program, which would start itself for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

__all__ = ["NO_WINDOW", "NoInterpreter", "command", "environment"]

# On Windows an app without a console would see one open for each of these.
NO_WINDOW: Final[int] = getattr(subprocess, "CREATE_NO_WINDOW", 0)


class NoInterpreter(Exception):
    """This program has no Python to start."""


def command(*arguments: str) -> Sequence[str]:
    """Return the command that runs Python with `arguments`. Raises NoInterpreter."""
    name = Path(sys.executable or "").name.lower()
    if getattr(sys, "frozen", False) or not name.startswith(("python", "pypy")):
        raise NoInterpreter("this program has no Python to start")
    # -P: what lies in the folder where the app was started must not be taken for our modules.
    return [sys.executable, "-P", *arguments]


def environment() -> Mapping[str, str]:
    """Return what it is started with, so that it imports what this one does, wherever the app has it from."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
