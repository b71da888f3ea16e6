"""What came of a recorded request, and what had been expected of it: the figures that policies are compared by. Pure.

What was expected is the decision's own: from quantiles of times, shares of failures and an evaluation, as they stood
when the request came (router/choosing/objective.py). It is the direct model of the doubly robust estimate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from router.choosing.objective import Expectation, cost
from router.rules.policy import Policy
from router.running.attempt import Ending
from router.types import DEVICE
from router.values import value

if TYPE_CHECKING:  # its reader brings pydantic along, which nobody here needs
    from router.telling.record import Record

__all__ = ["FIGURES", "Compared", "Known", "expected_of", "known_of"]


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure, for one request; of all but `on_device` less is better. `name` is as `nearfar-policy gate` says it
    where that has it too."""

    name: str
    unit: str
    about: str


FIGURES: Final = (
    Compared("cost", "in the policy's worth", "what a request costs; its wrong answers as they were expected"),
    Compared("misses", "share", "answers after the deadline, or none until then"),
    Compared("failures", "share", "requests that nobody could answer"),
    Compared("on_device", "share", "answers of the device"),
    Compared("latency", "seconds", "the mean time of a request"),
    Compared("energy", "joules", "what a request draws from the battery"),
    Compared("money", "US dollars", "what a request costs for calls"),
    Compared("bytes", "bytes", "what a request sends and receives"),
)

Known = tuple[float | None, ...]
"""Of each figure what it was, or is expected to be; None where nobody knows."""


@value
class _Ended:
    missed: float
    failed: float
    on_device: float


def known_of(record: Record, policy: Policy, p_wrong: float | None) -> Known:
    """Return what came of a request. Costs are by the worth of `policy`; whether the answer was wrong nobody wrote
    down, so that `p_wrong`, what was expected of its plan, has to do."""
    ended, worth = _ended(record), policy.worth
    taken_s, expense = record.taken_s, record.expense
    if record.decision.plan is None:
        taken_s, joules, usd, size_bytes, sent_bytes = taken_s or 0.0, 0.0, 0.0, 0.0, 0.0
    elif expense is None or taken_s is None:
        return None, ended.missed, ended.failed, ended.on_device, taken_s, None, None, None
    else:
        joules, usd, sent_bytes = expense.joules, expense.usd, float(expense.sent_bytes)
        size_bytes = sent_bytes + expense.received_bytes
    whole = None
    if p_wrong is not None:
        whole = cost(Expectation(p_wrong, ended.missed, ended.failed, taken_s, usd, sent_bytes / 1e6, joules), worth)
    return whole, ended.missed, ended.failed, ended.on_device, taken_s, joules, usd, size_bytes


def expected_of(expected: Expectation, policy: Policy) -> Known:
    """Return what was expected of a plan."""
    e = expected
    # Where nothing is sent the device answers; where something is it mostly does not.
    on_device = 1 - e.radio
    return cost(e, policy.worth), e.p_miss, e.p_fail, on_device, e.seconds, e.joules, e.usd, e.megabytes * 1e6


def _ended(record: Record) -> _Ended:
    outcome = record.outcome
    if outcome is None:
        return _Ended(0.0, 1.0, 0.0)
    missed = outcome.late or outcome.ending is Ending.DEADLINE_EXCEEDED
    failed = outcome.ending is Ending.FAILED
    return _Ended(float(missed), float(failed), float(outcome.target == DEVICE))
