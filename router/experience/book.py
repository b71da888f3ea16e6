"""What is known of one model on one target."""

from __future__ import annotations

import math
from typing import Final

from router.advice import Advice
from router.estimates import EstimateSettings, Ratios, Recency, Share
from router.experience.cells import Cells

__all__ = ["Book"]

_KEEP: Final = 7 / 8
_MUCH: Final = 0.1


class Book:
    """See the module. The device has `runs`, a remote target `cells`."""

    __slots__ = ("_settings", "absent_until", "advice", "cells", "failures", "recency", "replies_bytes", "runs")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        self.runs = Ratios(settings)
        self.cells = Cells(settings)
        self.recency = Recency()
        self.failures = Share(settings, believed=0.0)
        self.absent_until = -math.inf
        """Until then the target is taken at its word that it does not have the model."""
        self.advice = Advice()
        self.replies_bytes: float | None = None
        """How long answers were lately; None before there was one."""

    def seen(self, now: float) -> None:
        """It answered, or was waited for in vain: what is learnt of its time comes next."""
        if self.recency.seen(now):
            self.runs.forget()
            self.cells.forget()

    def answered(self, received_bytes: int) -> None:
        """Learn how long an answer was."""
        known = self.replies_bytes
        if known is None or abs(received_bytes - known) <= _MUCH * known:
            self.replies_bytes = known if known is not None else float(received_bytes)
        else:
            self.replies_bytes = known * _KEEP + received_bytes * (1 - _KEEP)

    @property
    def reply_bytes(self) -> int:
        """How long the next answer will be; 0 before there was one."""
        return 0 if self.replies_bytes is None else round(self.replies_bytes)

    def changes_at(self, now: float) -> float:
        """Return when time alone changes what is known, at `now` at the earliest; inf where it does not."""
        forgotten = (self.recency.changes_at(now, self._settings.forget_after_s), self.failures.forgotten_at)
        instants = (*forgotten, self.absent_until, *self.advice.changes_at())
        return min((instant for instant in instants if instant >= now), default=math.inf)
