"""How much exploration an estimate takes, held against logs that explored so much."""

from __future__ import annotations

import pytest

from router.offpolicy.estimate import ENOUGH, effective
from router.offpolicy.exploring import Advice, Needs
from router.simulate.chance import Chance


def _needs(same: int, differing: int, plans: int = 2, share: float = 0.0) -> Needs:
    needs = Needs(share)
    for _ in range(same):
        needs.add(plans, differs=False)
    for _ in range(differing):
        needs.add(plans, differs=True)
    return needs


def _advice(needs: Needs) -> Advice:
    found = needs.advice(ENOUGH)
    assert found is not None
    return found


@pytest.mark.wide
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_a_log_that_follows_the_advice_is_worth_about_as_many_samples_as_wanted(share: float) -> None:
    advice = _advice(_needs(600, 400, plans=3))
    requests = dict(advice.requests)[share]
    chance = Chance(1, "t")
    total = 0.0
    for _ in range(20):
        weight = weight2 = 0.0
        for number in range(requests):
            if number % 10 < 6:
                continue  # of what is done alike nothing is wanting
            if chance.uniform() < share / 3:
                weight, weight2 = weight + 3 / share, weight2 + (3 / share) ** 2
        total += effective(weight, weight2)
    assert total / 20 == pytest.approx(ENOUGH, rel=0.15)


def test_the_rarer_the_difference_the_more_requests_it_takes() -> None:
    counts = [dict(_advice(_needs(1000 - few, few)).requests)[0.05] for few in (1000, 100, 10)]
    assert counts[0] == 4000
    assert counts[0] < counts[1] < counts[2]
    assert counts[2] == 400_000


def test_of_as_many_requests_as_there_were_the_share_is_told_that_would_do() -> None:
    advice = _advice(_needs(5_000, 5_000))
    assert advice.share == pytest.approx(0.04)
    assert "of 10,000, as there are here, it would take" in str(advice)
    few = _advice(_needs(50, 50))
    assert few.share is None
    assert "as there are here" not in str(few)
    assert "[exploration] share = 0.05" in str(few)


def test_a_policy_that_explores_as_well_is_compared_with_what_it_would_explore() -> None:
    alike = _advice(_needs(1000, 0, share=0.05))
    assert dict(alike.requests)[0.05] == 100
    assert dict(alike.requests)[0.5] > 100


def test_where_exploring_would_never_find_the_plan_there_is_no_advice() -> None:
    needs = _needs(100, 100)
    for _ in range(50):
        needs.add(2, differs=True, reachable=False)
    assert needs.advice(ENOUGH) is None
    assert Needs().advice(ENOUGH) is None
