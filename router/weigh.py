"""The plans that there are among what is feasible, what each is expected to cost, and the one that is taken. Pure.

A fixed mode only puts targets in its order. `auto` weighs: the least cost wins, and of equal ones the plan that was
considered first, which is the device's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from router.attempt import HAND_BACK_S
from router.constraints import Closed
from router.keeping import terms_of_keeping
from router.objective import Candidate, Expectation, Prospect, cascade, cost, prospect, single, with_fallback
from router.plan import Escalation, Leg, Plan
from router.policy import Policy, Worth
from router.ruling import Ruling
from router.spending import drain, priced
from router.types import Kind, Mode, Situation, TargetView

__all__ = ["in_order", "weigh"]


def _prospects(policy: Policy, situation: Situation, feasible: Iterable[TargetView]) -> dict[str, Prospect]:
    return {
        view.name: prospect(
            view.name,
            view.time.quantiles_s,
            view.p_wrong,
            view.p_fail,
            view.upload_bytes,
            policy.terms_for(view.name, view.kind),
            *drain(policy, situation, view),
        )
        for view in feasible
    }


def _remotes_by_cost(
    worth: Worth, prospects: dict[str, Prospect], feasible: Sequence[TargetView], left_s: float
) -> list[TargetView]:
    remotes = [view for view in feasible if view.kind is not Kind.DEVICE]
    if len(remotes) > 1:
        remotes.sort(key=lambda view: (cost(single(prospects[view.name], left_s), worth), view.name))
    return remotes


def in_order(policy: Policy, situation: Situation, feasible: Sequence[TargetView], mode: Mode) -> tuple[Plan, str]:
    """Return the plan of a fixed mode, and the name of its first target."""
    left_s = situation.request.deadline - situation.now
    device = [view for view in feasible if view.kind is Kind.DEVICE]
    prospects = _prospects(policy, situation, feasible)
    remotes = _remotes_by_cost(priced(policy, situation), prospects, feasible, left_s)
    order = [*remotes, *device] if mode in (Mode.PREFER_IN_CLOUD, Mode.ONLY_IN_CLOUD) else [*device, *remotes]
    if situation.promise is None:
        return Plan(_legs(order, left_s)), order[0].name
    why = f"mode {mode.value} keeps every answer of the device"
    return Plan(_legs(order, left_s), None, False, why), order[0].name


def weigh(
    policy: Policy,
    situation: Situation,
    feasible: Sequence[TargetView],
    ruling: Ruling,
    closed: Sequence[Closed],
) -> tuple[Plan, str, tuple[Candidate, ...]]:
    """Return the cheapest plan, its name, and all that was weighed, the cheapest first."""
    terms = terms_of_keeping(policy, situation, ruling, closed)
    escalation = terms.escalation
    left_s = situation.request.deadline - situation.now
    prospects = _prospects(policy, situation, feasible)
    device = next((view for view in feasible if view.kind is Kind.DEVICE), None)
    worth = priced(policy, situation)
    remotes = _remotes_by_cost(worth, prospects, feasible, left_s)
    if escalation is not None and not situation.request.can_score:
        escalation = None
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
