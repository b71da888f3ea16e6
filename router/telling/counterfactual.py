"""What would have changed a decision: for each thing that could have been otherwise, the nearest value that would.

Pure. Found by deciding again. A number is tried at the lines that rules draw and on a grid that grows coarser with the
distance; between the last value that changes nothing and the first that does, the boundary is halved in. So each
answer is a decision that was made, at both sides of it; what changes and changes back within a step of the grid is not
seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from router.choosing.engine import Decision, decide
from router.rules.policy import Policy
from router.telling.knobs import Knob, knobs
from router.types import DEVICE, Kind, Value

__all__ = ["Change", "as_values", "changes", "done", "same_choice", "told", "where", "written"]

_STEPS = 40
_HALVINGS = 48
# A boundary is told to three digits; halving goes on until it is known so well.
_PRECISION = 1e-4


@dataclass(frozen=True, slots=True)
class Change:
    """One thing, and a value `at` which the decision is another, `instead`; `beside` is the nearest that changes
    nothing.

    `side`: "is" that value; or "above" or "below", where numbers that way were tried, and it is the nearest.
    `strict`: whatever is beyond `beside` changes it."""

    name: str
    unit: str
    now: Value | None
    side: Literal["is", "above", "below"]
    at: Value | None
    beside: Value | None
    instead: Decision
    strict: bool = False


def changes(policy: Policy, decision: Decision) -> Iterator[Change]:
    """Yield what would have changed `decision`, which `policy` made: of each knob the nearest value on either side."""
    for knob in knobs(policy, decision.situation):
        if knob.options:
            for option in knob.options:
                instead = decide(policy, knob.turned(option))
                if not same_choice(decision, instead):
                    yield Change(knob.name, knob.unit, knob.now, "is", option, knob.now, instead)
        else:
            yield from _numbers(policy, decision, knob)


def same_choice(one: Decision, other: Decision) -> bool:
    """Tell whether two decisions ask the same targets in the same order and on the same terms, whatever it costs and
    whatever is done while one waits: a backup's start moves with every estimate."""
    return _gist(one) == _gist(other)


def _gist(decision: Decision) -> object:
    plan = decision.plan
    if plan is None:
        return None
    asks = None if plan.escalation is None else (plan.escalation.to, plan.escalation.by)
    return decision.choice, [leg.target for leg in plan.legs], asks


def _numbers(policy: Policy, decision: Decision, knob: Knob) -> Iterator[Change]:
    def at(value: float) -> Decision:
        return decide(policy, knob.turned(value))

    known = isinstance(knob.now, int | float) and not isinstance(knob.now, bool)
    start = float(knob.now) if known and knob.now is not None else knob.low
    ends: list[tuple[Literal["above", "below"], float]] = [("below", knob.low), ("above", knob.high)]
    if not known:
        # Every number is news: the least one, or those up from where it begins to matter.
        instead = at(knob.low)
        if not same_choice(decision, instead):
            yield Change(knob.name, knob.unit, None, "is", knob.low, None, instead)
            return
    for side, end in ends:
        last = start
        for value in _outwards(knob, start, end):
            if same_choice(decision, at(value)):
                last = value
                continue
            beside, found = _halved(decision, at, last, value, whole=knob.whole)
            # The least number beyond a line is told as being beyond it.
            strict = beside in knob.marks and found in _beside(beside, whole=knob.whole)
            told = found if strict else _rounded(decision, at, beside, found)
            now = knob.now if known else None
            yield Change(knob.name, knob.unit, now, side, told, beside, at(told), strict)
            break


def _outwards(knob: Knob, start: float, end: float) -> list[float]:
    """Return the values to try, from `start` to `end`, nearest first."""
    low, high = min(start, end), max(start, end)
    marks = [near for mark in knob.marks for near in (mark, *_beside(mark, whole=knob.whole)) if low <= near <= high]
    steps = [round(value) if knob.whole else value for value in _grid(knob, start, end)]
    return sorted({*marks, *steps, end} - {start}, reverse=end < start)


