"""The limit alone, window by window, and hypothesis for what it must never be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.admission.limit import Limit

_TARGET_S = 0.1


def _limit(*, minimum: int = 2, maximum: int = 64) -> Limit:
    return Limit(minimum=minimum, maximum=maximum, queue_target_s=_TARGET_S)


def _see(limit: Limit, begin: float, *, windows: int, wait_s: float, run_s: float | None, in_flight: int) -> float:
    """Let so many windows of equal calls pass; return the instant after them."""
    now = begin
    for _ in range(windows * 21):
        limit.observe(wait_s, run_s, in_flight, now)
        now += 0.01
    return now


def test_it_begins_with_all_that_may_be() -> None:
    assert _limit().value(0.0) == 64


def test_it_stays_where_calls_wait_no_longer_than_is_allowed() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=20, wait_s=0.89 * _TARGET_S, run_s=0.01, in_flight=32)
    assert limit.value(now) == 64


def test_one_slow_window_changes_nothing() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=3, wait_s=0.01, run_s=0.01, in_flight=32)
    now = _see(limit, now, windows=1, wait_s=0.5, run_s=0.01, in_flight=32)
    now = _see(limit, now, windows=3, wait_s=0.01, run_s=0.01, in_flight=32)
    assert limit.value(now) == 64


def test_it_falls_to_what_was_served_in_the_time_allowed() -> None:
    limit = _limit()
    # 31 calls in work that take 0.3 s are 103 a second; 0.7 of the target and a run are 0.08 s: eight of them.
    now = _see(limit, 0.0, windows=10, wait_s=0.29, run_s=0.01, in_flight=31)
    assert limit.value(now) == 8


def test_calls_that_came_before_it_fell_do_not_make_it_fall_further() -> None:
    """Each tells of the queue that it met, and the queue drains for a while after the limit has fallen."""
    limit = _limit()
    now = _see(limit, 0.0, windows=10, wait_s=0.29, run_s=0.01, in_flight=31)
    now = _see(limit, now, windows=10, wait_s=0.19, run_s=0.01, in_flight=21)
    assert limit.value(now) == 8


def test_calls_given_up_while_they_waited_are_learnt_from() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=10, wait_s=1.0, run_s=None, in_flight=30)
    assert limit.value(now) < 7


def test_calls_that_wait_for_ever_behind_urgent_ones_do_not_take_the_urgent_ones_room() -> None:
    limit = _limit()
    for step in range(1000):
        limit.observe(0.05 if step % 10 else 60.0, 0.01, 32, step * 0.01)
    assert limit.value(10.0) == 64


def test_a_model_that_takes_long_is_allowed_half_a_run_of_wait() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=10, wait_s=0.9, run_s=2.0, in_flight=30)
    assert limit.value(now) == 64


def test_it_does_not_grow_while_less_than_half_of_it_is_in_use() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=10, wait_s=0.29, run_s=0.01, in_flight=31)
    now = _see(limit, now, windows=20, wait_s=0.0, run_s=0.01, in_flight=3)
    assert limit.value(now) == 8
    now = _see(limit, now, windows=20, wait_s=0.0, run_s=0.01, in_flight=8)
    assert limit.value(now) > 8


def test_after_a_silence_it_begins_anew() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=10, wait_s=0.29, run_s=0.01, in_flight=31)
    assert limit.value(now + 29) == 8
    assert limit.value(now + 31) == 64
    assert limit.latency_s(now + 31) == 0.0
    limit.observe(0.0, 0.01, 1, now + 31)
    assert limit.value(now + 31) == 64


def test_what_a_call_takes_lately_is_its_wait_and_its_run() -> None:
    limit = _limit()
    now = _see(limit, 0.0, windows=2, wait_s=0.05, run_s=0.02, in_flight=4)
    assert limit.latency_s(now) == pytest.approx(0.07)


def test_a_maximum_below_the_minimum_holds() -> None:
    assert _limit(minimum=8, maximum=3).value(0.0) == 3


_calls = st.tuples(
    st.floats(0, 100), st.none() | st.floats(0, 100), st.integers(1, 1000), st.sampled_from([0.0, 0.001, 0.1, 1, 60])
)


@given(st.lists(_calls, max_size=200))
def test_whatever_is_seen_it_keeps_within_its_bounds(calls: list[tuple[float, float | None, int, float]]) -> None:
    limit, now = _limit(), 0.0
    for wait_s, run_s, in_flight, later_s in calls:
        now += later_s
        limit.observe(wait_s, run_s, in_flight, now)
        assert 2 <= limit.value(now) <= 64
