"""What asking a target takes: energy, money and bytes; which budgets that leaves none for, and at what prices. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from router.budget import BudgetTerms, view_of
from router.energy import extra_j
from router.policy import Policy, Worth
from router.radio import idle_s
from router.types import Kind, Resource, Situation, TargetView

__all__ = ["amount", "drain", "priced", "spends", "used_up"]

_PRICES: Final = {Resource.ENERGY: "joule", Resource.MONEY: "dollar", Resource.BYTES: "megabyte"}


def drain(policy: Policy, situation: Situation, view: TargetView) -> tuple[float, float]:
    """Return the watts that a target draws of the device while it is busy, and the joules that it takes beside."""
    if view.kind is Kind.DEVICE:
        return policy.energy.cpu_w if situation.device_w is None else situation.device_w, 0.0
    radio = situation.radio
    power = policy.energy.power_of(None if radio is None else radio.kind)
    return power.connected_w, extra_j(power, view.upload_bytes, view.download_bytes or 0, idle_s(situation))


def amount(policy: Policy, situation: Situation, view: TargetView, resource: Resource) -> float:
    """Return what asking a target is expected to take: joules, dollars or megabytes."""
    if resource is Resource.ENERGY:
        watts, extra = drain(policy, situation, view)
        return watts * view.time.median_s + extra
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
    raised = {
        _PRICES[terms.resource]: getattr(worth, _PRICES[terms.resource]) + view_of(terms, situation.budgets).price
        for terms in policy.budgets
    }
    return replace(worth, **raised)
