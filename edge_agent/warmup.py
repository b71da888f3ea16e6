"""The first runs of a model, before a request waits for them: they cost more, and teach how long one takes.

On blank inputs, every free dimension 1; a model whose inputs cannot be made up (encoded images) is left cold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_agent.blank import blank_inputs
from edge_agent.releases import Release
from edge_agent.runtimes import RunFailed
from nearfar_wire.errors import WireError

__all__ = ["warm_up"]

# Enough for a spread; and no model is worth delaying the app's start by more, beyond its one cold run.
_RUNS: Final = 8
_BUDGET_S: Final = 0.05


def warm_up(release: Release, clock: Callable[[], float]) -> list[float]:
    """Run the device's model on blank inputs; return the seconds that each run but the first took.

    The first, which is cold, counts only where it took so long that there was no other."""
    side = release.manifest.device
    if release.runtime is None or side is None or any(part.encoding for part in release.manifest.inputs):
        return []
    taken_s: list[float] = []
    began = clock()
    try:
        blank = blank_inputs(release.inputs)
        fed = blank if release.device_preparer is None else release.device_preparer.prepare(blank)
        for _ in range(_RUNS):
            started = clock()
            release.runtime.run(fed)
            ended = clock()
            taken_s.append(ended - started)
            if ended - began > _BUDGET_S:
                break
    except (RunFailed, WireError):
        return []  # nothing says that a model has to like zeros; a request will tell
    return taken_s[1:] or taken_s
