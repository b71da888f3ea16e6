"""What a request took, added up from what its calls sent and its runs drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from router.spending.expense import Expense
from router.types import Situation

if TYPE_CHECKING:
    from edge_agent.result import Sent
    from router.rules.policy import Policy

__all__ = ["expense_of"]


def expense_of(sent: Sequence[Sent], joules: float, policy: Policy, situation: Situation) -> Expense:
    """Return what a request took that `sent` so much. An audit is not its choice's doing, and does not count."""
    calls = [each for each in sent if not each.audit]
    if not calls:
        return Expense(joules, 0.0, 0, 0)
    kinds = {view.name: view.kind for view in situation.targets}
    return Expense(
        joules,
        sum(policy.terms_for(each.target, kinds[each.target]).usd_per_request for each in calls),
        sum(each.size_bytes for each in calls),
        sum(each.received_bytes for each in calls),
    )
