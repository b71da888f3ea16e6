"""`decide`: from a policy and a situation to the plan for one request, with every reason. Pure.

The stages, in order, none of which reopens what an earlier one closed: rules over the readings, hard constraints, then
a choice among what is left. Equal policies and situations give equal decisions; of plans that cost the same the one
that stands first wins, and the device's stand first."""

from __future__ import annotations

from typing import Final

from router.choosing.closed import Closed
from router.choosing.constraints import close
from router.choosing.objective import Candidate
from router.choosing.plan import Plan
from router.choosing.ruling import ReadingUsed, Sighted, rule, sight
from router.choosing.weigh import Chosen, ChosenBy, in_order, weigh
from router.rules.policy import Policy
from router.spending.energy import Basis
from router.types import Mode, Situation
from router.values import value

__all__ = ["Decision", "ReadingUsed", "decide"]


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
    """What was weighed: the choice first, then the cheapest. Empty where a mode fixed the order."""
    readings: tuple[ReadingUsed, ...]
    policy_digest: str
    situation: Situation
    chosen_by: ChosenBy = "cost"
    propensity: float = 1.0
    """The probability with which this plan was taken, before the draw: less than 1 only where the policy explores."""
    awake_worth: float = 0.0
    """Gamma: what leaving the radio awake is worth to the next request; credited to plans that do."""
    probabilities: tuple[float, ...] = ()
    """With which probability each of the candidates was to be taken, in their order, before the draw; empty where
    nothing was drawn for the request."""

    @property
    def energy_basis(self) -> Basis:
        """Whether the device's joules were counted with watts that were measured, or with the profile's."""
        return "profile" if self.situation.device_w is None else "measured"


_NOTHING: Final = Chosen(None, "none", "cost")


def decide(policy: Policy, situation: Situation, sighted: Sighted | None = None) -> Decision:
    """Decide for one request. `sighted` is what `sight` returned, where somebody knows it already."""
    if sighted is None:
        sighted = sight(policy, situation)
    ruling = rule(policy, situation, sighted)
    feasible, closed = close(policy, situation, ruling.mode, ruling.forbidden)
    chosen = _NOTHING
    if feasible and ruling.mode is Mode.AUTO:
        chosen = weigh(policy, situation, feasible, ruling, closed)
    elif feasible:
        chosen = in_order(policy, situation, feasible, ruling.mode)
    return Decision(
        chosen.plan,
        chosen.choice,
        ruling.mode,
        ruling.applied,
        closed,
        chosen.candidates,
        sighted.used,
        policy.digest,
        situation,
        chosen.by,
        chosen.propensity,
        chosen.awake_worth,
        chosen.probabilities,
    )
