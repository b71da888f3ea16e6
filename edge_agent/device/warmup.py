"""The first runs of a model, before a request waits for them: they cost more, and teach how long one takes.

On blank inputs, every free dimension 1; a model whose inputs cannot be made up (encoded images) is left cold. What goes
wrong is told to the model's keeper: better now than when a request waits for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_agent.device.blank import blank_inputs
from edge_agent.device.keeper import Keeper
from edge_agent.device.watchdog import Watchdog
from edge_agent.releases import Release
from edge_agent.runtimes import OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.standing import Trouble
from nearfar_wire.errors import WireError

__all__ = ["warm_up"]

# Enough for a spread; and no model is worth delaying the app's start by more, beyond its one cold run and a warm one.
_RUNS: Final = 8
_BUDGET_S: Final = 0.05
# What a cold run took is believed of those to come only where a second would delay the start by more than this.
_SECOND_AFTER_S: Final = 0.5
# A cold run that takes longer would be too late for nearly every request, and may never end.
_STOPPED_AFTER_S: Final = 3.0


def warm_up(release: Release, clock: Callable[[], float], keeper: Keeper, watchdog: Watchdog) -> list[float]:
    """Run the device's model on blank inputs; return the seconds that each run but the first took.

    The first, which is cold, counts only where it took so long that there was no other."""
    side, runtime = release.manifest.device, release.runtime
    if runtime is None or side is None or any(part.encoding for part in release.manifest.inputs):
        return []
    taken_s: list[float] = []
    epoch, began = keeper.standing.epoch, clock()
    try:
        blank = blank_inputs(release.inputs)
        fed = blank if release.device_preparer is None else release.device_preparer.prepare(blank)
        for _ in range(_RUNS):
            halt, started = runtime.new_halt(), clock()
            with watchdog.watching(halt, started + _STOPPED_AFTER_S):
                runtime.run(fed, halt)
            ended = clock()
            taken_s.append(ended - started)
            if ended - began > (_BUDGET_S if len(taken_s) > 1 else _SECOND_AFTER_S):
                break
    except RunHalted:
        keeper.stopped(epoch, clock() - started)
        return []
    except OutOfMemory:
        keeper.troubled(Trouble.OUT_OF_MEMORY, epoch)
        return []
    except (RunFailed, WireError):
        return []  # nothing says that a model has to like zeros; a request will tell
    warm_s = taken_s[1:] or taken_s
    keeper.ended(epoch, max(warm_s))
    return warm_s