def _beside(mark: float, *, whole: bool) -> tuple[float, float]:
    if whole:
        return mark - 1, mark + 1
    return math.nextafter(mark, -math.inf), math.nextafter(mark, math.inf)


def _grid(knob: Knob, start: float, end: float) -> list[float]:
    """Return values between the two: near to `start` fine, and each further step by the same factor."""
    span = abs(end - start)
    least = min(span, max(abs(start) * 0.01, (knob.high - knob.low) * 1e-7, 1e-9))
    if span <= 0 or least <= 0:
        return []
    factor = (span / least) ** (1 / _STEPS)
    towards = 1 if end > start else -1
    return [start + towards * least * factor**step for step in range(_STEPS)]


def _halved(
    decision: Decision, at: Callable[[float], Decision], same: float, other: float, *, whole: bool
) -> tuple[float, float]:
    for _ in range(_HALVINGS):
        middle = (same + other) / 2
        if whole:
            middle = float(math.floor(middle))
        close = abs(other - same) <= (1 if whole else _PRECISION * max(abs(other), abs(same)))
        if close or middle in (same, other):
            break
        if same_choice(decision, at(middle)):
            same = middle
        else:
            other = middle
    return same, other


def _rounded(decision: Decision, at: Callable[[float], Decision], same: float, other: float) -> float:
    """Return a number that people can read, at which the decision is another as well."""
    for digits in (2, 3, 4):
        for nearest in (_to_digits(other, digits, up=True), _to_digits(other, digits, up=False)):
            further = nearest >= other if other > same else nearest <= other
            near = abs(nearest - other) <= 0.01 * abs(other)
            if further and near and not same_choice(decision, at(nearest)):
                return nearest
    return other


def _to_digits(value: float, digits: int, *, up: bool) -> float:
    if value == 0:
        return 0.0
    scale = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    steps = math.ceil(value / scale) if up else math.floor(value / scale)
    return float(f"{steps * scale:.{digits}g}")


def told(change: Change) -> str:
    """Return a change in words: what would be done instead, and where that begins."""
    return f"{done(change.instead)}, if {change.name} were {where(change)} (it is {written(change.now, change.unit)})"


def as_values(change: Change) -> dict[str, object]:
    """Return a change for a JSON document: what was tried, and what would be done instead, in short."""
    return {
        "name": change.name,
        "unit": change.unit,
        "now": change.now,
        "side": change.side,
        "at": change.at,
        "beside": change.beside,
        "choice": change.instead.choice,
        "instead": done(change.instead),
        "told": told(change),
    }


def where(change: Change) -> str:
    """Return where a change begins, in words: "at least 84 ms"."""
    if change.side == "is":
        return written(change.at, change.unit)
    if change.strict:
        return f"{change.side} {written(change.beside, change.unit)}"
    return f"{'at least' if change.side == 'above' else 'at most'} {written(change.at, change.unit)}"


def done(decision: Decision) -> str:
    """Return where a decision goes, in a few words."""
    if decision.plan is None:
        return "nowhere"
    kinds = {view.name: view.kind for view in decision.situation.targets}
    first, *behind = (leg.target for leg in decision.plan.legs)
    escalation = decision.plan.escalation
    where = "on the device" if first == DEVICE else "in the cloud" if first == Kind.CLOUD.value else f"at {first}"
    if kinds.get(first) is Kind.DEVICE and escalation is not None and escalation.to is not None:
        # Who is asked where the device fails is left unsaid where it is whom one escalates to, and nobody else.
        other = behind != [escalation.to]
        fails = f" (where the device fails: {', else '.join(behind) or 'nobody'})" if other else ""
        return f"{decision.choice.replace(DEVICE, where, 1)}{fails}"
    wake = decision.choice.removeprefix(first)
    return f"{where}{wake}{', else ' if behind else ' alone'}{', else '.join(behind)}"


def written(value: Value | None, unit: str) -> str:
    """Return a value with its unit, as people write it."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    number = f"{value:.15g}" if value == round(value) and abs(value) < 1e15 else f"{value:.4g}"
    return f"{number} {unit}".strip()
