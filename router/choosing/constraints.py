"""Which targets may answer at all, and which of them is closed by what. Pure.

A closed target stays closed: nothing that comes later weighs it in again. The order of the checks is the order in which
reasons are given; what the label forbids is told first. Privacy fails closed; a missing signal closes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from router.choosing.ahead import time_after
from router.choosing.closed import Closed, Constraint
from router.rules.policy import Policy
from router.spending.budget import BudgetTerms
from router.spending.prospects import amount, spends, used_up
from router.telling.wording import in_ms
from router.types import BreakerPhase, Kind, Mode, Situation, TargetView

__all__ = ["close"]


_HOUR_S: Final = 3600.0
_MODE_CLOSES = {Mode.ONLY_ON_DEVICE: "remote targets", Mode.ONLY_IN_CLOUD: "the device"}


def close(
    policy: Policy, situation: Situation, mode: Mode, forbidden: Mapping[str, str]
) -> tuple[tuple[TargetView, ...], tuple[Closed, ...]]:
    """Return the feasible targets, and the closed ones with their reasons.

    `forbidden` maps a target's name or kind to the rule that forbids it. A target that asked to be left to those who
    need it is closed where another one can answer in time. Where time alone closes all that is left, the quickest stays
    open: to try is better than not to, and only what is run teaches that it has become quicker. Nor does time close for
    mode auto what only its radio's sleep makes late, where the device can answer: asked in vain it leaves the radio
    awake for those that follow. Under a promise it does, since who can be asked there has to be. A budget that is used
    up leaves one open only if the policy says so."""
    feasible: list[TargetView] = []
    closed: list[Closed] = []
    spared: list[TargetView] = []
    hurried: list[TargetView] = []
    asleep: list[TargetView] = []
    broke: list[tuple[TargetView, tuple[BudgetTerms, ...]]] = []
    left_s = situation.request.deadline - situation.now
    gone = used_up(policy, situation) if policy.budgets else ()
    wakes = mode is Mode.AUTO and situation.promise is None
    for target in situation.targets:
        reason = _closed_by(policy, situation, mode, forbidden, target)
        if reason is not None:
            closed.append(reason)
        elif gone and (over := spends(policy, situation, target, gone)):
            broke.append((target, over))
        elif target.time.optimistic_s > left_s:
            (asleep if wakes and _sleeps(target, left_s) else hurried).append(target)
        elif target.stay_local_s > 0:
            spared.append(target)
        else:
            feasible.append(target)
    if asleep:
        (feasible if any(view.kind is Kind.DEVICE for view in feasible) else hurried).extend(asleep)
    if broke:
        last = None if feasible or spared or hurried or left_s <= 0 else _least(policy, situation, broke)
        for target, over in broke:
            if target is last:
                feasible.append(target)
            else:
                period = "hour" if over[0].period_s <= _HOUR_S else "day"
                detail = f"the {over[0].resource.value} of this {period} is used up"
                closed.append(Closed(target.name, Constraint.BUDGET, detail))
    if not feasible:
        feasible, spared = spared, []
    if hurried and not feasible and left_s > 0:
        quickest = min(
            hurried, key=lambda target: (target.time.optimistic_s, target.kind is not Kind.DEVICE, target.name)
        )
        hurried.remove(quickest)
        feasible.append(quickest)
    for target in hurried:
        detail = f"needs {in_ms(target.time.optimistic_s)} at best, {in_ms(left_s)} are left"
        closed.append(Closed(target.name, Constraint.TIME, detail))
    for target in spared:
        detail = f"it asked, for {in_ms(target.stay_local_s)}, to be left to those who need it"
        closed.append(Closed(target.name, Constraint.STAY_LOCAL, detail))
    return tuple(feasible), tuple(closed)


def _sleeps(target: TargetView, left_s: float) -> bool:
    """Tell whether only its radio's sleep makes a target too late."""
    return target.stay_local_s <= 0 and time_after(target, 0.0).optimistic_s <= left_s


def _least(
    policy: Policy, situation: Situation, broke: Sequence[tuple[TargetView, tuple[BudgetTerms, ...]]]
) -> TargetView | None:
    """Return the target that takes the least of what is used up, where all that it takes may be taken nevertheless."""
    allowed = [(view, over) for view, over in broke if all(terms.at_zero == "least" for terms in over)]
    if not allowed:
        return None

    def takes(entry: tuple[TargetView, tuple[BudgetTerms, ...]]) -> tuple[float, bool, str]:
        view, over = entry
        shares = [amount(policy, situation, view, terms.resource) / terms.amount for terms in over]
        return max(shares), view.kind is not Kind.DEVICE, view.name

    return min(allowed, key=takes)[0]


def _closed_by(
    policy: Policy, situation: Situation, mode: Mode, forbidden: Mapping[str, str], target: TargetView
) -> Closed | None:
    name = target.name
    label = situation.request.label
    if not policy.permits(label, name, target.kind):
        named = f'label "{label}"' if label in policy.labels else "a missing or unknown label, the strictest,"
        return Closed(name, Constraint.LABEL, f"{named} does not permit it")
    remote = target.kind is not Kind.DEVICE
    if (mode is Mode.ONLY_ON_DEVICE and remote) or (mode is Mode.ONLY_IN_CLOUD and not remote):
        return Closed(name, Constraint.MODE, f"mode {mode.value} closes {_MODE_CLOSES[mode]}")
    rule = forbidden.get(name) or forbidden.get(target.kind.value)
    if rule is not None:
        return Closed(name, Constraint.RULE, f'rule "{rule}" forbids it')
    if not target.serves:
        return Closed(name, Constraint.NOT_SERVED, target.why_not)
    if target.upload_bytes > target.upload_limit_bytes:
        detail = f"{target.upload_bytes} bytes to send, {target.upload_limit_bytes} is the limit"
        return Closed(name, Constraint.TOO_LARGE, detail)
    if not target.breaker_admits:
        probing = target.breaker is BreakerPhase.HALF_OPEN
        detail = "another call is probing it" if probing else target.why_not or "it failed too often lately"
        return Closed(name, Constraint.BREAKER, detail)
    if target.pushback_s > 0:
        return Closed(
            name, Constraint.PUSHBACK, f"it refused a call, and asked for {in_ms(target.pushback_s)} of peace"
        )
    return None
