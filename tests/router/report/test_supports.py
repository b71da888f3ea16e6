"""The bound as a line in the plane of what is bad and what is spent."""

from __future__ import annotations

from dataclasses import fields
from itertools import pairwise

import pytest

from router.report.supports import SPENT, Line, bad, corners, height, worth_of
from tests.router.report.studies import a_study

LINES = [Line(1.0, 0.5), Line(4.0, 0.8), Line(0.1, 0.2)]


@pytest.mark.wide
def test_nothing_that_was_run_lies_below_the_bound() -> None:
    study = a_study()
    compared = study.compared
    ran = [judged.outcomes for judged in compared.policies]
    ran += [*compared.baselines, *compared.thresholds, *(weighted.outcomes for weighted in study.weighted)]
    for name, spent in SPENT.items():
        assert len(study.lines[name]) >= 1
        for outcomes in ran:
            least = height(study.lines[name], spent.amount(outcomes))
            assert bad(outcomes).value >= least - 1e-9, (name, outcomes.policy)


def test_the_bound_says_something() -> None:
    study = a_study()
    assert height(study.lines["joules"], 0.0) > height(study.lines["joules"], 1e9) == 0.0


def test_between_corners_the_enclosure_is_straight() -> None:
    """The line was drawn through 64 points, and cut off where it bends: a rule that was allowed lay below it."""
    found = corners(LINES, 0.0, 3.0)
    assert (found[0], found[-1]) == (0.0, 3.0)
    for low, high in pairwise(found):
        middle = height(LINES, (low + high) / 2)
        assert middle == pytest.approx((height(LINES, low) + height(LINES, high)) / 2)


def test_lines_of_one_slope_meet_nowhere() -> None:
    assert corners([Line(1.0, 0.5), Line(1.0, 0.7)], 1.0, 2.0) == [1.0, 2.0]


@pytest.mark.parametrize("name", SPENT)
def test_a_line_s_worth_counts_what_is_bad_once_and_one_thing_spent(name: str) -> None:
    worth = worth_of(name, 0.25)
    counted = {field.name: getattr(worth, field.name) for field in fields(worth) if getattr(worth, field.name)}
    assert counted == {
        "wrong_answer": 1.0, "missed_deadline": 1.0, "failed_request": 1.0, SPENT[name].weight: 0.25,
    }  # fmt: skip
