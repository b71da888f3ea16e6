"""What a plan does while a target is waited for: when the next one's turn comes, what is started beside it. Pure.

A remote target with the device behind it is not given up for it: the device is started at the latest instant at which
it is still in time, and both go on. A hedge asks the next leg earlier than that, and only where nothing speaks against
asking one more: neither target is being probed, and neither asked to be left alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from router.choosing.plan import Backup, Hedge, Leg, Retry
from router.rules.policy import Policy
from router.running.attempt import HAND_BACK_S
from router.types import BreakerPhase, Kind, TargetView, TimeEstimate

__all__ = [
    "COLD_S",
    "backup",
    "before_s",
    "beside",
    "hedge",
    "latest_quantile_s",
    "legs",
    "normal_quantile",
    "reserve_s",
    "retry",
]

_Z75: Final = 0.6744897501960817  # the standard normal's 75 % quantile
_Z95: Final = 1.6448536269514722
_LEAST_S: Final = 1e-9
# A device that has waited for a remote target begins cold: its caches are others', its clock is low. On two shared
# cores a run of 0.1 ms took 4 to 6 ms after a wait of 140 ms, and stopping the call as long again.
COLD_S: Final = 0.010


def legs(order: Sequence[TargetView], left_s: float) -> tuple[Leg, ...]:
    """Return the legs of a plan that asks `order`, with `left_s` to the deadline."""
    found = [Leg(view.name, _given_up_s(view, behind, left_s)) for view, behind in pairwise(order)]
    found.append(Leg(order[-1].name))
    return tuple(found)


def _given_up_s(view: TargetView, behind: TargetView, left_s: float) -> float:
    return 0.0 if behind.kind is Kind.DEVICE else reserve_s(view, behind, left_s)


def beside(
    policy: Policy, order: Sequence[TargetView], holds: bool
) -> tuple[Backup | None, Hedge | None, Retry | None]:
    """Return what else is done for a request whose plan asks `order`; see Backup for `holds`."""
    return backup(policy, order, holds), hedge(policy, order), retry(policy, order)


def reserve_s(view: TargetView, behind: TargetView, left_s: float) -> float:
    """Return how long before the deadline `view` is given up for `behind`: what that needs in 19 of 20 cases, but at
    most half of the time left, so that a target that is asked at all gets a fair share."""
    if view.kind is Kind.DEVICE:
        return 0.0  # it answers or fails; waiting longer for a remote would not make it quicker
    return min(behind.time.pessimistic_s + HAND_BACK_S, max(0.0, left_s) / 2)


def backup(policy: Policy, order: Sequence[TargetView], holds: bool) -> Backup | None:
    """Return when the device is started beside the remote targets before it; None where there are none."""
    device = next((view for view in order if view.kind is Kind.DEVICE), None)
    if device is None or order[0] is device:
        return None
    return Backup(before_s(policy, device.time), holds)


def before_s(policy: Policy, device: TimeEstimate) -> float:
    """Return how long before the deadline a device of these times is started beside a remote target."""
    return latest_quantile_s(device, policy.backup.z) + COLD_S + HAND_BACK_S


def hedge(policy: Policy, order: Sequence[TargetView]) -> Hedge | None:
    """Return who is asked beside the first of `order`, and when; None where the policy has no hedges, or something
    speaks against one."""
    if policy.hedge is None or len(order) < 2:
        return None
    first, second = order[0], order[1]
    for view in (first, second):
        if view.breaker is not BreakerPhase.CLOSED or view.pushback_s > 0 or view.stay_local_s > 0:
            return None
    return Hedge(second.name, first.time.pessimistic_s)


def retry(policy: Policy, order: Sequence[TargetView]) -> Retry | None:
    """Return how a target that could not be reached is asked again; None where the plan has no remote target."""
    terms = policy.retry
    remote = len(order) > 1 or order[0].kind is not Kind.DEVICE
    return Retry(terms.attempts, terms.base_s, terms.max_s) if remote and terms.attempts > 1 else None


def latest_quantile_s(time: TimeEstimate, z: float) -> float:
    """Return the quantile of `time` at the standard normal's `z`, from 0 on.

    Between the quantiles that an estimate carries it is as log-normal as they are; beyond the last it goes on as
    steeply as they do anywhere, which errs on the late side."""
    _, _, median, q75, q95 = time.quantiles_s
    if median < _LEAST_S:
        median, q75, q95 = max(median, _LEAST_S), max(q75, _LEAST_S), max(q95, _LEAST_S)
    steep = math.log(q95 / q75) / (_Z95 - _Z75)
    if z >= _Z95:
        overall = math.log(q95 / median) / _Z95
        return q95 * math.exp(max(steep, overall) * (z - _Z95))
    if z >= _Z75:
        return q75 * math.exp(steep * (z - _Z75))
    return median * math.exp(math.log(q75 / median) / _Z75 * z)


def normal_quantile(p: float) -> float:
    """Return the standard normal's quantile at `p`, for p from 1/2 on and below 1."""
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle / math.sqrt(2)) < 2 * p - 1 else (low, middle)
    return (low + high) / 2
