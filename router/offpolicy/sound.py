"""Whether a record can be of something that was: its reader knows only the shape of each value. Pure.

Not whether it is true. Times that fall, shares above one, a thousand targets: arithmetic on such would end in errors or
in nonsense, and one line of nonsense is enough to spoil a mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from router.types import Kind, Situation, TargetView, signal

if TYPE_CHECKING:  # its reader brings pydantic along, which nobody here needs
    from router.telling.record import Record

__all__ = ["unsound"]

_MOST_TARGETS: Final = 64
_MOST_LISTED: Final = 1024
_ONE: Final = 1 + 1e-9
"""What a sum of probabilities may come to by rounding."""
_MOST: Final = 1e12
"""Of anything that is counted here: seconds, bytes, joules, dollars."""


def unsound(record: Record) -> str:
    """Return what of a record cannot have been; empty where all of it can."""
    return next(_problems(record), "")


def _problems(record: Record) -> Iterator[str]:
    decision, situation = record.decision, record.decision.situation
    targets = situation.targets
    if len(targets) > _MOST_TARGETS or len(decision.candidates) > 4 * _MOST_TARGETS:
        yield "more targets or plans than there can be"
    if len({view.name for view in targets}) < len(targets):
        yield "two targets of one name"
    if not -_MOST < situation.now < _MOST or not -_MOST < situation.request.deadline < _MOST:
        yield "an instant beyond all clocks"
    if record.began_utc is not None and not -_MOST < record.began_utc < _MOST:
        yield "an instant beyond all clocks"
    if decision.plan is not None and not decision.plan.legs:
        yield "a plan that asks nobody"
    for reading in situation.readings.values():
        described = signal(reading.name)
        # A name that is no signal here is one of another release, which no policy of this one speaks of.
        if described is not None and reading.value is not None and not described.can_be(reading.value):
            yield f"{described.name} is {described.may_be}"
    for view in targets:
        yield from _target(view)
    yield from _around(situation)
    for candidate in decision.candidates:
        e, cost = candidate.expected, candidate.cost
        # Each alone, and no loop over them: this is done for every plan of every record.
        if not (0 <= e.p_miss <= _ONE and 0 <= e.p_fail <= _ONE and -1 <= e.p_wrong <= _ONE):
            yield "a probability that is none"
        if not (-_MOST < cost < _MOST and 0 <= e.seconds < _MOST and 0 <= e.usd < _MOST):
            yield "an expectation beyond all measure"
        if not (0 <= e.megabytes < _MOST and 0 <= e.joules < _MOST and 0 <= e.radio <= _ONE):
            yield "an expectation beyond all measure"
    expense = record.expense
    if record.taken_s is not None and not 0 <= record.taken_s < _MOST:
        yield "a request that took no time that can be"
    if expense is not None:
        if not (0 <= expense.joules < _MOST and 0 <= expense.usd < _MOST):
            yield "an expense that cannot be"
        if not (0 <= expense.sent_bytes < _MOST and 0 <= expense.received_bytes < _MOST):
            yield "an expense that cannot be"


def _target(view: TargetView) -> Iterator[str]:
    if (view.kind is Kind.DEVICE) is not (view.name == Kind.DEVICE.value):
        yield "a device of another name"
    if len(view.times_after) > _MOST_LISTED:
        yield "more times than there can be"
    for quantiles in (view.time.quantiles_s, *(after.time.quantiles_s for after in view.times_after)):
        if not 0 <= quantiles[0] <= quantiles[1] <= quantiles[2] <= quantiles[3] <= quantiles[4] < _MOST:
            yield "times that fall"
    if not 0 <= view.p_fail <= 1 or not (view.p_wrong is None or 0 <= view.p_wrong <= 1):
        yield "a share that is none"
    if not 0 <= view.upload_bytes < _MOST or not 0 <= view.upload_limit_bytes < _MOST:
        yield "a size that is none"
    if view.download_bytes is not None and not 0 <= view.download_bytes < _MOST:
        yield "a size that is none"
    if not (0 <= view.stay_local_s < _MOST and 0 <= view.pushback_s < _MOST):
        yield "a pause that is none"
    if view.round_trip_s is not None and not 0 <= view.round_trip_s < _MOST:
        yield "a round trip that is none"


def _around(situation: Situation) -> Iterator[str]:
    if situation.p_escalate is not None and not 0 <= situation.p_escalate <= 1:
        yield "a share that is none"
    if situation.draw is not None and not 0 <= situation.draw < 1:
        yield "a draw that is none"
    if situation.device_w is not None and not 0 <= situation.device_w < _MOST:
        yield "a power that is none"
    if len(situation.thresholds) > _MOST_LISTED:
        yield "more thresholds than anybody evaluates"
    for found in situation.thresholds:
        if not (0 <= found.share <= 1 and -1 <= found.gain <= 1):
            yield "a threshold that nobody evaluated"
    for budget in situation.budgets:
        if not (-_MOST < budget.left < _MOST and 0 <= budget.price < _MOST):
            yield "a budget that is none"
    radio = situation.radio
    if radio is None:
        return
    if len(radio.gaps_s) > _MOST_LISTED or len(radio.wakes) > _MOST_LISTED:
        yield "more of the radio than there can be"
    least = 0.0
    for gap in radio.gaps_s:
        if not least <= gap < _MOST:
            yield "gaps between requests that cannot be"
        least = gap
    for wake in radio.wakes:
        if not 0 <= wake.idle_s < _MOST:
            yield "a silence that cannot be"
