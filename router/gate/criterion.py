"""What a candidate has to show, and what comes of it: three answers to each question, and one of them all. Pure.

    accept         everything that is asked is shown
    reject         of something the opposite is shown
    inconclusive   neither

Each question is a one-sided test. To accept takes all of them, each at the error `alpha`, and no correction: that all
are shown although one does not hold is no more probable than that this one is (an intersection-union test: Berger,
"Multiparameter Hypothesis Testing and Acceptance Sampling", Technometrics 24, 1982). To reject takes one of them, so
that each has only its part of `alpha` for it (Bonferroni): a candidate that is as good as asked in all is rejected with
a probability of at most `alpha`, whatever the number of scenarios and measures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from router.gate.paired import LEAST_BLOCKS, Difference
from router.simulate.tally import BLOCK_REQUESTS
from router.values import value

__all__ = ["Answer", "Asked", "Criterion", "answered", "kept_or_not", "together"]

_LEAST_REQUESTS: Final = LEAST_BLOCKS * BLOCK_REQUESTS
"""What a run needs for as many blocks as an interval takes."""


class Answer(StrEnum):
    """Also what becomes of a candidate."""

    ACCEPT = "accept"
    REJECT = "reject"
    INCONCLUSIVE = "inconclusive"


@value
class Asked:
    """A question: is the difference at most `bound`, or, where `strictly`, below it? `about` is what is to be shown."""

    name: str
    scenario: str
    about: str
    unit: str
    bound: float
    strictly: bool = False


@value
class Criterion:
    """A question and its answer. `low` and `high` are the ends that rejecting and accepting look at.

    `wanted` is how many requests would probably settle it, where that is open; None where it is not, or where no number
    would. A promise that was looked up and not estimated has no figures."""

    asked: Asked
    answer: Answer
    why: str
    found: float | None = None
    low: float | None = None
    high: float | None = None
    requests: int = 0
    wanted: int | None = None


def answered(asked: Asked, found: Difference, alpha: float, of: int) -> Criterion:
    """Answer one of so many questions by an estimate."""
    high, low = found.high(alpha), found.low(alpha / of)
    ends = (found.value, low, high, found.requests)
    if not found.enough:
        wanted = max(_LEAST_REQUESTS, _wanted(asked, found, alpha, of) or 0)
        return Criterion(asked, Answer.INCONCLUSIVE, "too few requests to tell", *ends, wanted)
    if high < asked.bound or (high == asked.bound and not asked.strictly):
        return Criterion(asked, Answer.ACCEPT, "shown", *ends)
    if low > asked.bound or (low == asked.bound and asked.strictly):
        same = found.value == low == high == 0
        return Criterion(asked, Answer.REJECT, "the two did the same" if same else "the opposite is shown", *ends)
    leans = found.value < asked.bound or (found.value == asked.bound and not asked.strictly)
    why = "it looks so, and may be chance" if leans else "it does not look so, and may be chance"
    return Criterion(asked, Answer.INCONCLUSIVE, why, *ends, _wanted(asked, found, alpha, of))


def _wanted(asked: Asked, found: Difference, alpha: float, of: int) -> int | None:
    """Return how many requests would settle it if the difference stays as it is."""
    leans = found.value < asked.bound or (found.value == asked.bound and not asked.strictly)
    room = math.fabs(asked.bound - found.value)
    return found.requests_within(room, alpha if leans else alpha / of) if room else None


def kept_or_not(name: str, scenario: str, about: str, broken: str) -> Criterion:
    """Answer a question that is looked up and not estimated; `broken` is empty where it holds."""
    asked = Asked(name, scenario, about, "", 0.0)
    return Criterion(asked, Answer.REJECT if broken else Answer.ACCEPT, broken or "kept")


def together(criteria: Sequence[Criterion]) -> Answer:
    """Return what becomes of a candidate of which all this is asked."""
    answers = {criterion.answer for criterion in criteria}
    if Answer.REJECT in answers:
        return Answer.REJECT
    return Answer.INCONCLUSIVE if Answer.INCONCLUSIVE in answers else Answer.ACCEPT
