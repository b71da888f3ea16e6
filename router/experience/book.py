"""What is known of one model on one target."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from router.choosing.predict import MEDIAN, Times
from router.estimates import EstimateSettings, Ratios, Recency, Share
from router.estimates.ratios import QUARTER
from router.experience.cells import Cells
from router.running.advice import Advice
from router.types import TimeEstimate

__all__ = ["Book"]

_KEEP: Final = 7 / 8
_MUCH: Final = 0.1
_STEP: Final = 0.01
_SELDOM: Final = 0.001
# The prior tells how devices differ. Of one of them nineteen runs of twenty take less than so many times what one run
# took: both vary by a sixth, and the one that is known is mostly the first, which is the longest.
_RUNS_VARY: Final = 1.5


class Book:
    """See the module. The device has `runs`, a remote target `cells`."""

    __slots__ = (
        "_p_fail", "_quickest", "_settings", "absent_until", "advice", "cells", "failures", "recency", "replies_bytes",
        "runs",
    )  # fmt: skip

    def __init__(self, settings: EstimateSettings, *, device: bool = False) -> None:
        self._settings = settings
        self.runs = Ratios(settings)
        self.cells = Cells(settings)
        self.recency = Recency(alone=device)
        self.failures = Share(settings, believed=0.0)
        self._p_fail = 0.0
        self._quickest = math.inf
        self.absent_until = -math.inf
        """Until then the target is taken at its word that it does not have the model."""
        self.advice = Advice()
        self.replies_bytes: float | None = None
        """How long answers were lately; None before there was one."""

    def run_time(self, prior_s: Times) -> TimeEstimate:
        """Return what a run on the device takes, of which `prior_s` is what the policy believes.

        One that is forgotten is believed to be somewhat quicker than it ever was: what the policy believes of devices
        would have a slow one tried again and again."""
        believed = TimeEstimate(prior_s, 0)
        if not self.recency.forgotten:
            return self.runs.estimate(prior_s[MEDIAN], believed, _RUNS_VARY)
        if self._quickest == math.inf:
            return believed
        middle_s = self._quickest * prior_s[MEDIAN] / _RUNS_VARY
        quarter = _RUNS_VARY**QUARTER
        return TimeEstimate(
            (middle_s / _RUNS_VARY, middle_s / quarter, middle_s, middle_s * quarter, middle_s * _RUNS_VARY), 0
        )

    def ran(self, taken_s: Iterable[float], predicted_s: float) -> bool:
        """Learn what runs on the device took. Returns whether estimates have changed."""
        changed = self.runs.observe_all(taken_s, predicted_s)
        if self.runs.samples:  # one that took no time at all is none
            self._quickest = min(self._quickest, self.runs.median)
        return changed

    def seen(self, now: float) -> bool:
        """It answered, or was waited for in vain: what is learnt of its time comes next. Returns whether it had been
        forgotten."""
        forgotten = self.recency.seen(now)
        if forgotten:
            self.runs.forget()
            self.cells.forget()
        return forgotten

    def answered(self, received_bytes: int) -> bool:
        """Learn how long an answer was. Returns whether that has changed what is expected of the next one."""
        known = self.replies_bytes
        if known is not None and abs(received_bytes - known) <= _MUCH * known:
            return False
        self.replies_bytes = received_bytes if known is None else known * _KEEP + received_bytes * (1 - _KEEP)
        return True

    def ended(self, failed: bool, now: float) -> bool:
        """Learn whether a call, or a run, brought an answer. Returns whether that has changed `p_fail` by much."""
        if not failed and self.failures.settled:
            self.failures.touch(now)
            return False
        before = self._p_fail = self.p_fail(now)
        self.failures.observe(failed, now)
        share = self.failures.value(now) or 0.0
        if abs(share - before) > _STEP:
            self._p_fail = share
        elif share < _SELDOM:
            self._p_fail = 0.0
        return self._p_fail != before

    def p_fail(self, now: float) -> float:
        """Return the share of calls that failed lately, to a hundredth: with each answer it fades by a little, and that
        need not have everything weighed again. 0 where nothing recent is known."""
        return self._p_fail if now <= self.failures.forgotten_at else 0.0

    @property
    def reply_bytes(self) -> int:
        """How long the next answer will be; 0 before there was one."""
        return 0 if self.replies_bytes is None else round(self.replies_bytes)

    def changes_at(self, now: float) -> float:
        """Return when time alone changes what is known, at `now` at the earliest; inf where it does not."""
        forgotten = (self.recency.changes_at(now, self._settings.forget_after_s), self.failures.forgotten_at)
        soonest = math.inf
        for instant in (*forgotten, self.absent_until, *self.advice.changes_at()):
            if now <= instant < soonest:
                soonest = instant
        return soonest
