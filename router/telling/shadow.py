"""What a second policy would have done where another one acted. Pure, and nobody acts on it.

The second one decides in the very situation in which the first did: with its readings, estimates and draws, and with
what is left of its budgets. So it sees the world that the other has made: a radio is awake because that one called, a
budget is spent because that one spent. `blind_spots` names the parts of a policy for which that counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from router.choosing.closed import Closed, Constraint
from router.choosing.engine import Decision
from router.choosing.plan import Plan
from router.rules.policy import Policy
from router.running.attempt import Outcome
from router.telling.counterfactual import same_choice
from router.types import Mode
from router.values import value

__all__ = ["ShadowChoice", "Why", "beside", "blind_spots"]

Why = Constraint | Literal["draw", "held", "audit", "threshold", "cost"]
"""What the choices part at: the mode, or what else closes a target under one of the two; that one of them was drawn,
stayed with or audited; the threshold on the device's score, which lies between theirs; or costs."""


@value
class ShadowChoice:
    """What a policy would have done that did nothing. `why` is None where that is what was done.

    "threshold" stands for the same plan, by which this very score of the device's would have been judged otherwise;
    all else for another plan, whatever it would have come to."""

    policy_name: str
    policy_version: int
    policy_digest: str
    plan: Plan | None
    choice: str
    mode: Mode
    rules: tuple[str, ...]
    why: Why | None

    @property
    def agrees(self) -> bool:
        """Whether it would have done what was done."""
        return self.why is None

    def __str__(self) -> str:
        return "agrees" if self.why is None else f"{self.choice} ({self.why.replace('_', ' ')})"


def beside(policy: Policy, decided: Decision, acted: Decision, outcome: Outcome | None) -> ShadowChoice:
    """Return what `policy`, which `decided` in the situation of what was `acted`, makes of the request otherwise.

    `outcome` is what came of it; where there is none, thresholds are not told apart."""
    return ShadowChoice(
        policy.name,
        policy.version,
        policy.digest,
        decided.plan,
        decided.choice,
        decided.mode,
        decided.rules,
        _why(decided, acted, outcome),
    )


def _why(decided: Decision, acted: Decision, outcome: Outcome | None) -> Why | None:
    if same_choice(decided, acted):
        return "threshold" if _score_between(decided.plan, acted.plan, outcome) else None
    if decided.mode is not acted.mode:
        return Constraint.MODE
    closed = _closed_by_one(decided.closed, acted.closed) or _closed_by_one(acted.closed, decided.closed)
    if closed is not None:
        return closed
    for by in (decided.chosen_by, acted.chosen_by):
        if by in ("draw", "held", "audit"):
            return by
    return "cost"


def _closed_by_one(closed: Sequence[Closed], others: Sequence[Closed]) -> Constraint | None:
    """Return what closes the first target that is not among the others."""
    closed_there = {part.target for part in others}
    return next((part.constraint for part in closed if part.target not in closed_there), None)


def _score_between(decided: Plan | None, acted: Plan | None, outcome: Outcome | None) -> bool:
    """Tell whether the device's answer would have been kept by one of the plans, and not by the other."""
    if decided is None or acted is None or outcome is None or outcome.score is None:
        return False
    ours, theirs = decided.escalation, acted.escalation
    if ours is None or theirs is None or ours.by != theirs.by:
        return False
    return ours.is_certain(outcome.score) is not theirs.is_certain(outcome.score)


def blind_spots(shadow: Policy, acting: Policy) -> tuple[str, ...]:
    """Return, in words, the parts of a shadow's policy that count for less than they would if it acted."""
    return tuple(_blind_spots(shadow, acting))


def _blind_spots(shadow: Policy, acting: Policy) -> Iterator[str]:
    spent = {terms.resource for terms in acting.budgets}
    for terms in shadow.budgets:
        name = terms.resource.value
        if terms.resource in spent:
            yield f"budgets.{name}: stands as the policy in force spends it"
        else:
            yield f"budgets.{name}: the policy in force has none, so nothing is ever spent of it"
    if shadow.explores and not acting.explores:
        yield "exploration.share: the policy in force does not explore, so no request is drawn"
    if shadow.hysteresis is not None:
        if acting.hysteresis is None:
            yield "hysteresis: the policy in force has none, so there is no last choice to stay with"
        else:
            yield "hysteresis: the last choice is that of the policy in force"
    if shadow.promise is not None and shadow.promise != acting.promise:
        if acting.promise is None:
            yield "promise: the policy in force asks for none, so it decides as if it asked for none"
        else:
            yield "promise: on the terms of the policy in force"
    if shadow.radio.wake and not acting.radio.wake:
        yield "radio.wake: the policy in force wakes no radio, so it is asleep as often as that lets it"
    if shadow.breaker != acting.breaker:
        yield "breaker: opens by the settings of the policy in force"
    if shadow.estimates != acting.estimates or not shadow.believes_the_same_of_targets(acting):
        yield "targets, estimates: times are believed and learnt as the policy in force says"
