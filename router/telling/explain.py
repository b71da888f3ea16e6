"""A decision in words, for people, and in one line, for a result's `reason`. Pure: it reads, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from router.choosing.engine import Decision, ReadingUsed
from router.running.attempt import Ending, Outcome, Role
from router.telling.shadow import ShadowChoice
from router.telling.wording import in_ms
from router.types import DEVICE, Kind, Mode, Resource, Value

__all__ = ["in_words", "reason", "why_first"]

_UNITS: Final = {Resource.ENERGY: "J", Resource.MONEY: "$", Resource.BYTES: "MB"}


_CHOSEN_BY: Final = {
    "held": "as before, for now: ",
    "draw": "drawn at random, to explore: ",
    "audit": "drawn for an audit: ",
}
_ROLES: Final = {Role.BACKUP: "started as a backup", Role.HEDGE: "asked as a hedge", Role.RETRY: "asked again"}


def reason(decision: Decision, outcome: Outcome) -> str:
    """Return one line: who answered, and why it came to that."""
    if outcome.ending is not Ending.ANSWERED:
        return f"{outcome.ending.value}: {_failures(outcome) or 'nothing was asked'}"
    parts = [why_first(decision)]
    escalation = decision.plan.escalation if decision.plan is not None else None
    if escalation is not None and outcome.certain is True:
        parts.append(f"certain enough: score {outcome.score:.3g} is above {escalation.below:g}")
    elif outcome.escalated and outcome.certain is None:
        parts.append("escalated: the device was not certain enough")
    elif outcome.certain is False:
        parts.append(f"not certain, and kept: {_failures(outcome) or _nobody_asked(decision)}")
    elif outcome.failures:
        parts.append(f"after {_failures(outcome)}")
    if outcome.role in _ROLES:
        parts.append(_ROLES[outcome.role])
    if outcome.overtaken:
        parts.append(f"before {', '.join(outcome.overtaken)} answered")
    if outcome.certified is not None:
        parts.append("certified" if outcome.certified else f"not certified: {outcome.why_uncertified}")
    if outcome.late:
        parts.append("late: its run ended after the deadline")
    return f"{outcome.target}: " + "; ".join(parts)


def _nobody_asked(decision: Decision) -> str:
    escalation = decision.plan.escalation if decision.plan is not None else None
    nobody = escalation is not None and escalation.to is None
    return "nothing was there to escalate to" if nobody else "no time was left to escalate"


def why_first(decision: Decision) -> str:
    """Return what spoke for the plan that was taken."""
    rules = f" by rule {', '.join(decision.rules)}" if decision.rules else ""
    if decision.candidates:
        best = decision.candidates[0]
        if len(decision.candidates) == 1:
            return f"{best.name} is the only plan left ({_closed(decision)}){rules}"
        runner_up = decision.candidates[1]
        how = _CHOSEN_BY.get(decision.chosen_by, "")
        return f'{how}"{best.name}" costs {best.cost:.3g}, "{runner_up.name}" {runner_up.cost:.3g}{rules}'
    return f"mode {decision.mode.value}{rules}"


def _closed(decision: Decision) -> str:
    closed = [f"{c.target} closed by {c.constraint.value}" for c in decision.closed]
    promise = decision.situation.promise
    # The device is there, and may not keep an answer.
    if promise is not None and promise.state != "in_force" and decision.candidates[0].name != DEVICE:
        closed.append(f"no answer of the device may stay: {promise.why}")
    return "; ".join(closed) or "there is no other target"


def _failures(outcome: Outcome) -> str:
    return ", ".join(f"{f.target} failed ({f.code})" for f in outcome.failures)


def in_words(decision: Decision, outcome: Outcome | None = None, shadow: ShadowChoice | None = None) -> str:
    """Return the whole story: the request, the readings, the rules, what closed which target, what was weighed, and,
    given its outcome, what came of it; and what a policy that only looks on would have done."""
    return "\n".join(_lines(decision, outcome, shadow))


def _lines(decision: Decision, outcome: Outcome | None, shadow: ShadowChoice | None) -> Iterator[str]:
    request = decision.situation.request
    left_s = request.deadline - decision.situation.now
    label = f'label "{request.label}"' if request.label is not None else "no label (the strictest)"
    yield f"Request {request.id} for {request.model}: {label}, {in_ms(left_s)} to its deadline."
    yield f"Mode {decision.mode.value}{_because(decision)}; policy {decision.policy_digest[:19]}."
    for reading in decision.readings:
        yield f"  read {_reading(reading, decision.situation.now - reading.at)}"
    for view in decision.situation.targets:
        basis = f"{view.time.samples} answers" if view.time.samples else "a prior"
        low, high = in_ms(view.time.optimistic_s), in_ms(view.time.pessimistic_s)
        sent = f", {view.upload_bytes} bytes to send" if view.kind is not Kind.DEVICE else ""
        queue = f", {in_ms(view.queue_wait_s)} of them in its queue" if view.queue_wait_s is not None else ""
        yield f"  {view.name}: {low} to {high} after {basis}{queue}{sent}"
    promise = decision.situation.promise
    if promise is not None:
        told = f"keeps about {promise.kept:.0%}" if promise.state == "in_force" else promise.why
        yield f"  promise {promise.state.replace('_', ' ')}: {told}"
    for budget in decision.situation.budgets:
        unit = _UNITS[budget.resource]
        yield f"  budget of {budget.resource.value}: {budget.left:.4g} {unit} left, {budget.price:.3g} per {unit}"
    for closed in decision.closed:
        yield f"  {closed.target} is closed by {closed.constraint.value}: {closed.detail}"
    if decision.awake_worth:
        yield f"  leaving the radio awake is worth {decision.awake_worth:.3g} to the next request"
    for rank, candidate in enumerate(decision.candidates):
        e = candidate.expected
        yield (
            f"  {'chosen' if rank == 0 else 'or'}: {candidate.name}, cost {candidate.cost:.4g} "
            f"(wrong {e.p_wrong:.3g}, missed {e.p_miss:.3g}, failed {e.p_fail:.3g}, "
            f"{in_ms(e.seconds)}, ${e.usd:.3g}, {e.megabytes * 1e6:.4g} bytes, {e.joules:.3g} J)"
        )
    if decision.propensity < 1:
        yield f"  with a probability of {decision.propensity:.3g}, as a share of requests explores"
    yield f"Plan: {decision.plan}." if decision.plan is not None else "No plan: every target is closed."
    if outcome is not None:
        yield f"Outcome: {reason(decision, outcome)}."
    if shadow is not None:
        name = f"Shadow: policy {shadow.policy_name} version {shadow.policy_version}"
        plan = "every target would be closed" if shadow.plan is None else str(shadow.plan)
        yield f"{name} would have done the same." if shadow.agrees else f"{name}: {plan}; they part at {shadow.why}."


def _because(decision: Decision) -> str:
    if decision.rules:
        return f", after rule {', '.join(decision.rules)}"
    return " as the policy says" if decision.mode is not Mode.AUTO else ""


def _reading(reading: ReadingUsed, age_s: float) -> str:
    if reading.known:
        return f"{reading.name} = {_value(reading.value)} ({reading.source}, {age_s:.1f} s old)"
    if reading.value is None:
        return f"{reading.name} unknown ({reading.source or 'no source'})"
    return f"{reading.name} stale ({_value(reading.value)}, {age_s:.1f} s old)"


def _value(value: Value | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
