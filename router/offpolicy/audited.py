"""What is known of right and wrong answers: requests that were audited, and those of which somebody told a label. Pure.

An audit asked both, the device and a remote target, of requests that were drawn before anything was known of them. So
it is known what each would have answered, whatever is done: no weights are wanted, and no exploration. Left out is
where nobody would be asked, and where another certificate's score would decide, which no audit holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router.cascade.binomial import interval
from router.choosing.plan import Plan
from router.simulate.intervals import Figure
from router.types import DEVICE
from router.values import value

if TYPE_CHECKING:  # its reader brings pydantic along, which nobody here needs
    from router.cascade.audits import AuditRecord

__all__ = ["Audited", "Judged"]


@value
class Judged:
    """Shares of audited requests. Of `compared` ones it is known whether the answers agree, of `labelled` ones who was
    right."""

    compared: int
    kept: Figure
    """Answered by the device, under the policy that is replayed."""
    kept_as_logged: Figure
    disagreeing: Figure
    """Answered by the device although the remote target disagrees: at most so much accuracy is lost."""
    disagreeing_as_logged: Figure
    labelled: int
    wrong: Figure
    wrong_as_logged: Figure
    undecided: int
    """Audits that are left out, because it cannot be told who would have answered."""


class Audited:
    """Counts audited requests. Intervals are exact ones for independent draws, which audits are."""

    def __init__(self) -> None:
        self._compared = self._kept = self._kept_then = self._apart = self._apart_then = 0
        self._labelled = self._wrong = self._wrong_then = self._undecided = 0

    def add(self, audit: AuditRecord, done: Plan | None, would: Plan | None) -> None:
        """Count a request whose plan was `done`, and under another policy `would` be."""
        keeps = _keeps(audit, done, would)
        if keeps is None:
            self._undecided += 1
            return
        if audit.disagree is not None:
            self._compared += 1
            self._kept += keeps
            self._kept_then += audit.kept
            self._apart += keeps and audit.disagree
            self._apart_then += audit.kept and audit.disagree
        if audit.device_right is not None and audit.remote_right is not None:
            self._labelled += 1
            self._wrong += 1 - (audit.device_right if keeps else audit.remote_right)
            self._wrong_then += 1 - (audit.device_right if audit.kept else audit.remote_right)

    def judged(self) -> Judged:
        """Return what was found."""
        compared, labelled = self._compared, self._labelled
        return Judged(
            compared,
            _share(self._kept, compared),
            _share(self._kept_then, compared),
            _share(self._apart, compared),
            _share(self._apart_then, compared),
            labelled,
            _share(self._wrong, labelled),
            _share(self._wrong_then, labelled),
            self._undecided,
        )


def _share(count: int, of: int) -> Figure:
    low, high = interval(count, of)
    return Figure(count / of if of else 0.0, low, high)


def _keeps(audit: AuditRecord, done: Plan | None, would: Plan | None) -> bool | None:
    """Tell whether the device's answer would have been kept; None where that cannot be told."""
    if would is None:
        return None
    if would.legs[0].target != DEVICE:
        return False
    asks = would.escalation
    if asks is None or asks.to is None:
        return True
    if asks.by == "confidence":
        # A score that cannot be read is above nothing.
        return audit.confidence is not None and audit.confidence > asks.below
    logged = None if done is None else done.escalation
    same = logged is not None and (logged.by, logged.below) == (asks.by, asks.below)
    return audit.kept if same else None
