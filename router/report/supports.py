"""How far any policy could come in two quantities at once: the bound as a line in their plane. Pure.

For any b, `bad + b · spent` of a whole day is at least what the bound says for a worth in which a bad answer counts 1,
a unit spent b, and nothing else counts. Each b gives a straight line that no policy's point lies below, and together
they enclose the front. It is the same bound as the score's, and optimistic in the same directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Final, Literal

from router.rules.policy import Worth
from router.simulate.intervals import Figure
from router.simulate.outcomes import Outcomes
from router.values import value

__all__ = ["SPENT", "STEEPNESS", "Line", "bad", "corners", "height", "worth_of"]

STEEPNESS: Final = (1.0, 1 / 4, 4.0, 1 / 16, 16.0)
"""Multiples of how much is gained for a unit spent on average: where the front bends. The most telling first."""


@value
class Spent:
    """What is spent for answers: how much of it a run comes to for each request, and which weight counts it."""

    called: str
    amount: Callable[[Outcomes], float]
    weight: Literal["joule", "second", "dollar", "megabyte"]


SPENT: Final[Mapping[str, Spent]] = {
    "joules": Spent("energy", lambda of: of.joules.value, "joule"),
    "usd": Spent("money", lambda of: of.usd.value, "dollar"),
    "seconds": Spent("time", lambda of: of.seconds.value, "second"),
    "megabytes": Spent("data", lambda of: of.size_bytes.value / 1e6, "megabyte"),
}


@value
class Line:
    """`bad + slope · spent` is at least `least`, for one request."""

    slope: float
    least: float


def bad(outcomes: Outcomes) -> Figure:
    """Return the share of requests that were not served: wrong, late or unanswered. One that is wrong and late counts
    twice, as it does in the cost; the interval has room for all three being at their worst at once."""
    parts = (outcomes.wrong, outcomes.missed, outcomes.failed)
    return Figure(sum(part.value for part in parts), sum(part.low for part in parts), sum(part.high for part in parts))


def worth_of(spent: str, slope: float) -> Worth:
    """Return the worth whose bound is the line of this slope."""
    weighs = dict.fromkeys(("second", "dollar", "megabyte", "joule"), 0.0)
    weighs[SPENT[spent].weight] = slope
    return Worth(1.0, 1.0, 1.0, **weighs)


def corners(lines: Sequence[Line], low: float, high: float) -> list[float]:
    """Return where the enclosure may bend between two amounts, and these: lines between them cut nothing off."""
    slopes = combinations([*lines, Line(0.0, 0.0)], 2)
    meets = [(one.least - other.least) / (one.slope - other.slope) for one, other in slopes if one.slope != other.slope]
    return sorted({low, high, *(spent for spent in meets if low < spent < high)})


def height(lines: Sequence[Line], spent: float) -> float:
    """Return the least of what is bad where so much is spent."""
    return max([0.0, *(line.least - line.slope * spent for line in lines)])
