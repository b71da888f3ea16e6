"""What is to be done for one request: which target first, which after a failure, what beside it, and whether to
escalate. Values."""

from __future__ import annotations

from typing import Literal

from router.telling.wording import in_ms
from router.values import value

__all__ = ["Backup", "Escalation", "Hedge", "Leg", "Plan", "Retry"]


@value
class Leg:
    """One target to try. It is given up `reserve_s` before the deadline, so that the legs behind it have time."""

    target: str
    reserve_s: float = 0.0


@value
class Escalation:
    """Ask `to` when the device's score is not strictly above `below`; the device's answer is held meanwhile.

    `by` is which score: its "confidence", or s(x) of the certificate's "gain" table. Where `to` is None nobody can be
    asked, and the score only tells whether the answer is certain."""

    to: str | None
    below: float
    by: Literal["confidence", "gain"] = "confidence"

    def is_certain(self, score: float | None) -> bool:
        """Tell whether a device answer of this score may stay: a score that is missing or NaN is above nothing."""
        return score is not None and score > self.below


@value
class Backup:
    """While a remote leg runs, the device is started `before_s` before the deadline, or at once where that is over.

    Both go on, and the first good answer is taken. Where `holds`, an answer of a device that was started beside a
    remote leg, and is not certain, waits for the remote's until the deadline."""

    before_s: float
    holds: bool = False


@value
class Hedge:
    """Ask `to`, one of the plan's legs, as well, if the first leg has not answered after `after_s`."""

    to: str
    after_s: float


@value
class Retry:
    """Ask a remote target that could not be reached again, where nobody else is left to ask: `attempts` times in all,
    with pauses of up to `base_s`, which doubles, and `max_s`."""

    attempts: int
    base_s: float
    max_s: float


@value
class Plan:
    """Legs are tried in order until one answers. An escalation follows only an answer of the device.

    `promised` is None where the policy asks for no promise, and whether an answer of the device that is kept keeps it;
    `why_not` says why it does not. `audit` is asked as well, and not waited for, where the device's answer is kept.
    `wake` is asked for its life, and nothing else, once the device has answered and nothing was sent: so that the radio
    is awake for the next request."""

    legs: tuple[Leg, ...]
    escalation: Escalation | None = None
    promised: bool | None = None
    why_not: str = ""
    audit: str | None = None
    wake: str | None = None
    backup: Backup | None = None
    hedge: Hedge | None = None
    retry: Retry | None = None

    @property
    def targets(self) -> frozenset[str]:
        """Every target that this plan could ever reach."""
        reached = {leg.target for leg in self.legs}
        if self.escalation is not None and self.escalation.to is not None:
            reached.add(self.escalation.to)
        if self.audit is not None:
            reached.add(self.audit)
        if self.wake is not None:
            reached.add(self.wake)
        if self.hedge is not None:
            reached.add(self.hedge.to)
        return frozenset(reached)

    def __str__(self) -> str:
        text = ", else ".join(leg.target for leg in self.legs)
        if self.hedge is not None:
            text += f"; {self.hedge.to} as well after {in_ms(self.hedge.after_s)}"
        if self.backup is not None:
            text += f"; device as well {in_ms(self.backup.before_s)} before the deadline"
            if self.backup.holds:
                text += ", its answer waiting for the other"
        if self.escalation is not None:
            score = "score" if self.escalation.by == "confidence" else "certified score"
            asked = self.escalation.to or "not certain"
            text += f"; {asked} when its {score} is at most {self.escalation.below:g}"
        if self.audit is not None:
            text += f"; audited by {self.audit}"
        if self.wake is not None:
            text += f"; wakes the radio to {self.wake}"
        return text
