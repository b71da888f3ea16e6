"""The agent's clock: monotonic seconds, that nobody sets forward or back, and that go on while the machine sleeps.

Python's own monotonic clock stands still in a sleep on Linux and macOS. By such a clock a reading from before a night's
sleep is fresh in the morning, a breaker's pause is as long as ever, and a deadline has just begun. Which clock goes on
differs by system; on Windows the monotonic one does, as Microsoft describes it, but before Python 3.13 in steps of
16 ms, which many a model takes less than: its counter for measurements goes on as well, and in fine steps. Tried on
Linux alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, runtime_checkable

__all__ = ["Standing", "machine_clock", "waited"]


@runtime_checkable
class Standing(Protocol):
    """A clock that stands, as a test's does, and is told when a wait has taken its real time."""

    def pass_to(self, instant: float) -> None:
        """Show `instant`, unless it is past."""


def waited(clock: Callable[[], float], until: float) -> None:
    """Tell a clock that stands of a wait that is over: by itself it would have the same wait begin anew, for ever."""
    if isinstance(clock, Standing):
        clock.pass_to(until)


def machine_clock(known: Mapping[str, object] = vars(time), *, platform: str = sys.platform) -> Callable[[], float]:
    """Return the clock of this machine that goes on in a sleep, or `time.monotonic` where none is known.

    `known` are the clocks' numbers by name."""
    if platform == "win32":
        return time.perf_counter
    # Apple's manual says of its CLOCK_MONOTONIC that it goes on; its time.monotonic is another clock, which does not.
    number = known.get("CLOCK_MONOTONIC" if platform == "darwin" else "CLOCK_BOOTTIME")
    if not isinstance(number, int):
        return time.monotonic
    clock = partial(time.clock_gettime, number)
    try:
        clock()
    except OSError:  # a sandbox, or a kernel older than the clock
        return time.monotonic
    return clock
