"""What must not be broken: who may see a request, what may be spent, and how much accuracy may be lost. Pure.

Held to is what the baseline kept, by the baseline's own words: a candidate that asks for less has not kept it. What the
baseline itself broke in these runs cannot be a reason against whoever follows it; it is told, and not judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from router.gate.criterion import Criterion, kept_or_not
from router.gate.paired import Sample
from router.rules.policy import Policy
from router.simulate.meter import HOUR_S, Meter
from router.simulate.tally import Block
from router.types import Resource

if TYPE_CHECKING:  # where the document enters pydantic does
    from router.telling.difference import Looser

__all__ = ["accuracy", "budgets", "privacy"]

_OVER: Final = 0.02
"""Calls that are under way when a budget is used up are not taken back."""
_UNITS: Final = {Resource.ENERGY: "J", Resource.MONEY: "$", Resource.BYTES: "MB"}


def privacy(looser: Sequence[Looser]) -> Criterion:
    """Say whether some label lets more targets see a request than before."""
    return kept_or_not("privacy", "", "no label lets more targets see a request", "; ".join(map(str, looser)))


def budgets(
    scenario: str, baseline: Policy, candidate: Policy, before: Sequence[Meter], after: Sequence[Meter]
) -> Iterator[Criterion]:
    """Say of each budget whether every device kept it in every hour or day; of one that only the candidate has, too."""
    old, new = ({terms.resource: terms for terms in policy.budgets} for policy in (baseline, candidate))
    for resource in Resource:
        terms = old.get(resource) or new.get(resource)
        if terms is None:
            continue
        most, others = (
            max((m.most(resource, terms.period_s) for m in meters), default=0.0) for meters in (after, before)
        )
        period = "hour" if terms.period_s <= HOUR_S else "day"
        limit = terms.amount
        about = f"no device spends more than {limit:g} {_UNITS[resource]} in any {period}"
        if resource in old and others > limit:
            limit = others
            about += f"; the baseline itself spent {others:g}"
        over = most > limit * (1 + _OVER)
        broken = f"one spent {most:.4g} {_UNITS[resource]}" if over else ""
        yield kept_or_not(f"budget {resource.value}", scenario, about, broken)


def accuracy(sample: Sample, baseline: Policy, candidate: Policy, error: float) -> Iterator[Criterion]:
    """Say whether what a certificate covered lost more than was promised, beyond what chance explains, and whether as
    much is promised as before."""
    old, new = baseline.promise, candidate.promise
    if old is not None and (new is None or new.max_loss > old.max_loss or new.confidence < old.confidence):
        said = "nothing" if new is None else f"{new.max_loss:g} with confidence {new.confidence:g}"
        about = f"a loss of at most {old.max_loss:g} is promised, with confidence {old.confidence:g}"
        yield kept_or_not("promise", sample.name, about, f"the candidate promises {said}")
        return
    if new is None:
        return
    max_loss = new.max_loss if old is None else old.max_loss
    about = f"what a certificate covers loses at most {max_loss:g} of the right answers"
    before, lost = (sample.ratio(of, _lost, _covered) for of in ("baseline", "candidate"))
    broken = ""
    if lost is not None and lost.low(error) > max_loss:
        broken = f"it loses {lost.value:.4g}"
        if old is not None and before is not None and before.low(error) > max_loss:
            about, broken = f"{about}; the baseline broke it as well", ""
    yield kept_or_not("promise", sample.name, about, broken)


def _lost(block: Block) -> float:
    return block.promised_lost


def _covered(block: Block) -> int:
    return block.promised
