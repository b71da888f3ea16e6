"""What a decision sees of each feasible target: its prospect, and the remote ones by what asking them costs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from router.attempt import HAND_BACK_S
from router.energy import extra_j
from router.objective import Expectation, Prospect, cost, prospect, single, with_fallback
from router.policy import Policy, Worth
from router.spending import draining, priced
from router.types import Kind, Situation, TargetView
from router.values import value

__all__ = ["Outlook", "expect", "look", "reserve_s"]


@value
class Outlook:
    """The feasible targets of one request. `worth` has the prices of the budgets in it; the remotes are in order of
    cost."""

    left_s: float
    worth: Worth
    prospects: dict[str, Prospect]
    device: TargetView | None
    remotes: list[TargetView]


def look(policy: Policy, situation: Situation, feasible: Sequence[TargetView]) -> Outlook:
    """Return what there is to weigh."""
    left_s = situation.request.deadline - situation.now
    worth = priced(policy, situation)
    device_w, remote_w, power, idle = draining(policy, situation)
    prospects = {
        view.name: prospect(
            view.name,
            view.time.quantiles_s,
            view.p_wrong,
            view.p_fail,
            view.upload_bytes,
            policy.terms_for(view.name, view.kind),
            device_w,
        )
        if view.kind is Kind.DEVICE
        else prospect(
            view.name,
            view.time.quantiles_s,
            view.p_wrong,
            view.p_fail,
            view.upload_bytes,
            policy.terms_for(view.name, view.kind),
            remote_w,
            extra_j(power, view.upload_bytes, view.download_bytes or 0, idle),
            1.0,
        )
        for view in feasible
    }
    device = next((view for view in feasible if view.kind is Kind.DEVICE), None)
    remotes = [view for view in feasible if view.kind is not Kind.DEVICE]
    if len(remotes) > 1:
        remotes.sort(key=lambda view: (cost(single(prospects[view.name], left_s), worth), view.name))
    return Outlook(left_s, worth, prospects, device, remotes)


def expect(order: Sequence[TargetView], prospects: dict[str, Prospect], left_s: float) -> Expectation:
    """Return what is expected of asking targets in this order; only the first two count."""
    first = prospects[order[0].name]
    if len(order) == 1:
        return single(first, left_s)
    return with_fallback(first, prospects[order[1].name], left_s, reserve_s(order[0], order[1], left_s))


def reserve_s(view: TargetView, behind: TargetView, left_s: float) -> float:
    """Return how long before the deadline `view` is given up for `behind`: what that needs in 19 of 20 cases, but at
    most half of the time left, so that a target that is asked at all gets a fair share."""
    if view.kind is Kind.DEVICE:
        return 0.0  # it answers or fails; waiting longer for a remote would not make it quicker
    return min(behind.time.pessimistic_s + HAND_BACK_S, max(0.0, left_s) / 2)
