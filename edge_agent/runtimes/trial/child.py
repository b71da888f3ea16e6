"""Tries a model in a process of its own, bounded in time and, on Linux, in memory.

A driver that crashes, a model that wants all memory or never ends, takes that process along and not the app. What it is
told and what it says are files in a folder that is removed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge_agent.runtimes.trial.canary import Subject, too_slow
from edge_agent.runtimes.trial.verdict import Outcome, Verdict

__all__ = ["BEGAN", "COMMAND", "DONE", "JOB", "NoChild", "try_in_child"]

COMMAND: Final[Sequence[str]] = (sys.executable, "-P", "-m", "edge_agent.runtimes.trial")
"""-P: Python would look for modules in the folder where it is started first, and an app's folder holds anything."""

JOB: Final = "job.json"
BEGAN: Final = "began"
"""There once the child has what it needs; what happens from here on is the model's doing, or its provider's."""
DONE: Final = "done.json"

# Before a model is opened, its process has to load Python and numpy. It ends itself `device.trial_s` later, where the
# system has such an alarm; that it is ended from outside is for all else.
_STARTING_S: Final = 20.0
_ALARM: Final = -getattr(signal, "SIGALRM", 0)


class NoChild(Exception):
    """No process could be started; says nothing about the model."""


def try_in_child(subject: Subject, command: Sequence[str] = COMMAND, *, starting_s: float = _STARTING_S) -> Verdict:
    """Return what came of trying `subject`; waits for it, `device.trial_s` and the start of a process at most.

    Raises NoChild."""
    if getattr(sys, "frozen", False) or not command[0]:
        # In a frozen app Python's executable is the app itself, which would start once more.
        raise NoChild("this program has no Python to start")
    with tempfile.TemporaryDirectory(prefix="nearfar-trial-") as name:
        folder = Path(name)
        job = {
            "manifest": subject.manifest.model_dump(mode="json", by_alias=True),
            "folder": str(subject.folder.absolute()),
            "device": subject.device.model_dump(mode="json"),
        }
        (folder / JOB).write_text(json.dumps(job), "utf-8")
        code = _run([*command, name], folder, subject.device.trial_s + starting_s)
        try:
            told = json.loads((folder / DONE).read_text("utf-8"))
            return Verdict(Outcome(told["outcome"]), str(told["why"]))
        except (OSError, ValueError, KeyError, TypeError):
            began = (folder / BEGAN).exists()
    if not began:
        how = f"ended with code {code}" if code is not None else f"did not begin within {starting_s:g} s"
        raise NoChild(f"the process for its trial {how}")
    if code is None or (code < 0 and code == _ALARM):
        return Verdict(Outcome.TOO_SLOW, too_slow(subject.device))
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return Verdict(Outcome.CRASHED, f"its trial's process crashed ({how})")


def _run(command: Sequence[str], folder: Path, limit_s: float) -> int | None:
    """Return the exit code; None where it had to be killed because the time was up."""
    # What the app added to its path when it started is where our package may be.
    env = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OPENBLAS_NUM_THREADS": "1"}
    try:
        return subprocess.run(  # noqa: S603  our own module, or a test's
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limit_s,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        raise NoChild(f"no process could be started: {error.strerror or error}") from error
