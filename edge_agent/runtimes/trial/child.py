"""Tries a model in a process of its own, bounded in time and, on Linux, in memory.

A driver that crashes, a model that wants all memory or never ends, takes that process along and not the app. What it is
told and what it says are files in a folder that is removed."""

from __future__ import annotations

import json
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge_agent.runtimes import interpreter
from edge_agent.runtimes.interpreter import NoInterpreter
from edge_agent.runtimes.trial.canary import Subject, too_slow
from edge_agent.runtimes.trial.verdict import Outcome, Verdict

__all__ = ["BEGAN", "DONE", "JOB", "NoChild", "try_in_child"]

JOB: Final = "job.json"
BEGAN: Final = "began"
"""There once the child has what it needs; what happens from here on is the model's doing, or its provider's."""
DONE: Final = "done.json"

# Before a model is opened, its process has to load Python and numpy. It ends itself `device.trial_s` later, where the
# system has such an alarm; that it is ended from outside is for all else.
_STARTING_S: Final = 20.0
_ALARM: Final = -getattr(signal, "SIGALRM", 0)
# Of a verdict: a sentence.
_MAX_BYTES: Final = 1 << 16


class NoChild(Exception):
    """No process could be started; says nothing about the model."""


def try_in_child(subject: Subject, command: Sequence[str] | None = None, *, starting_s: float = _STARTING_S) -> Verdict:
    """Return what came of trying `subject`; waits for it, `device.trial_s` and the start of a process at most.

    `command` is what starts that process, None: this Python, with our own module. Raises NoChild."""
    try:
        command = interpreter.command("-m", "edge_agent.runtimes.trial") if command is None else command
        with tempfile.TemporaryDirectory(prefix="nearfar-trial-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            (folder / JOB).write_text(_job(subject), "utf-8")
            code = _run([*command, name], folder, subject.device.trial_s, starting_s)
            began, told = (folder / BEGAN).exists(), _told(folder / DONE)
    except NoInterpreter as error:
        raise NoChild(str(error)) from None
    except OSError as error:
        raise NoChild(f"no process could be started: {error.strerror or error}") from error
    if told is not None:
        return told
    if not began:
        how = f"ended with code {code}" if code is not None else f"did not begin within {starting_s:g} s"
        raise NoChild(f"the process for its trial {how}")
    if code is None or (code < 0 and code == _ALARM):
        return Verdict(Outcome.TOO_SLOW, too_slow(subject.device))
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return Verdict(Outcome.CRASHED, f"its trial's process crashed ({how})")


def _job(subject: Subject) -> str:
    device = subject.device.model_copy(update={"process": False})  # the trial is in one of its own
    job = {
        "manifest": subject.manifest.model_dump(mode="json", by_alias=True),
        "folder": str(subject.folder.absolute()),
        "device": device.model_dump(mode="json"),
    }
    return json.dumps(job)


def _told(path: Path) -> Verdict | None:
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_MAX_BYTES))
        return Verdict(Outcome(told["outcome"]), str(told["why"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _run(command: Sequence[str], folder: Path, limit_s: float, starting_s: float) -> int | None:
    """Return the exit code; None where it had to be killed because the time was up."""
    env = {**interpreter.environment(), "OPENBLAS_NUM_THREADS": "1"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603
        command, cwd=folder, env=env, stdin=quiet, stdout=quiet, stderr=quiet, creationflags=interpreter.NO_WINDOW
    )
    try:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(starting_s)
        if (folder / BEGAN).exists():
            with suppress(subprocess.TimeoutExpired):
                return process.wait(limit_s)
        return None
    finally:
        process.kill()
        process.wait()
