"""What comes of most requests that the device answers, found once for their plan. Pure.

Where the device is asked first and nothing is begun beside it, its answer comes in time and is certain enough: then the
attempt machine is begun, takes one event, and finishes, each time with the same outcome but for the score. It is not
played again for every such request. Nothing here says what follows from what: `begin` and `step` are asked, and
whatever is not of this kind goes through them."""

from __future__ import annotations

from math import inf
from typing import Final

from router.choosing.plan import Escalation, Plan
from router.running.attempt import begin, step
from router.running.events import Event, Finish, Outcome, Run, Succeeded, Wake
from router.types import DEVICE
from router.values import value

__all__ = ["Usual", "usual"]

_LATE: Final = float(1 << 32)
"""In seconds: no clock is coarser than it is then, and what would begin after next to nothing begins at once."""


@value
class Usual:
    """What follows from a plan where more than `reserve_s` is left when it begins, and all goes as usual."""

    outcome: Outcome
    escalation: Escalation | None
    reserve_s: float

    def ends(self, event: Event, now: float, deadline: float) -> Outcome | None:
        """Return how an attempt ends that the device told `event` at `now`; None where that is not as usual."""
        if type(event) is not Succeeded or now > deadline:
            return None
        score, known = event.score, self.outcome
        if self.escalation is not None and not self.escalation.is_certain(score):
            return None
        if score is known.score:
            return known
        return Outcome(
            known.ending,
            known.target,
            known.failures,
            known.escalated,
            known.certain,
            score,
            known.late,
            known.certified,
            known.why_uncertified,
            known.role,
            known.overtaken,
        )


def usual(plan: Plan) -> Usual | None:
    """Return what usually follows from a plan; None where the device is not all that is asked, or not at once."""
    if not plan.legs or plan.legs[0].target != DEVICE:
        return None
    begun, (first, *others) = begin(plan, inf, _LATE)
    if not isinstance(first, Run) or not all(isinstance(command, Wake) for command in others):
        return None
    score = None if plan.escalation is None else inf
    _, commands = step(begun, Succeeded(DEVICE, score), _LATE)
    if len(commands) != 1 or not isinstance(commands[0], Finish):
        return None  # an audit
    return Usual(commands[0].outcome, plan.escalation, plan.legs[0].reserve_s)
