"""Whatever is asked of a budget: its price is bounded and moves the right way, and it ends where it should.

I2: inputs that were made to force every request into the cloud meet the caps."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.closed import Constraint
from router.choosing.engine import decide
from router.spending.budget import BudgetTerms, advance, begin, charge, restored, view
from router.spending.purse import Purse
from router.types import Kind, Radio, Resource
from tests.properties.effort import effort
from tests.router.situations import policy_of, situation, target

UTC_S = 1_800_000_000.0


@st.composite
def terms(draw: st.DrawFn) -> BudgetTerms:
    low = draw(st.floats(1e-9, 1.0))
    return BudgetTerms(
        draw(st.sampled_from(list(Resource))),
        draw(st.floats(1e-3, 1e6)),
        draw(st.sampled_from([3600.0, 86_400.0])),
        draw(st.floats(0.01, 10.0)),
        low,
        low * draw(st.floats(1.0, 1e12)),
        draw(st.sampled_from([1.0, 60.0, 3600.0])),
        "stop",
        5.0,
    )


steps = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0, 1e9), st.floats(-1e6, 0)),  # spent, or come in
        st.floats(0, 5000),  # truly passed
        st.one_of(st.none(), st.floats(-1e9, 1e9)),  # by how much the clock is set meanwhile
    ),
    max_size=30,
)


@effort
@given(terms(), steps)
def test_a_price_keeps_within_its_bounds_and_what_was_spent_is_never_negative(
    of: BudgetTerms, course: list[tuple[float, float, float | None]]
) -> None:
    state, utc_s = begin(of, UTC_S), UTC_S
    for spent, passed_s, set_by_s in course:
        utc_s += passed_s + (set_by_s or 0.0)
        state = advance(of, charge(state, spent), utc_s, passed_s)
        assert of.price_min <= state.price <= of.price_max
        assert state.spent >= 0
        assert view(of, state).left <= of.amount


@effort
@given(terms(), st.floats(0, 1e6), st.floats(0, 1))
def test_too_fast_a_spending_never_lowers_the_price_and_too_slow_a_one_never_raises_it(
    of: BudgetTerms, spent: float, into: float
) -> None:
    begun = advance(of, begin(of, UTC_S), UTC_S, 0.0)
    begun = replace(begun, price=of.price_min + into * (of.price_max - of.price_min))
    after = advance(of, charge(begun, spent), UTC_S + of.step_s, of.step_s)
    if after.period != begun.period:
        return
    left = of.amount - spent
    time_left_s = max(of.step_s, (after.period + 1) * of.period_s - (UTC_S + of.step_s))
    if left <= 0 or spent / of.step_s > left / time_left_s * (1 + 1e-9):
        assert after.price >= begun.price
    elif spent / of.step_s < left / time_left_s * (1 - 1e-9):
        assert after.price <= begun.price


@effort
@given(terms(), st.lists(st.tuples(st.floats(0, 100), st.floats(-1e7, 0)), max_size=20))
def test_a_clock_that_only_goes_back_gives_no_second_budget(of: BudgetTerms, course: list[tuple[float, float]]) -> None:
    state, utc_s = charge(begin(of, UTC_S), of.amount), UTC_S
    passed_s = 0.0
    for truly_s, back_s in course:
        utc_s += back_s
        passed_s += truly_s
        state = restored(of, advance(of, state, utc_s, truly_s), utc_s)
        assert state.spent >= of.amount or passed_s >= of.period_s - UTC_S % of.period_s


@effort
@given(
    st.lists(st.floats(0, 0.4), min_size=1, max_size=60),
    st.floats(0.001, 2.0),
    st.floats(0.0, 900.0),
)
def test_calls_one_after_the_other_never_spend_beyond_the_budget_by_more_than_one_s_cost(
    sizes_mb: list[float], amount_mb: float, every_s: float
) -> None:
    """Each is decided for anew, in a mode that takes the cloud whatever it costs."""
    policy = policy_of(f'mode = "prefer_in_cloud"\n[budgets.bytes]\namount_mb = {amount_mb:.6f}\nper = "hour"\n')
    now, period, spent = 0.0, None, 0.0
    purse = Purse(policy, now=now, utc_s=UTC_S)
    for size_mb in sizes_mb:
        now += every_s
        if (hour := int((UTC_S + now) // 3600)) != period:
            period, spent = hour, 0.0
        of = situation(target("device"), target("cloud", upload_bytes=int(size_mb * 1e6)))
        decision = decide(policy, replace(of, budgets=purse.views(now=now, utc_s=UTC_S + now)))
        if decision.choice == "cloud":
            assert spent < policy.budgets[0].amount or int(size_mb * 1e6) == 0
            spent += int(size_mb * 1e6) / 1e6
            purse.call_began("cloud", Kind.CLOUD, int(size_mb * 1e6))
        else:
            assert [c.constraint for c in decision.closed] == [Constraint.BUDGET]


@pytest.mark.wide
@pytest.mark.parametrize("resource", list(Resource))
def test_I2_inputs_that_force_every_request_to_escalate_meet_the_caps(resource: Resource) -> None:
    """All of them are so uncertain that a policy without a budget asks the cloud each time, the whole day long."""
    budgets = {
        Resource.ENERGY: 'energy = { amount_j = 2400, per = "day" }',
        Resource.MONEY: "money = { amount_usd = 0.5 }",
        Resource.BYTES: "bytes = { amount_mb = 20 }",
    }
    text = "[targets.cloud]\nusd_per_request = 0.0002\np_wrong = 0.01\n[escalation]\nbelow = 0.9\n"
    policy = policy_of(f"{text}[budgets]\n{budgets[resource]}\n")
    (of_it,) = policy.budgets
    midnight = UTC_S - UTC_S % 86_400.0
    purse = Purse(policy, now=0.0, utc_s=midnight)
    scene = situation(target("device"), target("cloud", upload_bytes=10_000), p_escalate=1.0)
    every_s, asked, by_quarter = 20.0, 0, [0, 0, 0, 0]
    link, used_at = "wifi" if resource is not Resource.ENERGY else "cellular", None
    for number in range(int(86_400 / every_s)):
        now = number * every_s
        budgeted = purse.views(now=now, utc_s=midnight + now)
        of = replace(scene, budgets=budgeted, now=now, radio=Radio(link, used_at))
        of = replace(of, request=replace(of.request, deadline=now + 1))
        plan = decide(policy, of).plan
        if plan is not None and plan.legs[0].target == "device":
            purse.device_ran(0.005, None)
        if plan is not None and (plan.legs[0].target == "cloud" or plan.escalation is not None):
            asked += 1
            by_quarter[number * 4 // int(86_400 / every_s)] += 1
            purse.call_began("cloud", Kind.CLOUD, 10_000)
            purse.call_ended(link, 0.06, 10_000, 100, math.inf if used_at is None else now - used_at)
            used_at = now
    one_s = {Resource.ENERGY: 13.0, Resource.MONEY: 0.0002, Resource.BYTES: 0.01}[resource]
    (state,) = purse.states
    assert state.spent <= of_it.amount + one_s
    assert asked < 0.9 * 86_400 / every_s
    assert all(quarter > 0 for quarter in by_quarter), "the price should have made it last the day"
