"""How an attempt ends: with which outcome, and what of it is stopped or asked for an audit."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from router.running.events import Audit, Cancel, Command, Ending, Finish, Outcome, Role, Run, Succeeded
from router.running.standing import Attempt, Stepped, timed_out
from router.types import DEVICE

__all__ = ["answered", "finish", "hand_back"]


def answered(state: Attempt, run: Run, event: Succeeded, certain: bool | None, late: bool) -> Stepped:
    """Finish with the answer that a run brought."""
    if run.role is Role.BACKUP:
        # Whoever still runs had until the device was started, and then some.
        late_ones = tuple(timed_out(other) for other in state.running if other is not run)
        state = replace(state, failures=(*state.failures, *late_ones))
    # What an escalated answer's score was: by another threshold it might have been kept.
    score = event.score if run.target == DEVICE or state.held is None else state.held.score
    return finish(state, Ending.ANSWERED, run.target, certain, score, late, event.covered, run.role)


def hand_back(state: Attempt, now: float, commands: tuple[Command, ...]) -> Stepped:
    """Finish with the held answer."""
    held = state.held
    assert held is not None
    failures = (*state.failures, *(timed_out(run) for run in state.running))
    after, more = finish(
        replace(state, failures=failures),
        Ending.ANSWERED,
        DEVICE,
        held.certain,
        held.score,
        now > state.deadline,
        role=held.role,
    )
    return after, (*commands, *more)


def finish(
    state: Attempt,
    ending: Ending,
    target: str | None,
    certain: bool | None = None,
    score: float | None = None,
    late: bool = False,
    covered: bool = False,
    role: Role = Role.LEG,
) -> Stepped:
    """Finish: stop what runs, and say how it ended."""
    plan, failures, asked = state.plan, state.failures, state.asked
    escalated = state.held is not None and state.held.escalated
    certified, why = None, ""
    if plan.promised is not None and target is not None:
        why = _uncertified(state, target, certain, covered)
        certified = not why
    overtaken: tuple[str, ...] = ()
    if len(asked) > 1 and target is not None:
        settled = {failure.target for failure in failures} | {target, DEVICE if state.held is not None else None}
        overtaken = tuple(name for name in asked if name not in settled)
    # By position: naming the fields costs every request half a microsecond.
    outcome = Outcome(ending, target, failures, escalated, certain, score, late, certified, why, role, overtaken)
    finished = Attempt(plan, state.deadline, (), asked, failures, None, inf, None, inf, True)
    commands: tuple[Command, ...] = (Finish(outcome),)
    if target == DEVICE and plan.audit is not None and certain is not False:
        commands = (Audit(plan.audit), *commands)
    for run in state.running:
        if run.target != target:
            commands = (Cancel(run.target), *commands)
    return finished, commands


def _uncertified(state: Attempt, target: str, certain: bool | None, covered: bool) -> str:
    """Return why an answer is not certified; empty where it is."""
    plan = state.plan
    if target != DEVICE:
        return "" if covered else plan.why_not or f"{target} did not answer with the model that was certified"
    if certain is not False and not plan.promised:
        return plan.why_not
    if certain:
        return ""
    if plan.escalation is not None and plan.escalation.to is not None and certain is False:
        return "an escalation was due and did not come back"
    if len(state.running) > 1 or state.held is not None:
        asked = ", ".join(name for name in dict.fromkeys(state.asked) if name != DEVICE)
        return f"{asked} did not answer in time"
    return "nothing was there to escalate to"
