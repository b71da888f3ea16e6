"""`decide`: from a policy and a situation to the plan for one request, with every reason. Pure.

The stages, in order, none of which reopens what an earlier one closed: rules over the readings, hard constraints, then
a choice among what is left. Equal policies and situations give equal decisions; of plans that cost the same the one
that stands first wins, and the device's stand first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from router.attempt import HAND_BACK_S
from router.constraints import Closed, Constraint, close
from router.objective import Candidate, Expectation, Prospect, cascade, cost, prospect, single, with_fallback
from router.plan import Escalation, Leg, Plan
from router.policy import EscalationTerms, Policy
from router.types import Kind, Mode, Situation, TargetView, Value
from router.values import value

__all__ = ["Decision", "ReadingUsed", "decide"]


@value
class ReadingUsed:
    """A reading that a rule spoke of: `value` as it was at `at`, and whether it counted (neither None nor too old)."""

    name: str
    value: Value | None
    source: str
    at: float
    known: bool


@value
class Decision:
    """The plan for one request, and why. `plan` is None where every target is closed."""

    plan: Plan | None
    choice: str
    mode: Mode
    rules: tuple[str, ...]
    """Names of the rules that applied, in the policy's order."""
    closed: tuple[Closed, ...]
    candidates: tuple[Candidate, ...]
    """What was weighed, the cheapest first; the first one is the choice. Empty where a mode fixed the order."""
    readings: tuple[ReadingUsed, ...]
    policy_digest: str
    situation: Situation


@value
class _Ruling:
    mode: Mode
    escalation: EscalationTerms | None
    forbidden: dict[str, str]
    applied: tuple[str, ...]
    overrides_promise: str = ""
    """The rule that has its own mind about escalation."""


_NO_RULES: dict[str, str] = {}
# Above every gain, and a number that a record can hold.
_NEVER = 1e6
# What a certified threshold is believed to catch, where the policy has no belief: document.EscalationPart's default.
_RECOVERS = 0.9


def decide(policy: Policy, situation: Situation) -> Decision:
    """Decide for one request."""
    readings, known = _read(policy, situation)
    ruling = _rule(policy, situation, known)
    feasible, closed = close(policy, situation, ruling.mode, ruling.forbidden)
    plan: Plan | None = None
    choice = "none"
    candidates: tuple[Candidate, ...] = ()
    if feasible and ruling.mode is Mode.AUTO:
        plan, choice, candidates = _weigh(policy, situation, feasible, ruling, closed)
    elif feasible:
        plan, choice = _in_order(policy, situation, feasible, ruling.mode)
    return Decision(plan, choice, ruling.mode, ruling.applied, closed, candidates, readings, policy.digest, situation)


def _read(policy: Policy, situation: Situation) -> tuple[tuple[ReadingUsed, ...], dict[str, Value]]:
    used: list[ReadingUsed] = []
    known: dict[str, Value] = {}
    for name in policy.named_signals:
        reading = situation.readings.get(name)
        if reading is None:
            used.append(ReadingUsed(name, None, "", 0.0, False))
            continue
        age_s = situation.now - reading.at
        fresh = reading.value is not None and age_s <= policy.stale_after(name)
        used.append(ReadingUsed(name, reading.value, reading.source, reading.at, fresh))
        if fresh and reading.value is not None:
            known[name] = reading.value
    return tuple(used), known


def _rule(policy: Policy, situation: Situation, known: dict[str, Value]) -> _Ruling:
    if not policy.rules:
        return _Ruling(policy.mode, policy.escalation, _NO_RULES, ())
    request = situation.request
    facts = dict(known)
    facts["model"] = request.model
    if request.label is not None:
        facts["label"] = request.label
    facts["time_left_ms"] = (request.deadline - situation.now) * 1000
    facts["upload_bytes"] = float(max((target.upload_bytes for target in situation.targets), default=0))
    mode: Mode | None = None
    escalation: EscalationTerms | Literal["never"] | None = None
    forbidden: dict[str, str] = {}
    applied: list[str] = []
    overriding = ""
    for rule in policy.rules:
        holds = rule.when.holds(facts.get)
        if holds is False or (holds is None and not rule.apply_when_unknown):
            continue
        applied.append(rule.name)
        mode = mode or rule.mode
        if escalation is None and rule.escalation is not None:
            escalation, overriding = rule.escalation, rule.name
        for place in rule.forbid:
            forbidden.setdefault(place, rule.name)
    wanted = None if escalation == "never" else escalation or policy.escalation
    return _Ruling(mode or policy.mode, wanted, forbidden, tuple(applied), overriding)


