"""How many calls of one model may be in work at once, learnt from how long they wait. Pure.

What a call takes is its wait and its run. The run is the best that it could have taken; how far it took longer says how
many calls too many were there. The limit falls where that lasts, to what the model has just shown that it can do in the
time allowed, and grows by a little where the calls keep within it. A model that becomes slower without failing gets
fewer calls, each of which still waits for no longer than the target.

Never below `minimum`, with which a worker would idle, and never above `maximum`. Only what waited teaches anything:
a limit that is not in use does not grow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

__all__ = ["Limit"]

# Half a run's wait is what keeps a worker busy; less cannot be asked of a model that takes long.
_TOLERANCE: Final = 0.5
# A mean sways about where it is held, so that it is held below the target. Between the aim and what is allowed nothing
# changes, so that a limit settles.
_ALLOWED: Final = 0.9
_AIM: Final = 0.7
# A window is long enough for its mean to say something, and short beside what callers have patience for. One pause of
# the machine spoils one window, so that only two in a row count.
_WINDOW_S: Final = 0.2
_WINDOW_CALLS: Final = 10
_LONGEST_WINDOW_S: Final = 1.0
# A wait longer than so many times what is allowed says no more than that: calls that may wait for ever, because urgent
# ones go first, must not drown what the others say.
_TELLING: Final = 4.0
_LEAST_GRADIENT: Final = 0.5
_HEADROOM: Final = 1.0
# The share of the limit that must have been in use for it to grow: unused room teaches nothing about more of it.
_IN_USE: Final = 0.5
# What was learnt of a slow hour must not refuse the first burst of the next.
_FORGET_AFTER_S: Final = 30.0


@dataclass(slots=True)
class _Window:
    """What was seen since `begin`."""

    begin: float
    calls: int = 0
    ran: int = 0
    peak: int = 0
    in_flight_sum: int = 0
    wait_sum_s: float = 0.0
    run_sum_s: float = 0.0

    def complete(self, now: float) -> bool:
        age_s = now - self.begin
        return age_s >= _LONGEST_WINDOW_S or (age_s >= _WINDOW_S and self.calls >= _WINDOW_CALLS)


class Limit:
    """One model's. Holds no clock and no lock: whoever owns it passes `now`, and calls it from one thread."""

    __slots__ = (
        "_last_at",
        "_limit",
        "_maximum",
        "_minimum",
        "_run_s",
        "_sustained_before",
        "_target_s",
        "_wait_s",
        "_window",
    )

    def __init__(self, *, minimum: int, maximum: int, queue_target_s: float) -> None:
        # A maximum below the minimum is the operator's word, and holds.
        self._minimum = float(min(minimum, maximum))
        self._maximum = float(maximum)
        self._target_s = queue_target_s
        self._last_at = -math.inf
        self._forget(-math.inf)

    def _forget(self, now: float) -> None:
        self._limit = self._maximum
        self._run_s = self._wait_s = 0.0
        self._sustained_before = math.inf
        self._window = _Window(now)

    def value(self, now: float) -> int:
        """Return how many calls may be in work."""
        return int(self._maximum if self._forgotten(now) else self._limit)

    def latency_s(self, now: float) -> float:
        """Return what a call takes lately, its wait and its run; 0 where nothing recent is known."""
        return 0.0 if self._forgotten(now) else self._wait_s + self._run_s

    def observe(self, wait_s: float, run_s: float | None, in_flight: int, now: float) -> None:
        """Learn from a call that waited and ran (None: it was given up while it waited).

        `in_flight`: how many calls, itself included, were in work when it came."""
        if self._forgotten(now):
            self._forget(now)
        self._last_at = now
        window = self._window
        window.calls += 1
        window.wait_sum_s += min(wait_s, _TELLING * self._allowed_s())
        window.in_flight_sum += in_flight
        if in_flight > window.peak:
            window.peak = in_flight
        if run_s is not None:
            window.ran += 1
            window.run_sum_s += run_s
        if window.complete(now):
            self._adapt(window)
            self._window = _Window(now)

    def _forgotten(self, now: float) -> bool:
        return now - self._last_at > _FORGET_AFTER_S

    def _allowed_s(self) -> float:
        return _ALLOWED * max(self._target_s, _TOLERANCE * self._run_s)

    def _adapt(self, window: _Window) -> None:
        if window.ran:
            self._run_s = window.run_sum_s / window.ran
        self._wait_s = window.wait_sum_s / window.calls
        run_s, wait_s = self._run_s, self._wait_s
        allowed_s = self._allowed_s()
        aim_s = _AIM / _ALLOWED * allowed_s
        sustained = math.inf
        if wait_s > allowed_s:
            # Little's law: calls in work over what each took is what the model does in a second. The calls are those
            # that each of these met when it came, so that a queue which is only draining is not held against a limit
            # that has fallen meanwhile.
            sustained = window.in_flight_sum / window.calls * (run_s + aim_s) / (run_s + wait_s)
        wanted = max(sustained, self._sustained_before)
        self._sustained_before = sustained
        if wanted < self._limit:
            self._limit = max(self._minimum, wanted, self._limit * _LEAST_GRADIENT)
        elif wait_s <= aim_s and window.peak >= _IN_USE * self._limit:
            # By less the nearer the aim, because what a larger limit does to the wait shows only later.
            growth = _HEADROOM * math.sqrt(self._limit) * (1.0 - wait_s / aim_s)
            self._limit = min(self._maximum, self._limit + growth)
