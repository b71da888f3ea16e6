"""A new policy is taken back where it harms, and only there."""

from __future__ import annotations

import random

import pytest

from router.rules.probation import (
    HALF_LIFE_S,
    NOTHING_USUAL,
    Probation,
    RevertTerms,
    Tally,
    Usual,
    begin,
    learn,
    observe,
)

TERMS = RevertTerms(error_rise=0.05, remote_rise=0.25, within_s=600.0)
USUAL = learn(NOTHING_USUAL, Tally(1000, 10, 200), 0.0)


def _begun(usual: Usual = USUAL, terms: RevertTerms = TERMS) -> Probation:
    begun = begin(usual, terms, 0.0)
    assert begun is not None
    return begun


def _after(more: Tally, *, usual: Usual = USUAL, terms: RevertTerms = TERMS, now: float = 2.0) -> Probation | None:
    return observe(_begun(usual, terms), more, now)


def test_a_policy_under_which_many_more_requests_fail_is_told() -> None:
    after = _after(Tally(100, 30, 20))
    assert after is not None
    assert after.verdict == "30 of 100 requests got no answer, where 6% is the most allowed"


def test_a_policy_under_which_many_more_requests_leave_is_told() -> None:
    after = _after(Tally(100, 1, 90))
    assert after is not None
    assert after.verdict == "90 of 100 requests were answered remotely, where 45% is the most allowed"


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(Tally(100, 1, 20), id="as before"),
        pytest.param(Tally(100, 3, 40), id="more, and within the bounds"),
        pytest.param(Tally(2, 1, 2), id="too few to tell"),
        pytest.param(Tally(100, 0, 0), id="fewer"),
    ],
)
def test_a_policy_within_its_bounds_is_not(more: Tally) -> None:
    after = _after(more)
    assert after is not None and not after.verdict


def test_what_was_counted_adds_up_however_often_one_looks() -> None:
    probation: Probation | None = _begun()
    for at in range(10):
        assert probation is not None and not probation.verdict
        probation = observe(probation, Tally(5, 0, 1), float(at))
    at_once = _after(Tally(50, 0, 10))
    assert probation is not None and at_once is not None
    assert probation.seen == at_once.seen
    assert probation.errors is not None and at_once.errors is not None
    assert probation.errors.log_m == pytest.approx(at_once.errors.log_m)


def test_the_time_of_probation_ends() -> None:
    assert _after(Tally(10, 0, 0), now=599.0) is not None
    assert _after(Tally(10, 0, 0), now=600.0) is None


def test_harm_that_shows_at_the_very_end_still_counts() -> None:
    after = _after(Tally(100, 60, 0), now=700.0)
    assert after is not None and after.verdict


def test_where_too_little_is_known_of_what_is_usual_nothing_is_judged() -> None:
    assert begin(learn(NOTHING_USUAL, Tally(49, 0, 0), 0.0), TERMS, 1.0) is None


def test_a_bound_that_nothing_can_exceed_is_not_watched() -> None:
    usual = learn(NOTHING_USUAL, Tally(100, 0, 95), 0.0)
    after = _after(Tally(100, 0, 100), usual=usual)
    assert after is not None and not after.verdict


def test_what_is_usual_is_what_was_seen_lately() -> None:
    long_ago = learn(NOTHING_USUAL, Tally(1000, 1000, 0), 0.0)
    now = learn(long_ago, Tally(1000, 0, 0), 10 * HALF_LIFE_S)
    assert now.failed / now.requests < 0.001


def test_a_clock_that_runs_backwards_makes_nothing_weigh_more() -> None:
    later = learn(NOTHING_USUAL, Tally(100, 5, 5), 1000.0)
    assert learn(later, Tally(), 0.0).requests == 100.0


@pytest.mark.wide
def test_a_policy_at_its_very_bound_is_hardly_ever_told() -> None:
    """Ville's bound says one in a thousand, at most and for all looks together."""
    told = 0
    for seed in range(300):
        chance = random.Random(seed)
        probation: Probation | None = _begun()
        for at in range(50):
            assert probation is not None
            failed = sum(chance.random() < 0.06 for _ in range(20))
            probation = observe(probation, Tally(20, failed, 0), float(at))
            if probation is not None and probation.verdict:
                told += 1
                break
    assert told <= 3
