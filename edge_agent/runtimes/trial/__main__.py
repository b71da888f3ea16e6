"""The process that tries a model: `python -m edge_agent.runtimes.trial FOLDER`. See child.py, which starts it.

FOLDER holds the job; the verdict is written beside it, and nothing elsewhere."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from edge_agent.config import DeviceConfig
from edge_agent.device.fitness import read_beside
from edge_agent.runtimes import CannotLoad
from edge_agent.runtimes.opening import open_runtime
from edge_agent.runtimes.trial.canary import OpenRuntime, Subject, try_out, without_name
from edge_agent.runtimes.trial.child import BEGAN, DONE, JOB
from edge_agent.runtimes.trial.verdict import Outcome, Verdict
from nearfar_wire.digest import verify
from nearfar_wire.errors import WireError
from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import Preparer

__all__ = ["main"]


def main(
    folder: Path, *, open_runtime: OpenRuntime = open_runtime, clock: Callable[[], float] = time.perf_counter
) -> None:
    """Do the job in `folder`."""
    job = json.loads((folder / JOB).read_text("utf-8"))
    device = DeviceConfig.model_validate_json(json.dumps(job["device"]))
    manifest = Manifest.model_validate_json(json.dumps(job["manifest"]))
    _bound(device.trial_s, device.trial_memory_mb << 20)
    (folder / BEGAN).touch()
    verdict = _verdict(manifest, Path(job["folder"]), device, open_runtime, clock)
    made = folder / (DONE + ".new")
    made.write_text(json.dumps({**asdict(verdict), "outcome": verdict.outcome.value}), "utf-8")
    made.replace(folder / DONE)


def _verdict(
    manifest: Manifest, release: Path, device: DeviceConfig, open_runtime: OpenRuntime, clock: Callable[[], float]
) -> Verdict:
    side = manifest.device
    assert side is not None
    try:
        content = read_beside(release, side.file)
        verify(side.file, content, side.digest)
        preparer = (
            Preparer(manifest.inputs, side.feeds, lambda file: read_beside(release, file)) if side.feeds else None
        )
    except (CannotLoad, WireError) as error:
        return Verdict(Outcome.REFUSED, without_name(error, side.file))
    return try_out(Subject(manifest, release, content, preparer, device), open_runtime, clock, blank=True)[0]


def _bound(limit_s: float, limit_bytes: int) -> None:
    """Bound what this process may have, where the system does such things, and let it be the first to go."""
    if hasattr(signal, "setitimer"):
        # Unhandled it ends the process from outside of Python, which code that hangs may never come back to.
        signal.setitimer(signal.ITIMER_REAL, limit_s)
    with suppress(OSError):  # Linux; when memory runs out all the same, not the app but this process is ended
        Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    try:
        import resource
    except ImportError:  # Windows has none
        return
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":  # macOS heeds no such limit
            # And not RLIMIT_AS: drivers of accelerators reserve far more addresses than they ever write to.
            resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
