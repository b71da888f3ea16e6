"""What policies can be set against each other by: the axes of the front, and how their numbers read. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from router.report.supports import bad
from router.simulate.intervals import Figure
from router.simulate.outcomes import Outcomes
from router.values import value

__all__ = ["ACROSS", "UP", "Axis"]


@value
class Axis:
    """A quantity, of which less is better; `times` makes the unit of it. `spent` is its name in supports.SPENT, where
    the bound is known in it."""

    key: str
    title: str
    unit: str
    figure: Callable[[Outcomes], Figure]
    times: float
    spent: Literal["joules", "usd", "seconds", "megabytes"] | None = None

    def of(self, outcomes: Outcomes) -> float:
        """Return what an outcome comes to, in the axis' unit."""
        return self.figure(outcomes).value * self.times

    def interval(self, outcomes: Outcomes) -> tuple[float, float]:
        """Return the ends of its 95 % interval."""
        figure = self.figure(outcomes)
        return figure.low * self.times, figure.high * self.times


ACROSS: Final = (
    Axis("joules", "Energy", "J per request", lambda of: of.joules, 1.0, "joules"),
    Axis("usd", "Money", "$ per 1,000 requests", lambda of: of.usd, 1000.0, "usd"),
    Axis("seconds", "Mean time", "ms per request", lambda of: of.seconds, 1000.0, "seconds"),
    Axis("p95", "95 % within", "ms", lambda of: of.p95_s, 1000.0),
    Axis("megabytes", "Data", "kB per request", lambda of: of.size_bytes, 0.001, "megabytes"),
)
"""What is spent."""
UP: Final = (
    Axis("bad", "Wrong, late or none", "% of requests", bad, 100.0),
    Axis("loss", "Accuracy loss", "% of requests", lambda of: of.accuracy_loss, 100.0),
    Axis("cost", "Cost", "per request, by the first policy's worth", lambda of: of.cost, 1.0),
)
"""What is gained by it."""
