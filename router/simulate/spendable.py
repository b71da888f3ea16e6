"""What a whole run may spend at the most under a policy's budgets: what the bound on all of them may be told. Pure.

A policy keeps its budgets by its own books. Dollars are charged when a call begins, and none begins once they are gone,
so that a run spends what its hours or days allow and one call more in each. Of joules the books have what the policy
believes, and of bytes what is sent and not what comes back: a limit on these would not be one on what is truly spent,
and a bound that took it for one could be undercut. So they limit nothing here, which makes the bound no less true."""

from __future__ import annotations

import math
from collections.abc import Sequence

from router.rules.policy import Policy
from router.simulate.world import Setting
from router.types import Resource

__all__ = ["spendable"]


def spendable(setting: Setting, policies: Sequence[Policy]) -> tuple[float, float, float]:
    """Return the joules, dollars and megabytes that none of these policies spends more than; infinity: no limit."""
    return math.inf, max(_usd(setting, policy) for policy in policies), math.inf


def _usd(setting: Setting, policy: Policy) -> float:
    terms = next((terms for terms in policy.budgets if terms.resource is Resource.MONEY), None)
    if terms is None or terms.at_zero != "stop":
        return math.inf
    dearest, worst = 0.0, 1.0
    for server in setting.servers:
        charged = policy.terms_for(server.name, server.kind).usd_per_request
        if server.usd_per_request > 0 and charged <= 0:
            return math.inf  # its books do not have it at all
        dearest = max(dearest, charged)
        if charged > 0:
            worst = max(worst, server.usd_per_request / charged)
    longest_s = max((stream.deadline_s for stream in setting.streams), default=0.0)
    periods = math.floor((setting.duration_s + longest_s) / terms.period_s) + 1
    return worst * periods * (terms.amount + dearest)