def _prospects(policy: Policy, feasible: Iterable[TargetView]) -> dict[str, Prospect]:
    return {
        view.name: prospect(
            view.name,
            view.time.quantiles_s,
            view.p_wrong,
            view.p_fail,
            view.upload_bytes,
            policy.terms_for(view.name, view.kind),
        )
        for view in feasible
    }


def _remotes_by_cost(
    policy: Policy, prospects: dict[str, Prospect], feasible: Sequence[TargetView], left_s: float
) -> list[TargetView]:
    remotes = [view for view in feasible if view.kind is not Kind.DEVICE]
    if len(remotes) > 1:
        remotes.sort(key=lambda view: (cost(single(prospects[view.name], left_s), policy.worth), view.name))
    return remotes


def _in_order(policy: Policy, situation: Situation, feasible: Sequence[TargetView], mode: Mode) -> tuple[Plan, str]:
    left_s = situation.request.deadline - situation.now
    device = [view for view in feasible if view.kind is Kind.DEVICE]
    remotes = _remotes_by_cost(policy, _prospects(policy, feasible), feasible, left_s)
    order = [*remotes, *device] if mode in (Mode.PREFER_IN_CLOUD, Mode.ONLY_IN_CLOUD) else [*device, *remotes]
    if situation.promise is None:
        return Plan(_legs(order, left_s)), order[0].name
    why = f"mode {mode.value} keeps every answer of the device"
    return Plan(_legs(order, left_s), None, False, why), order[0].name


def _weigh(
    policy: Policy,
    situation: Situation,
    feasible: Sequence[TargetView],
    ruling: _Ruling,
    closed: Sequence[Closed],
) -> tuple[Plan, str, tuple[Candidate, ...]]:
    terms = _terms_of_keeping(policy, situation, ruling, closed)
    escalation = terms.escalation
    left_s = situation.request.deadline - situation.now
    prospects = _prospects(policy, feasible)
    device = next((view for view in feasible if view.kind is Kind.DEVICE), None)
    remotes = _remotes_by_cost(policy, prospects, feasible, left_s)
    if escalation is not None and not situation.request.can_score:
        escalation = None
    worth = policy.worth
    keeps = terms.keeps_all or not remotes
    weighed: list[tuple[Candidate, list[TargetView], TargetView | None]] = []

    def consider(name: str, expected: Expectation, order: list[TargetView], ask: TargetView | None = None) -> None:
        weighed.append((Candidate(name, cost(expected, worth), expected), order, ask))

    if device is not None:
        order = [device, *remotes]
        kept = _expect(order, prospects, left_s)
        if keeps:
            consider(device.name, kept, order)
        if escalation is not None:
            # On certified terms the certificate says how many stay. What was seen lately would not do: a run of
            # escalations makes the device dear, and then nothing is seen any more that could correct it.
            seen = None if terms.by == "gain" else situation.p_escalate
            share = escalation.share if seen is None else seen
            for remote in remotes:
                expected = cascade(kept, prospects[device.name], prospects[remote.name], escalation, share, left_s)
                consider(f"{device.name}, then {remote.name} if uncertain", expected, order, remote)
    for remote in remotes:
        others = [view for view in remotes if view is not remote]
        order = [remote, *others] if device is None else [remote, device, *others]
        consider(remote.name, _expect(order, prospects, left_s), order)
    # Stable: of equal costs the first considered stays first. What is drawn for an audit runs on the device, whatever
    # would cost less: else nobody watched while the cloud is cheap, and no certificate could be made of what came then.
    audits_both = situation.request.audit and terms.by == "gain"
    weighed.sort(key=lambda entry: (audits_both and entry[2] is None, entry[0].cost))
    chosen, order, ask = weighed[0]
    asking: Escalation | None = None
    if escalation is not None and (ask is not None or (terms.by == "gain" and device is not None)):
        # On certified terms an answer that is kept because nobody can be asked is looked at as well: the certificate
        # covers those that would have stayed in any case.
        asking = Escalation(None if ask is None else ask.name, escalation.below, terms.by)
    legs = _legs(order, left_s)
    if situation.promise is None:
        return Plan(legs, asking), chosen.name, tuple(entry[0] for entry in weighed)
    # Only answers that are kept on certified terms say something of the promise, or of the next one.
    audit = remotes[0].name if situation.request.audit and remotes and (terms.alarm or not terms.why_not) else None
    plan = Plan(legs, asking, not terms.why_not, terms.why_not, audit)
    return plan, chosen.name, tuple(entry[0] for entry in weighed)


