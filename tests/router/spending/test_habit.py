"""A day's budget is spent in the hours in which it is wanted, and is never passed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.spending.budget import BudgetState, BudgetTerms, advance, begin, charge
from router.spending.habit import HOURS, Hours, learnt, noted, share_left
from router.types import Resource

_DAY_S = 86_400.0
_HOUR_S = 3600.0
_MONEY = BudgetTerms(Resource.MONEY, 1.0, _DAY_S, 0.25, 1e-3, 1e6, 60.0, "stop", 0.0)

Demand = Callable[[float], bool]
"""Whether somebody asks in a second of the day."""


def _from_to(begin_h: int, end_h: int) -> Demand:
    return lambda second: begin_h * _HOUR_S <= second < end_h * _HOUR_S


def _lived(demands: list[Demand]) -> list[float]:
    """Live through days, in each of which requests that are worth one thing or another ask for five times the budget;
    return what was spent of each day's."""
    state: BudgetState = begin(_MONEY, 0.0)
    used: list[float] = []
    for day, demand in enumerate(demands):
        asked = sum(map(demand, range(0, int(_DAY_S), 6)))
        usd = 5 * _MONEY.amount / asked
        spent = 0.0
        for second in range(0, int(_DAY_S), 6):
            state = advance(_MONEY, state, day * _DAY_S + second, 6.0 if day or second else 0.0)
            worth_usd = 0.1 * (1 + (second // 6) % 10)
            if demand(second) and state.spent < _MONEY.amount and worth_usd > state.price * usd:
                state = charge(state, usd)
                spent += usd
        used.append(spent / _MONEY.amount)
    return used


def test_of_a_day_of_which_a_third_is_busy_all_is_used_from_the_second_on() -> None:
    """Half of the budget was left: what the time after the last request would have needed was kept for it."""
    first, *others = _lived([_from_to(8, 16)] * 4)
    assert first < 0.7
    assert all(0.9 <= used <= 1.0 + 1e-3 for used in others)


def test_a_new_habit_is_learnt_and_until_then_nobody_is_shut_out() -> None:
    morning, evening = _from_to(6, 10), _from_to(17, 21)
    used = _lived([morning, morning, evening, evening, evening])
    assert min(used[1:]) > 0.5
    assert used[-1] >= 0.9
    assert max(used) <= 1.0 + 1e-3


def test_a_demand_that_never_ends_is_served_as_before() -> None:
    assert all(0.95 <= used <= 1.0 + 1e-3 for used in _lived([lambda _: True] * 3))


def test_without_a_day_behind_it_all_hours_count_alike() -> None:
    share, per_s = share_left((), 6 * _HOUR_S)
    assert share / per_s == pytest.approx(18 * _HOUR_S)


def test_an_hour_s_budget_has_no_habits() -> None:
    hourly = BudgetTerms(Resource.MONEY, 1.0, _HOUR_S, 0.25, 1e-3, 1e6, 60.0, "stop", 0.0)
    state = begin(hourly, 0.0)
    for minute in range(1, 200):
        state = advance(hourly, charge(state, 0.01), minute * 60.0, 60.0)
    assert (state.usual, state.today) == ((), ())


def test_a_day_without_spending_says_nothing_and_what_came_in_is_no_habit() -> None:
    assert learnt((), ()) == ()
    assert noted((), 5.0, -3.0) == ()
    usual = learnt((), noted((), 5.0, 2.0))
    assert learnt(usual, ()) is usual


hours = st.lists(st.floats(0, 1e6), min_size=HOURS, max_size=HOURS).map(tuple)


@given(st.lists(hours, max_size=5), st.floats(0, _DAY_S))
def test_shares_are_shares_and_what_is_left_falls(days: list[Hours], into_day_s: float) -> None:
    usual: Hours = ()
    for day in days:
        usual = learnt(usual, day)
    assert not usual or sum(usual) == pytest.approx(1.0)
    share, per_s = share_left(usual, into_day_s)
    later, _ = share_left(usual, min(_DAY_S, into_day_s + 60))
    assert -1e-12 <= later <= share <= 1 + 1e-9
    assert per_s > 0
