"""Forced choices: how often, among what, and with which probability."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from router.choosing.engine import decide
from router.choosing.explore import drawn, propensity
from router.choosing.memo import Memo
from router.types import BudgetView, Promise, Radio, Resource, Situation, TimeAfter
from tests.router.situations import NOW, policy_of, situation, target, times

EXPLORING = policy_of("exploration.share = 0.1")
ESCALATING = policy_of("exploration.share = 0.2\n[escalation]\nbelow = 0.5\n")


def _with(draw: float | None, of: Situation | None = None) -> Situation:
    return replace(of or situation(), draw=draw)


@pytest.mark.parametrize(
    ("draw", "index"), [(None, None), (0.1, None), (0.99, None), (0.0, 0), (0.0499, 0), (0.05, 1), (0.0999999, 1)]
)
def test_a_draw_below_the_share_takes_one_of_the_plans_evenly(draw: float | None, index: int | None) -> None:
    assert drawn(0.1, draw, 2) == index


def test_a_share_of_nothing_draws_nothing_and_a_share_of_one_everything() -> None:
    assert drawn(0.0, 0.0, 3) is None
    assert [drawn(1.0, step / 10, 2) for step in range(10)] == [0] * 5 + [1] * 5


def test_without_a_policy_that_asks_for_it_the_draw_decides_nothing() -> None:
    assert decide(policy_of(), _with(0.0)).choice == decide(policy_of(), _with(None)).choice
    assert decide(policy_of(), _with(0.0)).propensity == 1.0


@pytest.mark.wide
def test_each_plan_is_taken_as_often_as_its_propensity_says() -> None:
    taken: Counter[str] = Counter()
    said: dict[str, float] = {}
    for step in range(10_000):
        decision = decide(ESCALATING, _with((step + 0.5) / 10_000))
        taken[decision.choice] += 1
        said[decision.choice] = decision.propensity
    assert len(taken) == 3
    assert {name: count / 10_000 for name, count in taken.items()} == pytest.approx(said, abs=1e-3)


def test_a_forced_choice_says_so_and_stands_before_what_was_weighed() -> None:
    greedy, forced = decide(EXPLORING, _with(0.5)), decide(EXPLORING, _with(0.09))
    assert (greedy.choice, greedy.chosen_by, greedy.propensity) == ("cloud", "cost", pytest.approx(0.95))
    assert (forced.choice, forced.chosen_by, forced.propensity) == ("device", "draw", pytest.approx(0.05))
    assert forced.candidates[0].name == "device"
    assert forced.candidates[0].cost > forced.candidates[1].cost


def test_a_decision_says_how_probable_each_of_its_plans_was_whatever_was_drawn() -> None:
    said = []
    for draw in (0.5, 0.09):
        decision = decide(EXPLORING, _with(draw))
        assert decision.probabilities[0] == decision.propensity
        said.append(dict(zip((c.name for c in decision.candidates), decision.probabilities, strict=True)))
    assert said[0] == said[1] == {"cloud": pytest.approx(0.95), "device": pytest.approx(0.05)}
    assert decide(EXPLORING, _with(None)).probabilities == ()
    assert decide(policy_of(), _with(0.5)).probabilities == ()


def test_nothing_that_is_closed_is_ever_drawn() -> None:
    out_of_money = policy_of(
        "exploration.share = 1.0\n[targets.cloud]\nusd_per_request = 1\n[budgets]\nmoney = { amount_usd = 1 }\n"
    )
    gone = replace(situation(), budgets=(BudgetView(Resource.MONEY, 0.0, 1.0),))
    secret = situation(label="secret")
    slow = situation(target("device"), target("cloud", median_ms=9000))
    for of, policy in ((gone, out_of_money), (secret, EXPLORING), (slow, EXPLORING)):
        for step in range(20):
            assert decide(policy, _with(step / 200, of)).choice == "device"


def test_where_a_promise_holds_no_draw_lets_the_device_keep_an_answer_unseen() -> None:
    policy = policy_of("exploration.share = 1.0\n[promise]\nmax_loss = 0.02\n")
    for state in ("in_force", "alarm"):
        promise = Promise(state, "why", 0.0, 0.7)  # type: ignore[arg-type]  # one of its words
        for step in range(20):
            plan = decide(policy, _with(step / 20, replace(situation(), promise=promise))).plan
            assert plan is not None
            assert plan.legs[0].target == "cloud" or plan.escalation is not None or state == "alarm"
            if state == "alarm":
                assert plan.legs[0].target == "cloud"


def test_a_request_that_is_drawn_for_an_audit_is_not_drawn_again() -> None:
    policy = policy_of("exploration.share = 1.0\n[promise]\nmax_loss = 0.02\n")
    of = replace(situation(), promise=Promise("in_force", "", 0.0, 0.7))
    audited = replace(of, request=replace(of.request, audit=True))
    for step in range(20):
        decision = decide(policy, _with(step / 20, audited))
        assert (decision.chosen_by, decision.propensity) == ("audit", 1.0)
        assert decision.plan is not None
        assert decision.plan.legs[0].target == "device"


def test_a_fixed_mode_explores_nothing() -> None:
    policy = policy_of('mode = "prefer_on_device"\nexploration.share = 1.0')
    assert {decide(policy, _with(step / 10)).choice for step in range(10)} == {"device"}


def test_a_wake_is_no_other_plan_to_draw() -> None:
    policy = policy_of("exploration.share = 0.5\n[worth]\nsecond = 0.3\n[radio]\nwake = true\n")
    after = (TimeAfter(0.0, times(50)), TimeAfter(10.0, times(900)))
    cloud = target("cloud", time=times(900), times_after=after)
    of = replace(situation(target("device"), cloud, left_ms=5000), radio=Radio("cellular", NOW - 60, (1.0,)))
    greedy = decide(policy, _with(0.9, of))
    assert (greedy.choice, greedy.propensity) == ("device + wake", pytest.approx(0.5))
    assert {decide(policy, _with(step / 100, of)).choice for step in range(50)} == {"device", "cloud"}


def test_propensities_of_all_plans_sum_to_one() -> None:
    for plans in (1, 2, 5):
        total = sum(propensity(0.3, plans, greedy=index == 0, among=True) for index in range(plans))
        assert total == pytest.approx(1.0)


def test_a_forced_choice_is_not_kept_for_the_next_request() -> None:
    memo = Memo()
    of = situation(left_ms=5000)
    for draw, choice in ((0.5, "cloud"), (0.09, "device"), (0.5, "cloud"), (0.01, "cloud"), (None, "cloud")):
        kept = memo.decide(EXPLORING, _with(draw, of))
        assert kept.choice == choice
        assert kept == decide(EXPLORING, _with(draw, of))
