"""Whether a request would have gone the same way on another policy's terms. Pure.

Two policies can take the plan of the same name and mean different things by it: another threshold on the device's
score, another instant for a backup or a hedge, other targets behind. Mostly none of that came to pass, and then what
came of the request is what would have come of it. Where it did, nobody knows: a score between two thresholds was kept
by the one and escalated by the other."""

from __future__ import annotations

from typing import Final

from router.choosing.plan import Escalation, Plan
from router.running.attempt import Ending, Outcome, Role
from router.types import DEVICE

__all__ = ["same_course"]

# Of instants that are computed anew: what rounding may do to them.
_SAME_S: Final = 1e-6


def same_course(done: Plan | None, would: Plan | None, outcome: Outcome | None, taken_s: float, left_s: float) -> bool:
    """Tell whether `would` leads where `done` led, whose `outcome` came after `taken_s` of the `left_s` that were left.

    False also where that cannot be told. Wakes and audits come after the answer, and are not looked at."""
    if done is None or would is None:
        return done is would
    if outcome is None or done.legs[0].target != would.legs[0].target:
        return False
    return (
        _judged_alike(_asks(done), _asks(would), outcome)
        and _behind_alike(done, would, outcome, taken_s, left_s)
        and _besides_alike(done, would, taken_s, left_s)
    )


def _asks(plan: Plan) -> Escalation | None:
    """Return the plan's escalation; one that asks nobody changes nothing of who answers."""
    return None if plan.escalation is None or plan.escalation.to is None else plan.escalation


def _judged_alike(ours: Escalation | None, theirs: Escalation | None, outcome: Outcome) -> bool:
    """Tell whether the device's score says the same to both: keep, ask whom, or nothing."""
    if ours == theirs:
        return True
    score = outcome.score
    if not outcome.escalated and outcome.target != DEVICE:
        return True  # the device did not answer, or nobody waited for it: there was nothing to judge
    if ours is None or theirs is None:
        asks = ours or theirs
        return asks is not None and not outcome.escalated and score is not None and score > asks.below
    if ours.by != theirs.by:
        return False
    if outcome.escalated:
        # What was escalated lay at or below our threshold; how far below is known only where it was handed back.
        return ours.to == theirs.to and (ours.below if score is None else score) <= theirs.below
    return outcome.certain is False or (score is not None and score > theirs.below)


def _behind_alike(done: Plan, would: Plan, outcome: Outcome, taken_s: float, left_s: float) -> bool:
    """Tell whether what stands behind the first target is the same, or was not come to."""
    if done.legs == would.legs and done.retry == would.retry:
        return True
    first, theirs = done.legs[0], would.legs[0]
    plain = outcome.ending is Ending.ANSWERED and not outcome.failures and outcome.role is not Role.RETRY
    answered = outcome.target == first.target or (outcome.escalated and first.target == DEVICE)
    return plain and answered and (first == theirs or taken_s < left_s - theirs.reserve_s)


def _besides_alike(done: Plan, would: Plan, taken_s: float, left_s: float) -> bool:
    """Tell whether what is started beside a slow target is the same, or was not due by then in either plan."""
    backups = [plan.backup.before_s for plan in (done, would) if plan.backup is not None]
    hedges = [plan.hedge.after_s for plan in (done, would) if plan.hedge is not None]
    return (_same_backup(done, would) or all(taken_s < left_s - before_s for before_s in backups)) and (
        _same_hedge(done, would) or all(taken_s < after_s for after_s in hedges)
    )


def _same_backup(done: Plan, would: Plan) -> bool:
    ours, theirs = done.backup, would.backup
    if ours is None or theirs is None:
        return ours is theirs
    return ours.holds == theirs.holds and abs(ours.before_s - theirs.before_s) <= _SAME_S


def _same_hedge(done: Plan, would: Plan) -> bool:
    ours, theirs = done.hedge, would.hedge
    if ours is None or theirs is None:
        return ours is theirs
    return ours.to == theirs.to and abs(ours.after_s - theirs.after_s) <= _SAME_S