@value
class _Keeping:
    """On which terms an answer of the device may be kept; `keeps_all` where one may without being looked at."""

    escalation: EscalationTerms | None
    by: Literal["confidence", "gain"]
    keeps_all: bool
    why_not: str
    alarm: bool = False


def _terms_of_keeping(policy: Policy, situation: Situation, ruling: _Ruling, closed: Sequence[Closed]) -> _Keeping:
    promise = situation.promise
    if promise is None:
        return _Keeping(ruling.escalation, "confidence", True, "")
    if ruling.overrides_promise:
        return _Keeping(ruling.escalation, "confidence", True, f'rule "{ruling.overrides_promise}" decides otherwise')
    if _kept_by_label(situation, closed):
        why = "its label keeps it on the device, and the certificate is about requests that could be audited"
        return _Keeping(None, "gain", True, why)
    if promise.state == "alarm":
        both = EscalationTerms(_NEVER, _RECOVERS, 1.0) if situation.request.audit else None
        return _Keeping(both, "gain", False, promise.why, True)
    if promise.state == "uncovered":
        # What the policy would do without a promise; and where it says nothing, nothing is kept that could be asked.
        looked_at = ruling.escalation is not None and situation.request.can_score
        return _Keeping(ruling.escalation, "confidence", looked_at, promise.why)
    recovers = _RECOVERS if policy.escalation is None else policy.escalation.recovers
    certified = EscalationTerms(promise.threshold, recovers, 1.0 - promise.kept)
    return _Keeping(certified, "gain", False, "" if promise.covers else promise.why)


def _kept_by_label(situation: Situation, closed: Sequence[Closed]) -> bool:
    """Tell whether every remote target there is is closed by the request's label."""
    remotes = {view.name for view in situation.targets if view.kind is not Kind.DEVICE}
    return bool(remotes) and remotes <= {part.target for part in closed if part.constraint is Constraint.LABEL}


def _expect(order: Sequence[TargetView], prospects: dict[str, Prospect], left_s: float) -> Expectation:
    first = prospects[order[0].name]
    if len(order) == 1:
        return single(first, left_s)
    return with_fallback(first, prospects[order[1].name], left_s, _reserve_s(order[0], order[1], left_s))


def _reserve_s(view: TargetView, behind: TargetView, left_s: float) -> float:
    """Return how long before the deadline `view` is given up for `behind`: what that needs in 19 of 20 cases, but at
    most half of the time left, so that a target that is asked at all gets a fair share."""
    if view.kind is Kind.DEVICE:
        return 0.0  # it answers or fails; waiting longer for a remote would not make it quicker
    return min(behind.time.pessimistic_s + HAND_BACK_S, max(0.0, left_s) / 2)


def _legs(order: Sequence[TargetView], left_s: float) -> tuple[Leg, ...]:
    legs = [Leg(view.name, _reserve_s(view, behind, left_s)) for view, behind in pairwise(order)]
    legs.append(Leg(order[-1].name))
    return tuple(legs)
