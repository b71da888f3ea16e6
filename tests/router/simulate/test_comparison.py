from __future__ import annotations

import pytest

from router.simulate.baselines import BASELINES
from router.simulate.comparison import compare
from tests.router.simulate.runs import a_policy, a_setting


@pytest.mark.wide
def test_every_baseline_stands_beside_the_policies() -> None:
    found = compare(a_setting(), [a_policy(), a_policy('mode = "only_on_device"\n')], 1)
    named = [outcomes.policy for outcomes in found.baselines]
    assert named == ["always-fog", "always-cloud", *(baseline.name for baseline in BASELINES)]
    assert found.best_threshold is not None
    assert [judged.outcomes.policy for judged in found.policies] == ["tried", "tried"]


@pytest.mark.wide
def test_the_score_says_how_far_a_policy_got_from_the_best_fixed_choice_to_hindsight() -> None:
    found = compare(a_setting(600), [a_policy('mode = "only_on_device"\n[worth]\nsecond = 1.0\n')], 1)
    judged = found.policies[0]
    assert judged.score is not None
    cost, static = judged.outcomes.cost.value, found.static.cost.value
    assert found.least_cost < static <= cost
    assert judged.score == (static - cost) / (static - found.least_cost)
    assert static == min(
        found.best_threshold.cost.value if found.best_threshold else cost,
        *(outcomes.cost.value for outcomes in found.baselines if outcomes.policy.startswith("always")),
    )


@pytest.mark.wide
def test_a_policy_that_does_what_the_best_fixed_choice_does_scores_nothing() -> None:
    found = compare(a_setting(label="secret"), [a_policy()], 1)
    assert found.static.policy == "always-device"
    assert found.policies[0].score == 0.0


@pytest.mark.wide
def test_where_nothing_was_asked_there_is_no_score() -> None:
    assert compare(a_setting(0), [a_policy()], 1).policies[0].score is None


@pytest.mark.wide
def test_costs_of_several_policies_are_told_in_the_currency_of_the_first() -> None:
    cheap, dear = a_policy(), a_policy("[worth]\nsecond = 50.0\nwrong_answer = 50.0\n")
    alone = compare(a_setting(), [cheap], 1).policies[0].outcomes.cost.value
    first, second = compare(a_setting(), [cheap, dear], 1).policies
    assert first.outcomes.cost.value == alone
    assert second.outcomes.cost.value < 2.0
