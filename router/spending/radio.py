"""The radio that remote calls wake: how long it has been idle, and whether it was woken in vain. Pure.

Idleness is known in steps, so that a decision is the same from one step to the next and need not be made again for
every request: what differs between two seconds and two and a half is less than what anybody knows of the radio."""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Final

from router.types import Radio, Situation
from router.values import value

__all__ = ["IDLE_STEPS_S", "WakeLog", "idle_s", "idle_step", "next_step_at"]

IDLE_STEPS_S: Final = (
    *(0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0),  # within the tail of most radios
    *(10.0, 12.0, 15.0, 20.0, 30.0, 50.0, 70.0, 100.0, 200.0, 500.0, 1000.0, 3600.0),
)


def idle_s(situation: Situation) -> float:
    """Return for how long the radio was not used, rounded down to a step; infinity where it never was, as far as
    anybody knows."""
    step = idle_step(situation.radio, situation.now)
    return math.inf if step < 0 else IDLE_STEPS_S[step]


def idle_step(radio: Radio | None, now: float) -> int:
    """Return which of the steps the radio's idleness has reached; -1 where it never was used, as far as anybody
    knows."""
    if radio is None or radio.used_at is None:
        return -1
    return max(0, bisect_right(IDLE_STEPS_S, now - radio.used_at) - 1)


def next_step_at(radio: Radio, step: int) -> float:
    """Return an instant before which a radio that has reached a step of idleness has not reached the next."""
    if radio.used_at is None or step + 1 >= len(IDLE_STEPS_S):
        return math.inf
    # One step towards the past: the sum is rounded, and so is the difference that tells steps apart.
    return math.nextafter(radio.used_at + IDLE_STEPS_S[step + 1], -math.inf)


# One silent wake of several is forgotten after so long. Some come by chance wherever requests do: left alone for ever,
# a radio that nobody wakes would be one that nobody calls, and no call would ever end the count.
_FORGET_S: Final = 60.0


@value
class WakeLog:
    """The wakes of late: how many in a row no call followed, and when the last one was that still may be followed."""

    silent: int = 0
    pending_at: float | None = None

    def woke(self, now: float) -> WakeLog:
        """The radio was woken; a wake before it that nobody used will not be used any more."""
        return WakeLog(self._with_the_last(now), now)

    def called(self) -> WakeLog:
        """A call went out: the radio is of use, whether it was woken for it or not."""
        return _NO_WAKES

    def silent_at(self, now: float, awake_s: float) -> int:
        """Return how many wakes in a row no call followed, where a radio stays awake for `awake_s`."""
        if self.pending_at is None or now - self.pending_at < awake_s:
            return self.silent
        return self._with_the_last(now)

    def _with_the_last(self, now: float) -> int:
        if self.pending_at is None:
            return self.silent
        forgotten = int(max(0.0, now - self.pending_at) / _FORGET_S)
        return max(0, self.silent + 1 - forgotten)


_NO_WAKES: Final = WakeLog()
