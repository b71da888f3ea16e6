"""What runs and calls take out of the purse, and when a call may still begin."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.spending.purse import Purse
from router.types import BudgetView, Kind, Resource
from tests.router.situations import policy_of

DAY = 86_400.0
ALL = (
    "[targets.cloud]\nusd_per_request = 0.5\n[energy]\ncpu_w = 2\n[budgets]\n"
    "energy = { amount_j = 100 }\nmoney = { amount_usd = 1 }\nbytes = { amount_mb = 2 }\n"
)


def _purse(text: str = ALL) -> Purse:
    return Purse(policy_of(text), now=0.0, utc_s=10 * DAY)


def _left(purse: Purse, now: float = 0.0, utc_s: float = 10 * DAY) -> dict[Resource, float]:
    return {view.resource: view.left for view in purse.views(now=now, utc_s=utc_s)}


def test_a_run_takes_energy_and_nothing_else() -> None:
    purse = _purse()
    assert purse.device_ran(3.0, None) == 6.0
    assert _left(purse) == {Resource.ENERGY: 94.0, Resource.MONEY: 1.0, Resource.BYTES: 2.0}


def test_runs_that_take_little_are_taken_off_together() -> None:
    """With each of them the budgets were put together anew, and looked at anew by the decision after it."""
    purse = _purse("[energy]\ncpu_w = 2\n[budgets]\nenergy = { amount_j = 2048 }\n")
    before = purse.views(now=0.0, utc_s=10 * DAY)
    purse.device_ran(0.5, None)
    assert purse.seen(0.0) is before
    purse.device_ran(0.75, None)
    assert purse.seen(0.0) is None
    assert _left(purse) == {Resource.ENERGY: 2048 - 2.5}


def test_what_is_written_down_counts_every_run() -> None:
    purse = _purse("[energy]\ncpu_w = 2\n[budgets]\nenergy = { amount_j = 2048 }\n")
    purse.device_ran(0.5, None)
    assert purse.states[0].spent == 1.0


def test_of_a_budget_that_is_all_but_used_up_each_run_is_taken_off_at_once() -> None:
    purse = _purse("[energy]\ncpu_w = 2\n[budgets]\nenergy = { amount_j = 100 }\n")
    purse.device_ran(49.99, None)
    for _ in range(2):
        assert purse.views(now=0.0, utc_s=10 * DAY)[0].left > 0
        purse.device_ran(0.005, None)
    assert purse.views(now=0.0, utc_s=10 * DAY)[0].left == pytest.approx(0, abs=1e-9)


@given(st.lists(st.tuples(st.floats(0.0001, 50), st.floats(0, 40)), max_size=60))
def test_the_price_and_whether_anything_is_left_are_those_of_a_purse_that_takes_each_run_off_at_once(
    steps: list[tuple[float, float]],
) -> None:
    text = "[energy]\ncpu_w = 1\n[budgets]\nenergy = { amount_j = 500, step_s = 5 }\n"
    together, at_once, now = _purse(text), _purse(text), 0.0
    for seconds, pause_s in steps:
        together.device_ran(seconds, None)
        at_once.device_ran(seconds, None)
        assert at_once.states  # which takes it off
        now += pause_s
        (one,), (other,) = (purse.views(now=now, utc_s=10 * DAY + now) for purse in (together, at_once))
        assert one.price == pytest.approx(other.price)
        assert (one.left > 0) == (other.left > 0)
        assert -1e-9 <= one.left - other.left <= max(0.0, other.left) * 0.001 + 1e-9


def test_a_run_is_charged_by_what_was_measured_where_that_is_known() -> None:
    assert _purse().device_ran(3.0, 0.5) == 1.5


def test_a_call_takes_its_price_and_its_bytes_when_it_begins_and_its_energy_when_it_ends() -> None:
    purse = _purse()
    assert purse.call_began("cloud", Kind.CLOUD, 500_000) == 0.5
    assert _left(purse) == {Resource.ENERGY: 100.0, Resource.MONEY: 0.5, Resource.BYTES: 1.5}
    joules = purse.call_ended("cellular", 0.2, 500_000, 1000, math.inf)
    assert joules > 12
    assert _left(purse)[Resource.ENERGY] == pytest.approx(100 - joules)


def test_where_no_budget_is_set_nothing_is_counted_up_and_everything_is_told() -> None:
    purse = _purse("[targets.cloud]\nusd_per_request = 0.5\n")
    assert purse.call_began("cloud", Kind.CLOUD, 10) == 0.5
    assert purse.device_ran(1.0, None) == pytest.approx(1.81)
    assert purse.views(now=0.0, utc_s=0.0) == ()
    assert purse.states == ()


def test_a_call_that_another_one_left_nothing_for_may_not_begin() -> None:
    purse = _purse()
    assert purse.admits("cloud", Kind.CLOUD, None)
    purse.call_began("cloud", Kind.CLOUD, 0)
    purse.call_began("cloud", Kind.CLOUD, 0)
    assert not purse.admits("cloud", Kind.CLOUD, None)
    assert purse.admits("free", Kind.FOG, None)


def test_a_link_that_draws_nothing_is_open_when_the_energy_is_used_up() -> None:
    purse = _purse()
    purse.device_ran(50.0, None)
    assert not purse.admits("free", Kind.FOG, "wifi")
    assert purse.admits("free", Kind.FOG, "none")


def test_views_are_the_same_until_something_has_changed() -> None:
    purse = _purse()
    before = purse.views(now=0.0, utc_s=10 * DAY)
    assert purse.views(now=0.5, utc_s=10 * DAY) is before
    purse.call_began("cloud", Kind.CLOUD, 10)
    assert purse.views(now=0.5, utc_s=10 * DAY) is not before


def test_a_charger_gives_back_five_watts_up_to_the_whole() -> None:
    purse = _purse()
    purse.device_ran(25.0, None)
    purse.charging(True, now=0.0, utc_s=10 * DAY)
    assert _left(purse, 4.0)[Resource.ENERGY] == 70.0
    purse.charging(False, now=5.0, utc_s=10 * DAY)
    assert _left(purse, 100.0)[Resource.ENERGY] == 75.0
    purse.charging(True, now=100.0, utc_s=10 * DAY)
    assert _left(purse, 1000.0)[Resource.ENERGY] == 100.0


def test_the_next_day_begins_with_all_of_it() -> None:
    purse = _purse()
    purse.call_began("cloud", Kind.CLOUD, 10)
    assert _left(purse, 2.0, 11 * DAY)[Resource.MONEY] == 1.0


def test_a_new_policy_counts_on_where_the_period_is_the_same() -> None:
    purse = _purse()
    purse.call_began("cloud", Kind.CLOUD, 500_000)
    richer = policy_of(
        "[targets.cloud]\nusd_per_request = 0.5\n[budgets]\nmoney = { amount_usd = 10 }\n"
        'bytes = { amount_mb = 2, per = "hour" }\n'
    )
    purse.adopt(richer, now=1.0, utc_s=10 * DAY)
    assert _left(purse, 1.0) == {Resource.MONEY: 9.5, Resource.BYTES: 2.0}


def test_what_was_written_down_is_where_the_next_one_begins() -> None:
    purse = _purse()
    purse.call_began("cloud", Kind.CLOUD, 500_000)
    again = Purse(policy_of(ALL), now=0.0, utc_s=10 * DAY, kept=purse.states)
    assert again.views(now=0.0, utc_s=10 * DAY) == purse.views(now=0.0, utc_s=10 * DAY)


def test_prices_rise_with_what_is_spent() -> None:
    purse = _purse()
    (before,) = [v.price for v in purse.views(now=0.0, utc_s=10 * DAY) if v.resource is Resource.BYTES]
    for minute in range(1, 6):
        purse.call_began("cloud", Kind.CLOUD, 100_000)
        views = purse.views(now=60.0 * minute, utc_s=10 * DAY + 60.0 * minute)
    (after,) = [v.price for v in views if v.resource is Resource.BYTES]
    assert after > 2 * before
    assert BudgetView(Resource.BYTES, 1.5, after) in views
