"""What is expected of a remote target beside which the device is started, where it can be said by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.backing import backed_up, holds
from router.choosing.objective import WEIGHTS, Prospect, cost, single, with_fallback
from router.rules.policy import Worth
from router.running.attempt import HAND_BACK_S
from tests.router.choosing.prospects import a_prospect as _prospect

AMPLE_S = 100.0
WORTH = Worth(1.0, 1.0, 1.0, 0.05, 1.0, 0.001, 0.0)
"""The policy's defaults."""


def test_a_backup_that_is_never_started_costs_nothing() -> None:
    first, device = _prospect(watts=1.0), _prospect("device", p_wrong=0.9, watts=5.0)
    assert backed_up(first, device, AMPLE_S, 0.05, WORTH) == single(first, AMPLE_S)


def test_a_device_that_is_started_in_time_saves_what_the_first_would_have_missed() -> None:
    slow = _prospect(times_ms=(900,) * 5, p_wrong=0.0)
    device = _prospect("device", p_wrong=0.2, times_ms=(10,) * 5)
    expected = backed_up(slow, device, 0.5, 0.02, WORTH)
    assert expected.p_miss == 0.0
    assert expected.p_wrong == pytest.approx(0.2)
    assert expected.seconds == pytest.approx(0.48 + 0.01)


def test_a_device_that_is_started_at_the_latest_instant_is_late_once_in_twenty_times() -> None:
    """Nothing was believed to take longer than its last quantile. Where a missed deadline counted as three wrong
    answers, and most calls were late, a cloud with the device behind it cost two thirds more than was expected."""
    slow, device = _prospect(times_ms=(900,) * 5), _prospect("device", times_ms=(10, 20, 30, 40, 50))
    assert backed_up(slow, device, 0.5, 0.051, WORTH).p_miss == pytest.approx(0.045)
    assert backed_up(slow, device, 0.5, 0.061, WORTH).p_miss == pytest.approx(0.0)


def test_a_call_that_is_late_beyond_its_last_quantile_is_late() -> None:
    first, device = _prospect(times_ms=(10, 20, 30, 40, 50)), _prospect("device", times_ms=(900,) * 5)
    assert backed_up(first, device, 0.06, 0.01, WORTH).p_miss == pytest.approx(0.0)
    assert backed_up(first, device, 0.055, 0.005, WORTH).p_miss == pytest.approx(0.025)


def test_whoever_answers_first_is_taken_and_both_are_paid_for_meanwhile() -> None:
    """The call takes 100 ms half of the time, and comes 20 ms after the device was started beside it."""
    first = _prospect(times_ms=(10, 10, 100, 100, 100), p_wrong=0.0, watts=1.0, extra_j=2.0)
    device = _prospect("device", p_wrong=0.5, times_ms=(40,) * 5, watts=3.0)
    late = sum(WEIGHTS[2:])
    expected = backed_up(first, device, 0.2, 0.12, WORTH)
    assert expected.p_wrong == 0.0
    assert expected.seconds == pytest.approx((1 - late) * 0.010 + late * 0.100)
    assert expected.joules == pytest.approx(2.0 + expected.seconds + late * 0.020 * 3.0)


def test_a_call_that_fails_has_the_whole_time_left_for_the_device() -> None:
    first = _prospect(p_fail=1.0, times_ms=(1,) * 5, usd=0.5)
    device = _prospect("device", p_wrong=0.2, times_ms=(30,) * 5)
    expected = backed_up(first, device, 0.1, 0.05, WORTH)
    assert (expected.p_wrong, expected.p_miss, expected.usd) == (pytest.approx(0.2), 0.0, 0.5)


# -- whether its answer waits ------------------------------------------------------------------------------------------

# The call takes 60 ms at times, else 150 ms. 120 ms before its deadline of 200 ms the device is started beside it, and
# answers 40 ms later.
SLOW = _prospect(times_ms=(60, 60, 150, 150, 150), p_wrong=0.0, watts=1.0)
LATE = sum(WEIGHTS[2:])


def _device(*, waits: bool | None, p_wrong: float = 0.5) -> Prospect:
    return _prospect("device", p_wrong=p_wrong, times_ms=(40,) * 5, watts=3.0, holds=waits)


