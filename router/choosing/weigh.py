"""The plans that there are among what is feasible, what each is expected to cost, and the one that is taken. Pure.

A fixed mode only puts targets in its order. `auto` weighs: the least cost wins, and of equal ones the plan that was
considered first, which is the device's. Then come, where the policy asks for them, staying with the last choice and the
draw of one plan at random: both among what was weighed, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from router.choosing.closed import Closed
from router.choosing.explore import drawn, propensity
from router.choosing.hysteresis import dwells, stays
from router.choosing.keeping import Keeping, terms_of_keeping
from router.choosing.objective import Candidate
from router.choosing.options import Option, options
from router.choosing.outlook import Outlook, look, waits
from router.choosing.plan import Escalation, Plan
from router.choosing.ruling import Ruling
from router.rules.policy import Policy
from router.running.waiting import beside, legs
from router.types import Mode, Situation, TargetView
from router.values import value

__all__ = ["Chosen", "ChosenBy", "in_order", "weigh"]

ChosenBy = Literal["cost", "held", "draw", "audit", "order"]
"""Why a plan was taken: it costs least; it was the last choice; it was drawn to explore, or for an audit; by a fixed
mode's order."""


_BY_COST: ChosenBy = "cost"


@value
class Chosen:
    """A plan, and how it came to be taken. See engine.Decision."""

    plan: Plan | None
    choice: str
    by: ChosenBy
    candidates: tuple[Candidate, ...] = ()
    propensity: float = 1.0
    awake_worth: float = 0.0
    probabilities: tuple[float, ...] = ()


def in_order(policy: Policy, situation: Situation, feasible: Sequence[TargetView], mode: Mode) -> Chosen:
    """Return the plan of a fixed mode."""
    seen = look(policy, situation, feasible)
    device = [] if seen.device is None else [seen.device]
    remotes_first = mode in (Mode.PREFER_IN_CLOUD, Mode.ONLY_IN_CLOUD)
    order = [*seen.remotes, *device] if remotes_first else [*device, *seen.remotes]
    by: ChosenBy = "order"
    previous = situation.previous
    if previous is not None and previous.first != order[0].name and dwells(policy.hysteresis, situation):
        held = next((view for view in order if view.name == previous.first), None)
        if held is not None:
            order.remove(held)
            order.insert(0, held)
            by = "held"
    promised, why = None, ""
    if situation.promise is not None:
        promised, why = False, f"mode {mode.value} keeps every answer of the device"
    plan = Plan(legs(order, seen.left_s), None, promised, why, None, None, *beside(policy, order, waits(order, seen)))
    return Chosen(plan, order[0].name, by)


def weigh(
    policy: Policy,
    situation: Situation,
    feasible: Sequence[TargetView],
    ruling: Ruling,
    closed: Sequence[Closed],
) -> Chosen:
    """Return the plan that is taken, and all that was weighed: the choice first, and then the cheapest."""
    terms = terms_of_keeping(policy, situation, ruling, closed)
    seen = look(policy, situation, feasible)
    weighed, awake_worth = options(policy, situation, seen, terms)
    # What is drawn for an audit runs on the device, whatever would cost less: else nobody watched while the cloud is
    # cheap, and no certificate could be made of what came then.
    audits_both = situation.request.audit and terms.by == "gain"
    # Stable: of equal costs the first considered stays first.
    weighed.sort(key=lambda option: (audits_both and option.asks is None, option.candidate.cost))
    greedy, by = weighed[0], _BY_COST
    kept = stays(policy.hysteresis, situation, [o.candidate.name for o in weighed], [o.candidate.cost for o in weighed])
    if kept:
        greedy, by = weighed[kept], "held"
    chosen, by, probabilities = _drawn(policy, situation, weighed, greedy, by, audits_both)
    plan = _plan(policy, situation, seen, terms, chosen)
    name = chosen.candidate.name
    candidates = tuple(option.candidate for option in weighed)
    probability = probabilities[0] if probabilities else 1.0
    return Chosen(plan, name, by, candidates, probability, awake_worth, probabilities)


def _drawn(
    policy: Policy, situation: Situation, weighed: list[Option], greedy: Option, by: ChosenBy, audits_both: bool
) -> tuple[Option, ChosenBy, tuple[float, ...]]:
    """Return what is taken, which becomes the first of those `weighed`, and with which probability each of them was to
    be: nothing where nothing was drawn."""
    share, draw = policy.explores, situation.draw
    chosen, arms = greedy, 0
    if audits_both and greedy.asks is not None:
        by = "audit"
    elif share and draw is not None:
        # A plan that only adds a wake is no other arm: its targets are those of the plan without.
        among = [option for option in weighed if option.wakes is None]
        arms = len(among)
        index = drawn(share, draw, arms)
        if index is not None:
            chosen, by = among[index], "draw"
    if chosen is not weighed[0]:
        weighed.remove(chosen)
        weighed.insert(0, chosen)
    if not arms:
        return chosen, by, ()
    return chosen, by, tuple(propensity(share, arms, greedy=o is greedy, among=o.wakes is None) for o in weighed)


def _plan(policy: Policy, situation: Situation, seen: Outlook, terms: Keeping, chosen: Option) -> Plan:
    asking: Escalation | None = None
    escalation = terms.escalation if situation.request.can_score else None
    if escalation is not None and (chosen.asks is not None or (terms.by == "gain" and seen.device is not None)):
        # On certified terms an answer that is kept because nobody can be asked is looked at as well: the certificate
        # covers those that would have stayed in any case.
        if chosen.asks is None:
            asking = Escalation(None, escalation.below, terms.by)
        else:
            asking = Escalation(chosen.asks.name, chosen.below, terms.by)
    wake = None if chosen.wakes is None else chosen.wakes.name
    promised, why, audit = None, "", None
    if situation.promise is not None:
        promised, why = not terms.why_not, terms.why_not
        # Only answers that are kept on certified terms say something of the promise, or of the next one.
        watched = situation.request.audit and seen.remotes and (terms.alarm or not terms.why_not)
        audit = seen.remotes[0].name if watched else None
    order = chosen.order
    return Plan(
        legs(order, seen.left_s), asking, promised, why, audit, wake, *beside(policy, order, waits(order, seen))
    )
