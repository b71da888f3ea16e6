"""What asking a target takes: energy, money and bytes; which budgets that leaves none for, and at what prices. Pure."""

from __future__ import annotations

from router.rules.policy import Policy, Worth
from router.spending.budget import BudgetTerms, view_of
from router.spending.energy import RadioPower, extra_j
from router.spending.radio import idle_s
from router.types import Kind, Resource, Situation, TargetView

__all__ = ["amount", "draining", "priced", "spends", "used_up"]


def draining(policy: Policy, situation: Situation) -> tuple[float, float, RadioPower, float]:
    """Return the watts that the device draws while it runs a model, and while a call is under way; what the radio draws
    beside; and for how long that has been idle."""
    radio = situation.radio
    power = policy.energy.power_of(None if radio is None else radio.kind)
    device_w = policy.energy.cpu_w if situation.device_w is None else situation.device_w
    return device_w, power.connected_w, power, idle_s(situation)


def amount(policy: Policy, situation: Situation, view: TargetView, resource: Resource) -> float:
    """Return what asking a target is expected to take: joules, dollars or megabytes."""
    if resource is Resource.ENERGY:
        device_w, remote_w, power, idle = draining(policy, situation)
        if view.kind is Kind.DEVICE:
            return device_w * view.time.median_s
        beside_j = extra_j(power, view.upload_bytes, view.download_bytes or 0, idle)
        return remote_w * view.time.median_s + beside_j
    if view.kind is Kind.DEVICE:
        return 0.0
    if resource is Resource.MONEY:
        return policy.terms_for(view.name, view.kind).usd_per_request
    return view.upload_bytes / 1e6


def used_up(policy: Policy, situation: Situation) -> tuple[BudgetTerms, ...]:
    """Return the budgets of which nothing is left."""
    return tuple(terms for terms in policy.budgets if view_of(terms, situation.budgets).left <= 0)


def spends(
    policy: Policy, situation: Situation, view: TargetView, budgets: tuple[BudgetTerms, ...]
) -> tuple[BudgetTerms, ...]:
    """Return which of the budgets asking a target would draw on."""
    return tuple(terms for terms in budgets if amount(policy, situation, view, terms.resource) > 0)


def priced(policy: Policy, situation: Situation) -> Worth:
    """Return what things are worth, with the prices of the budgets on top."""
    worth = policy.worth
    if not policy.budgets:
        return worth
    prices = {terms.resource: view_of(terms, situation.budgets).price for terms in policy.budgets}
    return Worth(
        worth.wrong_answer,
        worth.missed_deadline,
        worth.failed_request,
        worth.second,
        worth.dollar + prices.get(Resource.MONEY, 0.0),
        worth.megabyte + prices.get(Resource.BYTES, 0.0),
        worth.joule + prices.get(Resource.ENERGY, 0.0),
    )
