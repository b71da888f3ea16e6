"""What things could be worth instead: the points that sliders move between, computed beforehand. Pure.

Each of the main weights has a few stops, around what the policy says of it; a point is one stop of each. How many there
are is bounded in points and in requests to simulate, so a long scenario has fewer stops and not a longer wait."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from typing import Final

from router.report.scale import nearby
from router.rules.policy import Worth
from router.simulate.outcomes import Outcomes
from router.values import value

__all__ = ["MOST_REQUESTS", "MOST_UNASKED", "WEIGHTS", "Dial", "Weighted", "Weighting", "dials", "points"]

MOST_REQUESTS: Final = 2_000_000
"""Simulated for the sliders in all where somebody asks for many points: a quarter of an hour."""
MOST_UNASKED: Final = 400_000
"""And where nobody says how many: two minutes, with all else of a report, on two cores that do 0.4 ms a request."""
_FACTOR: Final = 5.0
"""From one stop to the next: less would be lost in the noise of a day, more would leap over what lies between."""
_MOST_STOPS: Final = 7


@value
class Weight:
    """One of the main weights: its field in `[worth]`, and what it is the worth of."""

    field: str
    called: str


WEIGHTS: Final = (
    Weight("joule", "a joule"),
    Weight("dollar", "a dollar"),
    Weight("wrong_answer", "a wrong answer"),
    Weight("missed_deadline", "a late answer"),
)
"""The dearest to be without first: it gets a further stop before the others do."""


@value
class Dial:
    """A weight's stops, rising; `own` is which of them is the policy's."""

    weight: Weight
    stops: tuple[float, ...]
    own: int


@value
class Weighting:
    """A point: for each dial which stop, and the worth that this makes."""

    stops: tuple[int, ...]
    worth: Worth


@value
class Weighted:
    """What the policy comes to under a weighting. Costs in `outcomes` are by the policy's worth as it is written;
    `least_cost` is the bound by the weighting's own."""

    weighting: Weighting
    outcomes: Outcomes
    least_cost: float


def dials(worth: Worth, most: int, scales: Mapping[str, float]) -> tuple[Dial, ...]:
    """Return as many stops as fit into `most` points. `scales` says where a weight of 0 would begin to matter."""
    counts = [1] * len(WEIGHTS)
    turn = 0
    while counts[turn] < _MOST_STOPS:
        counts[turn] += 1
        if prod(counts) > most:
            counts[turn] -= 1
            break
        turn = (turn + 1) % len(WEIGHTS)
    return tuple(_dial(weight, worth, number, scales) for weight, number in zip(WEIGHTS, counts, strict=True))


def _dial(weight: Weight, worth: Worth, number: int, scales: Mapping[str, float]) -> Dial:
    own: float = getattr(worth, weight.field)
    below = (number - 1) // 2
    if own > 0:
        return Dial(weight, tuple(own * _FACTOR**power for power in range(-below, number - below)), below)
    first = nearby(scales.get(weight.field, 0.0) or 1.0)
    rising = [first * _FACTOR**power for power in range(-(below // 2), number - 1 - below // 2)]
    return Dial(weight, (0.0, *rising), 0)


def points(worth: Worth, of: Sequence[Dial]) -> tuple[Weighting, ...]:
    """Return every combination of stops; the last dial turns first."""
    return tuple(
        Weighting(
            chosen,
            replace(worth, **{dial.weight.field: dial.stops[stop] for dial, stop in zip(of, chosen, strict=True)}),
        )
        for chosen in product(*(range(len(dial.stops)) for dial in of))
    )
