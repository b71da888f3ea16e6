"""A budget's price and its end, by hand: what moves it, what bounds it, and what a clock cannot do to it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from router.choosing.closed import Constraint
from router.choosing.engine import decide
from router.choosing.memo import Memo
from router.errors import PolicyError
from router.spending.budget import BudgetState, BudgetTerms, advance, begin, charge, restored, view, view_of
from router.types import BudgetView, Kind, Resource, Situation
from tests.router.situations import policy_of, situation, target

HOUR = BudgetTerms(Resource.ENERGY, 3600.0, 3600.0, 0.5, 0.001, 10.0, 60.0, "stop", 5.0)
NOON = 12 * 3600.0
FRESH = replace(begin(HOUR, NOON), price=1.0)


def _spending(state: BudgetState, amount: float, minutes: int, utc_s: float = NOON) -> BudgetState:
    for minute in range(1, minutes + 1):
        state = advance(HOUR, charge(state, amount), utc_s + minute * 60.0, 60.0)
    return state


# -- the price ---------------------------------------------------------------------------------------------------------


def test_spending_at_the_pace_that_lasts_leaves_the_price_where_it_is() -> None:
    # 60 J in the first minute, and 3540 J for the 59 minutes that are left.
    assert _spending(FRESH, 60.0, 1).price == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("steps", [2, 10, 59])
def test_a_silence_in_which_nobody_looks_moves_the_price_as_often_as_looking_would(steps: int) -> None:
    """It moved once, however long nobody asked: after a burst the price stayed too high for the next ones."""
    start = replace(FRESH, price=9.0)
    at_once = advance(HOUR, start, NOON + steps * 60.0, steps * 60.0)
    assert at_once.price == pytest.approx(_spending(start, 0.0, steps).price)
    assert at_once.price == pytest.approx(max(HOUR.price_min, 9.0 * math.exp(-0.5 * steps)))


def test_spending_twice_too_fast_raises_it_by_eta() -> None:
    after = _spending(FRESH, 120.0, 1)
    rate, allowed = 120 / 60, (3600 - 120) / 3540
    assert after.price == pytest.approx(math.exp(0.5 * (rate / allowed - 1)))


def test_spending_nothing_lowers_it_by_eta() -> None:
    assert _spending(FRESH, 0.0, 1).price == pytest.approx(math.exp(-0.5))


def test_no_spending_makes_it_anything_but_a_number() -> None:
    wide = replace(HOUR, price_max=1e9, amount=1e9)
    nearly_all = charge(FRESH, 1e9 - 1e-7)
    assert advance(wide, nearly_all, NOON + 60, 60.0).price == wide.price_max


def test_it_stays_within_its_bounds_and_comes_back_from_either_at_once() -> None:
    high, low = replace(FRESH, price=HOUR.price_max), replace(FRESH, price=HOUR.price_min)
    assert _spending(high, 1000.0, 1).price == HOUR.price_max
    assert _spending(low, 0.0, 1).price == HOUR.price_min
    assert _spending(high, 0.0, 1).price < HOUR.price_max
    assert _spending(low, 1000.0, 1).price > HOUR.price_min


def test_when_nothing_is_left_it_is_the_highest() -> None:
    assert _spending(FRESH, 3600.0, 1).price == HOUR.price_max


def test_between_two_steps_it_does_not_move() -> None:
    state = advance(HOUR, charge(FRESH, 1000.0), NOON + 59, 59.0)
    assert state.price == 1.0
    assert advance(HOUR, state, NOON + 60, 1.0).price > 1.0


# -- what is left ------------------------------------------------------------------------------------------------------


def test_what_is_left_is_the_amount_less_what_was_spent_and_may_be_less_than_nothing() -> None:
    assert view(HOUR, charge(FRESH, 100.0)).left == 3500.0
    assert view(HOUR, charge(FRESH, 4000.0)).left == -400.0


def test_what_comes_in_gives_back_and_never_more_than_there_was() -> None:
    spent = charge(FRESH, 100.0)
    assert view(HOUR, charge(spent, -40.0)).left == 3540.0
    assert view(HOUR, charge(spent, -500.0)).left == 3600.0


# -- periods and clocks ------------------------------------------------------------------------------------------------


def test_a_new_hour_gives_the_whole_amount_and_keeps_the_price() -> None:
    spent = replace(charge(FRESH, 3000.0), price=5.0)
    after = advance(HOUR, spent, NOON + 3600, 1.0)
    assert view(HOUR, after) == BudgetView(Resource.ENERGY, 3600.0, 5.0)


def test_a_clock_that_is_set_back_gives_nothing() -> None:
    spent = charge(FRESH, 3000.0)
    for back_s in (1.0, 3600.0, 86_400.0, NOON):
        assert advance(HOUR, spent, NOON - back_s, 1.0).spent == 3000.0


def test_forth_and_back_and_forth_again_gives_one_hour_s_amount_once() -> None:
    spent = charge(FRESH, 3600.0)
    next_hour = charge(advance(HOUR, spent, NOON + 3600, 1.0), 3600.0)
    back = advance(HOUR, next_hour, NOON, 1.0)
    assert back.spent == 3600.0
    assert advance(HOUR, back, NOON + 3600, 1.0).spent == 3600.0


def test_with_a_clock_that_stands_still_the_period_ends_when_its_time_has_passed() -> None:
    state = charge(FRESH, 3600.0)
    for _ in range(59):
        state = advance(HOUR, state, NOON, 60.0)
    assert state.spent == 3600.0
    assert advance(HOUR, state, NOON, 60.0).spent == 0.0


def test_when_such_a_clock_is_put_right_it_begins_no_other_period() -> None:
    state = charge(advance(HOUR, charge(FRESH, 3600.0), NOON - 5000, 3600.0), 3600.0)
    assert advance(HOUR, state, NOON + 3600, 1.0).spent == 3600.0
    assert advance(HOUR, state, NOON + 7200, 1.0).spent == 0.0


def test_whoever_starts_late_in_a_period_has_only_the_rest_of_it() -> None:
    late = advance(HOUR, begin(HOUR, NOON - 1), NOON + 1800, 1.0)
    assert late.lasted_s == 1800.0


# -- what was written down ---------------------------------------------------------------------------------------------


def test_what_was_written_down_counts_on_within_its_period_and_not_beyond() -> None:
    kept = charge(FRESH, 1000.0)
    assert restored(HOUR, kept, NOON + 60).spent == 1000.0
    later = restored(HOUR, kept, NOON + 7200)
    assert advance(HOUR, later, NOON + 7200, 0.0).spent == 0.0


def test_a_price_comes_back_within_the_bounds_that_hold_now() -> None:
    assert restored(HOUR, replace(FRESH, price=1e9), NOON).price == HOUR.price_max
    assert restored(HOUR, replace(FRESH, price=0.0), NOON).price == HOUR.price_min


def test_a_period_that_only_a_wrong_clock_can_have_begun_becomes_this_one_and_gives_nothing_back() -> None:
    ahead = replace(FRESH, period=FRESH.period + 10_000, spent=3600.0)
    here = restored(HOUR, ahead, NOON)
    assert (here.period, here.spent) == (FRESH.period, 3600.0)
    assert advance(HOUR, here, NOON + 3600, 1.0).spent == 0.0


# -- in a document -----------------------------------------------------------------------------------------------------


def test_bounds_of_the_price_follow_the_amount_unless_they_are_given() -> None:
    (small,) = policy_of("budgets.money.amount_usd = 0.5").budgets
    assert (small.price_min, small.price_max) == (pytest.approx(0.002), pytest.approx(2e6))
    (given,) = policy_of("budgets.money = { amount_usd = 0.5, price_min = 1, price_max = 3 }").budgets
    assert (given.price_min, given.price_max) == (1, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("budgets.energy = {}", '"amount_j" is missing'),
        ("budgets.energy.amount_j = 0", "budgets.energy.amount_j"),
        ("budgets.energy = { amount_j = 1, price_min = 0 }", "budgets.energy.price_min: a price of nothing can never"),
        (
            "budgets.money = { amount_usd = 1, price_min = 2, price_max = 1 }",
            "budgets.money.price_min: the least price",
        ),
        ("budgets.money = { amount_usd = 1, price_max = 1e-9 }", "budgets.money.price_max: the least price"),
        ('budgets.bytes = { amount_mb = 1, per = "hour", step_s = 4000 }', "budgets.bytes.step_s: the period is over"),
        ("budgets.bytes = { amount_mb = 1, charging_w = 5 }", 'unknown key "charging_w"'),
        ('budgets.bytes = { amount_mb = 1, per = "week" }', "budgets.bytes.per"),
        ("budgets.watts.amount_j = 1", 'unknown key "watts"'),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match="budgets") as raised:
        policy_of(text)
    assert said in str(raised.value)


# -- in a decision -----------------------------------------------------------------------------------------------------

PAID = "[targets.cloud]\nusd_per_request = 0.001\n"


def _with(*budgets: BudgetView) -> Situation:
    return replace(situation(), budgets=budgets)


def test_a_price_weighs_beside_what_a_dollar_is_worth() -> None:
    policy = policy_of(PAID + "[budgets]\nmoney = { amount_usd = 1 }\n")
    costs = {}
    for price in (0.001, 100.0):
        decision = decide(policy, _with(BudgetView(Resource.MONEY, 0.5, price)))
        costs[price] = {c.name: c.cost for c in decision.candidates}
    assert costs[100.0]["cloud"] - costs[0.001]["cloud"] == pytest.approx(0.001 * (100.0 - 0.001))
    assert costs[100.0]["device"] == costs[0.001]["device"]


def test_a_high_price_keeps_on_the_device_what_would_have_gone_to_the_cloud() -> None:
    policy = policy_of(PAID + "[budgets]\nmoney = { amount_usd = 1 }\n")
    assert decide(policy, _with(BudgetView(Resource.MONEY, 0.5, 0.001))).choice == "cloud"
    assert decide(policy, _with(BudgetView(Resource.MONEY, 0.5, 1000.0))).choice == "device"


@pytest.mark.parametrize(
    ("budget", "resource"),
    [
        ("budgets.money.amount_usd = 1", Resource.MONEY),
        ("budgets.bytes.amount_mb = 1", Resource.BYTES),
    ],
)
@pytest.mark.parametrize("left", [0.0, -3.0])
def test_when_nothing_is_left_what_would_spend_it_is_closed_in_every_mode(
    budget: str, resource: Resource, left: float
) -> None:
    for mode in ("auto", "prefer_in_cloud"):
        policy = policy_of(f'mode = "{mode}"\n{PAID}[budgets]\n{budget.removeprefix("budgets.")}\n')
        decision = decide(policy, _with(BudgetView(resource, left, 1.0)))
        (closed,) = decision.closed
        assert (closed.target, closed.constraint) == ("cloud", Constraint.BUDGET)
        assert closed.detail == f"the {resource.value} of this day is used up"
        assert decision.choice == "device"


def test_what_spends_nothing_of_it_stays_open() -> None:
    policy = policy_of("budgets.money.amount_usd = 1")
    assert decide(policy, _with(BudgetView(Resource.MONEY, 0.0, 1.0))).closed == ()


def test_an_energy_budget_that_is_used_up_closes_the_device_as_well() -> None:
    decision = decide(policy_of("budgets.energy.amount_j = 1"), _with(BudgetView(Resource.ENERGY, 0.0, 1.0)))
    assert decision.plan is None
    assert {closed.constraint for closed in decision.closed} == {Constraint.BUDGET}


def test_where_the_policy_would_rather_be_answered_the_one_that_takes_least_stays_open() -> None:
    policy = policy_of('budgets.energy = { amount_j = 1, at_zero = "least" }')
    decision = decide(policy, _with(BudgetView(Resource.ENERGY, 0.0, 1.0)))
    assert decision.choice == "device"
    assert [closed.target for closed in decision.closed] == ["cloud"]
    busy = replace(_with(BudgetView(Resource.ENERGY, 0.0, 1.0)), device_w=100.0)
    assert decide(policy, busy).choice == "cloud"


def test_one_budget_that_may_not_be_passed_closes_although_another_may() -> None:
    text = f'{PAID}[budgets]\nenergy = {{ amount_j = 1, at_zero = "least" }}\nmoney = {{ amount_usd = 1 }}\n'
    gone = _with(BudgetView(Resource.ENERGY, 0.0, 1.0), BudgetView(Resource.MONEY, 0.0, 1.0))
    only_cloud = replace(gone, targets=(target("cloud"),))
    assert decide(policy_of(text), gone).choice == "device"
    assert decide(policy_of(text), only_cloud).plan is None


def test_a_budget_that_nobody_has_begun_is_whole_and_its_price_the_least() -> None:
    (terms,) = policy_of("budgets.money.amount_usd = 1").budgets
    assert view_of(terms, ()) == BudgetView(Resource.MONEY, 1.0, terms.price_min)


def test_a_recorded_price_counts_within_the_bounds_of_the_policy_that_decides_again() -> None:
    (terms,) = policy_of("budgets.money = { amount_usd = 1, price_max = 2 }").budgets
    assert view_of(terms, (BudgetView(Resource.MONEY, 0.5, 50.0),)).price == 2


# -- kept choices ------------------------------------------------------------------------------------------------------


def test_a_choice_is_kept_while_prices_stand_and_something_is_left() -> None:
    policy = policy_of("budgets.bytes.amount_mb = 1")
    ample = replace(situation(left_ms=5000), budgets=(BudgetView(Resource.BYTES, 0.5, 1.0),))
    for left, price, kept in ((0.4, 1.0, True), (0.5, 2.0, False), (0.0, 1.0, False)):
        memo = Memo()
        before = memo.decide(policy, ample)
        after = replace(ample, budgets=(BudgetView(Resource.BYTES, left, price),))
        assert (memo.decide(policy, after).plan is before.plan) is kept
        assert memo.decide(policy, after) == decide(policy, after)


def test_targets_of_every_kind_have_a_price() -> None:
    policy = policy_of("budgets.bytes.amount_mb = 1")
    of = replace(situation(target("device"), target("fog"), target("eu", Kind.CLOUD)), budgets=())
    assert {c.name for c in decide(policy, of).candidates} == {"device", "fog", "eu"}
