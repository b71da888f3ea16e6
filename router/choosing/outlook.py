"""What a decision sees of each feasible target: its prospect, and the remote ones by what asking them costs. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from router.choosing.backing import backed_up, holds
from router.choosing.objective import Expectation, Prospect, cost, prospect, single, with_fallback
from router.rules.policy import Policy, Worth
from router.running.waiting import before_s, reserve_s
from router.spending.energy import extra_j
from router.spending.prospects import draining, priced
from router.types import Kind, Situation, TargetView
from router.values import value

__all__ = ["Outlook", "expect", "look", "waits"]


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
            backup_s=before_s(policy, view.time),
            holds=policy.backup.holds,
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


def expect(order: Sequence[TargetView], prospects: dict[str, Prospect], left_s: float, worth: Worth) -> Expectation:
    """Return what is expected of asking targets in this order; only the first two count."""
    first = prospects[order[0].name]
    if len(order) == 1:
        return single(first, left_s)
    second = prospects[order[1].name]
    if second.backup_s is not None and first.radio:
        return backed_up(first, second, left_s, second.backup_s, worth)
    return with_fallback(first, second, left_s, reserve_s(order[0], order[1], left_s))


def waits(order: Sequence[TargetView], seen: Outlook) -> bool:
    """Tell whether an answer of the device, started beside the first of these, is to wait for that one's."""
    first, device = seen.prospects[order[0].name], seen.device
    if device is None or not first.radio:
        return False
    behind = seen.prospects[device.name]
    return behind.backup_s is not None and holds(first, behind, seen.left_s, behind.backup_s, seen.worth)
