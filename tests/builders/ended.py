"""Requests that have ended, as an agent's metrics are told of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_agent.telemetry.counts import REFUSED
from edge_agent.telemetry.metrics import Metrics
from router.choosing.engine import Decision, ReadingUsed
from router.choosing.weigh import ChosenBy
from router.running.attempt import Ending, Failure, Outcome
from router.types import Mode, Request, Situation

__all__ = ["ended"]


def ended(
    metrics: Metrics,
    model: str = "digits",
    target: str | None = "device",
    outcome: str = "answered",
    seconds: float = 0.1,
    sent_bytes: Mapping[str, int] | None = None,
    *,
    failures: Sequence[Failure] = (),
    escalated: bool = False,
    late: bool = False,
    certified: bool | None = None,
    rules: tuple[str, ...] = (),
    applied: tuple[str, ...] = (),
    readings: tuple[ReadingUsed, ...] = (),
    chosen_by: ChosenBy = "cost",
) -> None:
    """Tell of one. `outcome` REFUSED: decided, and nothing could be asked."""
    situation = Situation(Request("r", model, None, 1.0, True), {}, (), None, 0.0)
    decision = Decision(
        None, "", Mode.AUTO, applied, (), (), readings, "sha256:0", situation, chosen_by=chosen_by
    )  # fmt: skip
    came = None
    if outcome != REFUSED:
        came = Outcome(Ending(outcome), target, tuple(failures), escalated, None, None, late, certified)
    metrics.ended(decision, rules, came, seconds, sent_bytes or {})
