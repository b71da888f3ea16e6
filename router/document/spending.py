"""From the tables `[budgets.*]` to the terms that they set."""

from __future__ import annotations

from typing import Final

from router.document.budgets import BudgetsPart, BytesBudgetPart, EnergyBudgetPart, MoneyBudgetPart
from router.errors import Fault
from router.spending.budget import BudgetTerms
from router.types import Resource

__all__ = ["budget_terms"]

_PERIOD_S: Final = {"hour": 3600.0, "day": 86_400.0}
# Of the whole amount, in the policy's currency: see the reasons in budgets.py.
_LEAST: Final = 1e-3
_MOST: Final = 1e6


def budget_terms(part: BudgetsPart, faults: list[Fault]) -> tuple[BudgetTerms, ...]:
    """Return the budgets that a policy sets. Bounds of a price that are none are added to `faults`."""
    found: list[BudgetTerms] = []
    if part.energy is not None:
        found.append(_terms(Resource.ENERGY, faults, part.energy, part.energy.amount_j, part.energy.charging_w))
    if part.money is not None:
        found.append(_terms(Resource.MONEY, faults, part.money, part.money.amount_usd))
    if part.bytes is not None:
        found.append(_terms(Resource.BYTES, faults, part.bytes, part.bytes.amount_mb))
    return tuple(found)


def _terms(
    resource: Resource,
    faults: list[Fault],
    part: EnergyBudgetPart | MoneyBudgetPart | BytesBudgetPart,
    amount: float,
    charging_w: float = 0.0,
) -> BudgetTerms:
    path, period_s = f"budgets.{resource.value}", _PERIOD_S[part.per]
    least = _LEAST / amount if part.price_min is None else part.price_min
    most = _MOST / amount if part.price_max is None else part.price_max
    if least <= 0:
        faults.append(Fault(f"{path}.price_min", "a price of nothing can never rise; give a small one"))
    elif least > most:
        given = f"{path}.price_min" if part.price_min is not None else f"{path}.price_max"
        faults.append(Fault(given, f"the least price is {least:g}, above the highest, {most:g}"))
    if part.step_s > period_s:
        problem = f"the period is over before the price moves: it lasts {period_s:g} s"
        faults.append(Fault(f"{path}.step_s", problem))
    said = "at_zero" in part.model_fields_set
    return BudgetTerms(resource, amount, period_s, part.eta, least, most, part.step_s, part.at_zero, charging_w, said)
