"""Which of the values that a sensor tells are believed, and when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.signals.doubt import CONFIRMED, STUCK_S, UNHEARD, Judgement, judge
from router.signals import SIGNALS, Signal
from router.types import Value

BATTERY = SIGNALS["battery_pct"]
CHARGING = SIGNALS["charging"]
LOAD = SIGNALS["cpu_load"]

_ = None


def judged(described: Signal, told: Sequence[Value | None], *, every_s: float = 1.0) -> list[Judgement]:
    history, judgements = UNHEARD, []
    for index, value in enumerate(told):
        history, judgement = judge(history, described, value, index * every_s)
        judgements.append(judgement)
    return judgements


def values(described: Signal, told: Sequence[Value | None], *, every_s: float = 1.0) -> list[Value | None]:
    return [judgement.value for judgement in judged(described, told, every_s=every_s)]


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        pytest.param([50.0, 49.0, 48.0], [50.0, 49.0, 48.0], id="a_slow_change"),
        pytest.param([100.0, 5.0, 99.0, 99.0], [100.0, 100.0, 99.0, 99.0], id="there_and_back"),
        pytest.param([100.0, 5.0, 5.0, 5.0, 4.0], [100.0, 100.0, 100.0, 5.0, 4.0], id="told_three_times"),
        pytest.param([100.0, 5.0, 6.0, 4.0], [100.0, 100.0, 100.0, 4.0], id="told_much_the_same_three_times"),
        pytest.param([100.0, 5.0, 60.0, 5.0, 60.0], [100.0] * 5, id="never_the_same_twice"),
        pytest.param([100.0, 5.0, 5.0, _, 5.0], [100.0, 100.0, 100.0, _, 100.0], id="nothing_told_confirms_nothing"),
        pytest.param([_, 5.0, 4.0], [_, 5.0, 4.0], id="the_first_value_is_all_there_is"),
    ],
)
def test_a_charge_that_jumps_is_believed_once_it_was_told_again_and_again(
    told: Sequence[Value | None], believed: Sequence[Value | None]
) -> None:
    assert values(BATTERY, told) == believed


def test_what_is_shown_meanwhile_is_as_old_as_when_it_was_told() -> None:
    kept = judged(BATTERY, [100.0, 5.0, 5.0], every_s=30)[-1]
    assert kept == Judgement(100.0, 0.0, doubted=True, trouble="change")


def test_the_longer_ago_a_value_is_the_further_the_next_may_be_from_it() -> None:
    assert values(BATTERY, [100.0, 40.0], every_s=60) == [100.0, 100.0]
    assert values(BATTERY, [100.0, 40.0], every_s=600) == [100.0, 40.0]


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        pytest.param([True, *[False] * 7], [True] * 6 + [False] * 2, id="unplugged"),
        pytest.param([True, False] * 10, [True] * 20, id="toggling"),
        pytest.param([True, *[False, False, True] * 5], [True] * 16, id="toggling_slowly"),
        pytest.param([True, False, False, _, *[False] * 3], [True] * 3 + [_] + [True] * 3, id="with_a_gap"),
    ],
)
def test_a_flag_is_believed_once_it_has_stayed_for_a_while(
    told: Sequence[Value | None], believed: Sequence[Value | None]
) -> None:
    assert CHARGING.settles_s == 5
    assert values(CHARGING, told) == believed


def test_a_flag_that_changes_is_no_trouble_and_one_that_changes_back_is() -> None:
    assert [judgement.trouble for judgement in judged(CHARGING, [True, *[False] * 8])] == [_] * 9
    assert [judgement.trouble for judgement in judged(CHARGING, [True, False, True, True])] == [_, _, "toggle", _]


@pytest.mark.parametrize("described", [s for s in SIGNALS.values() if not s.settles_s and s.holds != "number"])
def test_a_flag_or_a_text_that_needs_not_settle_is_believed_at_once(described: Signal) -> None:
    told: list[Value | None] = [True, False, True] if described.holds == "flag" else ["wifi", "cellular", "none"]
    assert values(described, told) == told


# -- stuck -------------------------------------------------------------------------------------------------------------


def test_a_signal_that_must_vary_and_does_not_for_an_hour_is_unknown_until_it_does() -> None:
    told = [0.3] * 70 + [0.4]
    judgements = judged(LOAD, told, every_s=60)
    assert [judgement.value for judgement in judgements] == [0.3] * 60 + [None] * 10 + [0.4]
    assert [index for index, judgement in enumerate(judgements) if judgement.trouble == "stuck"] == [60]


@pytest.mark.parametrize("resting", [0.0, 1.0])
def test_at_the_ends_of_its_range_a_signal_may_rest(resting: float) -> None:
    assert values(LOAD, [resting] * 100, every_s=60) == [resting] * 100


def test_what_need_not_vary_may_be_the_same_for_ever() -> None:
    assert not BATTERY.must_vary
    assert values(BATTERY, [80.0] * 200, every_s=60) == [80.0] * 200


def test_a_night_in_which_nothing_was_told_is_no_night_of_saying_the_same() -> None:
    history, _ = judge(UNHEARD, LOAD, 0.3, 0.0)
    for minute in range(40):
        history, judgement = judge(history, LOAD, 0.3, 8 * 3600.0 + minute * 60)
        assert judgement.value == 0.3


def test_two_values_that_happen_to_be_alike_with_an_hour_between_are_not_stuck() -> None:
    assert values(LOAD, [0.3] * 20, every_s=STUCK_S / 11) == [0.3] * 20


# -- whatever is told --------------------------------------------------------------------------------------------------

numbers = [s for s in SIGNALS.values() if s.holds == "number"]


@given(
    described=st.sampled_from(numbers),
    told=st.lists(st.floats(0, 100), max_size=30),
    every_s=st.floats(0.1, 60),
    last=st.floats(0, 1),
)
def test_what_is_told_steadily_gets_through_whatever_was_told_before(
    described: Signal, told: list[float], every_s: float, last: float
) -> None:
    steady = described.low + (described.high - described.low) * last
    assert values(described, [*told, *[steady] * (CONFIRMED + 1)], every_s=every_s)[-1] == steady


@given(told=st.lists(st.booleans(), min_size=1, max_size=100), every_s=st.floats(0.1, 10))
def test_a_flag_changes_at_most_once_in_the_time_that_it_needs_to_settle(told: list[bool], every_s: float) -> None:
    believed = values(CHARGING, told, every_s=every_s)
    changes = [index * every_s for index in range(1, len(told)) if believed[index] != believed[index - 1]]
    # Each change was seen for the settling time before it was believed, and came after the one before.
    assert all(later - earlier >= CHARGING.settles_s for earlier, later in pairwise(changes))


@given(described=st.sampled_from(list(SIGNALS.values())), told=st.lists(st.none() | st.floats(0, 100), max_size=50))
def test_what_is_believed_was_told_no_later_than_now(described: Signal, told: list[float | None]) -> None:
    if described.holds != "number":
        return
    for index, judgement in enumerate(judged(described, told)):
        assert judgement.at <= index
        assert judgement.value is None or judgement.value in told[: index + 1]
