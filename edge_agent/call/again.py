"""In how many seconds the targets that were closed to a request are asked again, for the error that an app gets.

Not part of the decision: a decision is the same for as long as nothing has changed, and this changes with time."""

from __future__ import annotations

from collections.abc import Mapping

from edge_agent.call.setting import Setting
from router.choosing.closed import Closed, Constraint
from router.choosing.engine import Decision
from router.spending.prospects import spends, used_up
from router.types import Resource

__all__ = ["again_s"]


def again_s(setting: Setting, decision: Decision) -> Mapping[str, float]:
    """Return the seconds by target, for those of which they are known."""
    now, model = setting.clock(), decision.situation.request.model
    found: dict[str, float] = {}
    for closed in decision.closed:
        if closed.constraint is Constraint.BUDGET:
            seconds = None if setting.ledger is None else setting.ledger.renews_in_s(_spent(setting, decision, closed))
        else:
            seconds = setting.experience.again_s(closed, model, now)
        if seconds:
            found[closed.target] = seconds
    return found


def _spent(setting: Setting, decision: Decision, closed: Closed) -> list[Resource]:
    """Return which budgets closed a target: all of them have to be there again."""
    situation = decision.situation
    target = next(view for view in situation.targets if view.name == closed.target)
    return [terms.resource for terms in spends(setting.policy, situation, target, used_up(setting.policy, situation))]
