"""What is asked of a candidate: what it has to be better in, how much worse it may be in what, and its limits. Pure.

margin: accuracy_loss=0.005      at most so much more for each request, in the measure's unit
        cost=1%                  at most so much of the baseline's own more; not of shares: 1% of what?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from router.errors import MeasureError
from router.simulate.limits import Limit, measure_of, number_of
from router.simulate.measures import Measure
from router.values import value

__all__ = ["Goal", "Margin", "Terms", "margin_of", "terms_of"]


class Goal(StrEnum):
    """What has to be shown of the objective. BETTER: that over all scenarios it falls, and in none rises by more than
    its margin. NOT_WORSE: only the latter."""

    BETTER = "better"
    NOT_WORSE = "not-worse"


@value
class Margin:
    """By how much more is still not worse: `by`, or where `relative` that share of the baseline's."""

    by: float
    relative: bool = False

    def __str__(self) -> str:
        return f"{100 * self.by:g}%" if self.relative else f"{self.by:g}"


@value
class Terms:
    """See the module. `margins` hold the objective's own, for what it may rise by in one scenario."""

    objective: Measure
    goal: Goal
    margins: Mapping[str, Margin]
    limits: tuple[Limit, ...]
    alpha: float


# Half of the strictest promise that releases are mostly made with: an answer of two hundred.
_GUARDED: Final[Mapping[str, Margin]] = {"accuracy_loss": Margin(0.005), "misses": Margin(0.005)}
# What nobody would notice, and what chance of some thousand requests can mostly be told from.
_OBJECTIVE: Final = Margin(0.01, relative=True)


def terms_of(objective: str, goal: Goal, margins: Sequence[str], limits: Sequence[Limit], alpha: float) -> Terms:
    """Put together what was asked for: accuracy and deadlines are guarded whether somebody says so or not.

    Raises MeasureError: for a margin that means nothing, or two for one measure."""
    judged = measure_of(objective)
    given: dict[str, Margin] = {}
    for text in margins:
        name, margin = margin_of(text)
        if name in given:
            raise MeasureError(f"there are two margins for {name}")
        given[name] = margin
    return Terms(judged, goal, {judged.name: _OBJECTIVE, **_GUARDED, **given}, tuple(limits), alpha)


def margin_of(text: str) -> tuple[str, Margin]:
    """Read `MEASURE=NUMBER` or `MEASURE=NUMBER%`. Raises MeasureError."""
    name, sign, written = text.partition("=")
    if not sign or name.rstrip().endswith("<"):
        raise MeasureError(f'"{text}" is no margin; one looks like accuracy_loss=0.005, or cost=1%')
    measure = measure_of(name)
    relative = written.strip().endswith("%")
    if not relative:
        return measure.name, Margin(number_of(written, text))
    by = number_of(written.strip().removesuffix("%"), text) / 100
    if measure.unit == "share":
        plain = f"{measure.name}={by:g}"
        raise MeasureError(f'"{text}": of what, of all requests or of the baseline\'s? For the former write {plain}')
    return measure.name, Margin(by, relative=True)
