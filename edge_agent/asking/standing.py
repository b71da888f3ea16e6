"""The last decision of a desk, and what it holds for: requests that come while nothing was learnt, spent or read.

Whatever a decision sees beside its own request is kept by somebody who knows when it may look otherwise: after an
instant, and after a change, of which a number tells that rises. Looking at the instants and the numbers is all that the
next request needs. Deciding it anew would give the same: router/choosing/memo.py says for which requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from router.choosing.engine import Decision
from router.types import BudgetView, Previous, Reading, Request, Situation
from router.values import value

if TYPE_CHECKING:
    from router.spending.radio import WakeLog

__all__ = ["Standing", "again"]


@value
class Standing:
    """See the module. `since` and `until` bound the instants, `until` beyond them; `learnt` and `promised` are the
    numbers of the experience and of the release's book, `budgets` and `wakes` what the ledger had."""

    decision: Decision
    since: float
    until: float
    left_s: float
    ample_s: float
    readings: Mapping[str, Reading]
    upload_bytes: int
    rows: int
    learnt: int
    promised: int
    budgets: tuple[BudgetView, ...]
    wakes: WakeLog
    previous: Previous | None


def again(decision: Decision, request: Request, now: float, draw: float | None) -> Decision:
    """Return a decision for another request that sees all else as the first one did."""
    seen = decision.situation
    return Decision(
        decision.plan,
        decision.choice,
        decision.mode,
        decision.rules,
        decision.closed,
        decision.candidates,
        decision.readings,
        decision.policy_digest,
        Situation(
            request,
            seen.readings,
            seen.targets,
            seen.p_escalate,
            now,
            seen.promise,
            seen.radio,
            seen.device_w,
            seen.budgets,
            seen.silent_wakes,
            draw,
            seen.previous,
            seen.thresholds,
        ),
        decision.chosen_by,
        decision.propensity,
        decision.awake_worth,
        decision.probabilities,
    )
