"""Which other weights are computed: bounded, around the policy's own, which is among them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.report.study import MOST_POINTS, combinations, fewer_than, steps
from router.report.weighting import MOST_REQUESTS, MOST_UNASKED, WEIGHTS, dials, points
from tests.router.report.studies import a_policy, a_study, watched

WORTH = a_policy().worth


@given(st.integers(1, 3000))
def test_there_are_never_more_points_than_were_asked_for(most: int) -> None:
    weightings = points(WORTH, dials(WORTH, most, {}))
    assert 1 <= len(weightings) <= most


@pytest.mark.parametrize(("most", "stops"), [(1, (1, 1, 1, 1)), (4, (2, 2, 1, 1)), (81, (3, 3, 3, 3))])
def test_stops_are_shared_out_evenly_energy_first(most: int, stops: tuple[int, ...]) -> None:
    assert tuple(len(dial.stops) for dial in dials(WORTH, most, {})) == stops


@pytest.mark.parametrize("joule", [0.0, 0.02])
def test_what_the_policy_says_is_one_of_the_points(joule: float) -> None:
    worth = replace(WORTH, joule=joule)
    turned = dials(worth, 81, {"joule": 0.043})
    assert all(dial.stops[dial.own] == getattr(worth, dial.weight.field) for dial in turned)
    own = [weighting for weighting in points(worth, turned) if weighting.stops == tuple(dial.own for dial in turned)]
    assert [weighting.worth for weighting in own] == [worth]


def test_a_weight_of_nothing_begins_where_it_would_matter() -> None:
    (joule, *_) = dials(replace(WORTH, joule=0.0), 81, {"joule": 0.043})
    assert joule.stops == (0.0, 0.05, 0.25)


def test_stops_rise_and_points_differ_in_the_main_weights_alone() -> None:
    turned = dials(WORTH, 500, {})
    assert all(list(dial.stops) == sorted(set(dial.stops)) for dial in turned)
    found = points(WORTH, turned)
    assert len(set(found)) == len(found)
    for weighting in found:
        assert replace(weighting.worth, **{w.field: getattr(WORTH, w.field) for w in WEIGHTS}) == WORTH


def test_the_more_requests_the_fewer_points() -> None:
    policies = [a_policy()]
    assert steps(policies, 1000, 81) > steps(policies, MOST_REQUESTS // 10, 81) > steps(policies, MOST_REQUESTS, 81)
    assert steps(policies, 1000, 0) < steps(policies, 1000, MOST_POINTS)


@pytest.mark.parametrize("requests", [1, 500, 5000, 20_000, 100_000, 300_000, 5_000_000])
def test_nobody_waits_long_for_points_that_nobody_asked_for(requests: int) -> None:
    """For a day of 20,000 requests there were as many as for a minute, which took eight minutes."""
    tried = combinations(a_policy(), requests)
    assert tried * requests <= MOST_UNASKED
    assert tried <= combinations(a_policy(), requests, MOST_POINTS) <= MOST_POINTS
    assert (fewer_than(requests) is None) == (MOST_POINTS * requests <= MOST_UNASKED)


def test_whoever_asks_for_points_gets_more_of_them() -> None:
    assert combinations(a_policy(), 20_000) == 16
    assert combinations(a_policy(), 20_000, 81) == 81
    assert (fewer_than(20_000), fewer_than(20_000, 81), fewer_than(20_000, 256)) == (81, None, 256)
    assert combinations(a_policy(), 1000, 0) == 0


@pytest.mark.wide
def test_every_step_is_told() -> None:
    study = a_study()
    policies = [profile.policy for profile in study.profiles]
    assert len(watched) == steps(policies, study.compared.static.requests, 4)
    assert {"tried over time", "the bound on energy", "other weights, 4 of 4"} <= set(watched)


@pytest.mark.wide
def test_other_weights_give_other_outcomes() -> None:
    found = {(weighted.outcomes.joules.value, weighted.outcomes.wrong.value) for weighted in a_study().weighted}
    assert len(found) > 1
