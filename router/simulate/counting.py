"""What a simulated request came to, in the terms that policies are judged by."""

from __future__ import annotations

from router.running.attempt import Ending, Outcome
from router.simulate.evaluation import Evaluation
from router.simulate.meter import Meter
from router.simulate.tally import Ended, Tally
from router.simulate.under_way import Pending
from router.simulate.workload import Arrival
from router.types import DEVICE

__all__ = ["Counting"]


class Counting:
    """One agent's."""

    def __init__(self, tally: Tally, meter: Meter, evaluation: Evaluation) -> None:
        self._tally = tally
        self._meter = meter
        self._reference = evaluation.reference

    def count(self, pending: Pending, outcome: Outcome | None, now: float) -> None:
        """Count a request that ended; without an outcome it was refused before anything ran."""
        arrival, decision = pending.arrival, pending.decision
        reference = self._reference[arrival.model]
        p_right = arrival.truth.p_right
        target, missed, failed, escalated = None, False, True, False
        if outcome is not None:
            target, escalated = outcome.target, outcome.escalated
            missed = outcome.ending is Ending.DEADLINE_EXCEEDED or outcome.late
            failed = outcome.ending is Ending.FAILED
        right = 0.0 if target is None else p_right[target]
        covered = decision.plan is not None and decision.plan.promised and target is not None
        self._meter.add(now, pending.joules, pending.usd, pending.sent_bytes + pending.received_bytes)
        self._tally.add(
            Ended(
                target,
                now - decision.situation.now,
                0.0 if target is None else 1 - right,
                0.0 if reference is None else p_right[reference] - right,
                missed,
                failed,
                escalated,
                pending.joules,
                pending.usd,
                pending.sent_bytes,
                pending.received_bytes,
                _lost(arrival, reference, target) if covered else None,
                pending.besides,
                decision.rules,
                pending.number,
            )
        )


def _lost(arrival: Arrival, reference: str | None, target: str | None) -> int:
    right = arrival.truth.right
    return 0 if reference is None or target != DEVICE else int(right[reference]) - int(right[DEVICE])
