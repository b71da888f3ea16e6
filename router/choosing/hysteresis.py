"""Staying with the last choice, where the policy asks for it. Pure.

Either another plan has to be cheaper by a margin, or the last choice is kept for a time. Two plans that cost the same
but for noise, or a charger that is plugged in and out each second, would otherwise have requests go back and forth.
What is closed is not stayed with; and what was drawn to explore was no choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from router.types import Previous, Situation

__all__ = ["WAKES", "HysteresisTerms", "dwells", "dwells_until", "remembered", "stays"]

WAKES: Final = " + wake"
"""How the name of a plan ends that also wakes the radio: in all else it is the plan without."""


@dataclass(frozen=True, slots=True)
class HysteresisTerms:
    """See document.HysteresisPart."""

    margin: float
    dwell_s: float


def dwells(terms: HysteresisTerms | None, situation: Situation) -> bool:
    """Tell whether the last choice is too young to be left."""
    previous = situation.previous
    return terms is not None and previous is not None and situation.now < previous.since + terms.dwell_s


def dwells_until(terms: HysteresisTerms | None, situation: Situation) -> float:
    """Return the instant at which the last choice is old enough; infinity where it is, or need not be."""
    if terms is None or situation.previous is None or not dwells(terms, situation):
        return float("inf")
    return situation.previous.since + terms.dwell_s


def stays(
    terms: HysteresisTerms | None, situation: Situation, names: Sequence[str], costs: Sequence[float]
) -> int | None:
    """Return which of the plans, the cheapest of which stands first, is the last choice and is stayed with."""
    previous = situation.previous
    if terms is None or previous is None:
        return None
    for index, name in enumerate(names):
        if name.removesuffix(WAKES) == previous.choice:
            young = situation.now < previous.since + terms.dwell_s
            return index if young or costs[index] - costs[0] < terms.margin else None
    return None


def remembered(
    previous: Previous | None, choice: str, first: str | None, now: float, *, drawn: bool
) -> Previous | None:
    """Return what the next decision has to know of this one: its choice, and since when that has been the choice.

    `first` is the first target of its plan; None where every target is closed."""
    if first is None or drawn:
        return previous
    name = choice.removesuffix(WAKES)
    if previous is not None and (previous.choice, previous.first) == (name, first):
        return previous
    return Previous(name, first, now)