def test_an_answer_that_waits_is_overtaken_by_what_comes_before_the_deadline() -> None:
    at_once = backed_up(SLOW, _device(waits=False), 0.2, 0.12, WORTH)
    waiting = backed_up(SLOW, _device(waits=True), 0.2, 0.12, WORTH)
    assert at_once.p_wrong == pytest.approx(LATE * 0.5)
    assert at_once.seconds == pytest.approx((1 - LATE) * 0.060 + LATE * 0.120)
    assert waiting.p_wrong == 0.0
    assert waiting.seconds == pytest.approx((1 - LATE) * 0.060 + LATE * 0.150)
    assert (at_once.p_miss, waiting.p_miss) == (0.0, 0.0)


def test_an_answer_that_waits_in_vain_is_handed_back_in_time() -> None:
    never = _prospect(times_ms=(900,) * 5, p_wrong=0.0)
    expected = backed_up(never, _device(waits=True), 0.2, 0.12, WORTH)
    assert expected.p_wrong == pytest.approx(0.5)
    assert expected.p_miss == 0.0
    assert expected.seconds == pytest.approx(0.2 - HAND_BACK_S)


def test_what_comes_while_the_answer_is_handed_back_is_not_waited_for() -> None:
    last = _prospect(times_ms=(195,) * 5, p_wrong=0.0)
    assert backed_up(last, _device(waits=True), 0.2, 0.12, WORTH).p_wrong == pytest.approx(0.5)
    assert not holds(last, _device(waits=None), 0.2, 0.12, WORTH)


@pytest.mark.parametrize(
    ("first", "p_wrong", "second", "waits"),
    [
        pytest.param(SLOW, 0.5, 0.05, True, id="a better answer is near"),
        pytest.param(SLOW, 0.0, 0.05, False, id="none is better"),
        pytest.param(SLOW, 0.5, 50.0, False, id="each second is dear"),
        pytest.param(_prospect(times_ms=(900,) * 5, p_wrong=0.0), 0.5, 0.05, False, id="none comes in time"),
        pytest.param(_prospect(times_ms=(10,) * 5, p_wrong=0.0), 0.5, 0.05, False, id="the device is not started"),
        pytest.param(_prospect(p_fail=1.0, p_wrong=0.0), 0.5, 0.05, False, id="the call fails"),
    ],
)
def test_an_answer_waits_where_that_is_expected_to_cost_less(
    first: Prospect, p_wrong: float, second: float, waits: bool
) -> None:
    worth = replace(WORTH, second=second)
    device = _device(waits=None, p_wrong=p_wrong)
    assert holds(first, device, 0.2, 0.12, worth) is waits


@pytest.mark.parametrize("waits", [True, False])
def test_what_the_policy_says_of_waiting_is_done_whatever_it_costs(waits: bool) -> None:
    assert holds(SLOW, _device(waits=waits, p_wrong=0.0), 0.2, 0.12, WORTH) is waits


times_of = st.lists(st.floats(1e-4, 3), min_size=5, max_size=5).map(
    lambda found: tuple(1000 * s for s in sorted(found))
)


@given(times_of, times_of, st.floats(0, 1), st.floats(0, 1), st.floats(0, 4), st.floats(0, 2))
def test_whichever_costs_less_is_expected(
    first_ms: tuple[float, ...], device_ms: tuple[float, ...], p_first: float, p_device: float, left_s: float, s: float
) -> None:
    first = _prospect(times_ms=first_ms, p_fail=p_first, p_wrong=0.1)
    costs = {
        waits: cost(
            backed_up(
                first,
                _prospect("device", times_ms=device_ms, p_fail=p_device, p_wrong=0.4, holds=waits),
                left_s,
                s,
                WORTH,
            ),
            WORTH,
        )
        for waits in (True, False, None)
    }
    assert costs[None] == pytest.approx(min(costs[True], costs[False]))


@given(times_of, times_of, st.floats(0, 1), st.floats(0, 1), st.floats(0, 4), st.floats(0, 2))
def test_a_backup_never_leaves_more_without_an_answer_than_giving_the_first_up_for_it(
    first_ms: tuple[float, ...], device_ms: tuple[float, ...], p_first: float, p_device: float, left_s: float, s: float
) -> None:
    first = _prospect(times_ms=first_ms, p_fail=p_first)
    device = _prospect("device", times_ms=device_ms, p_fail=p_device)
    beside, behind = backed_up(first, device, left_s, s, WORTH), with_fallback(first, device, left_s, s)
    assert beside.p_miss + beside.p_fail <= behind.p_miss + behind.p_fail + 1e-9
    if p_device == 0.0:
        assert beside.seconds <= behind.seconds + 1e-9
    total = beside.p_wrong + beside.p_miss + beside.p_fail
    assert 0 <= total <= 1 + 1e-9
