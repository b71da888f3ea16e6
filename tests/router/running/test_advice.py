"""What a target said of itself: believed for a moment, and never for long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.running.advice import NOT_AGAIN_S, Advice, Told


def _hearing(told: Told, *, now: float = 100.0, stretch: float = 0.0) -> Advice:
    advice = Advice()
    advice.hear(told, now, longest_s=300.0, unsaid_s=30.0, stretch=stretch)
    return advice


def test_nothing_said_is_nothing_known() -> None:
    for advice in (Advice(), _hearing(Told())):
        assert advice.queue_wait_s(100.0) is None
        assert advice.stay_local_s(100.0) == 0
        assert advice.pushback_s(100.0) == 0


def test_a_queue_is_known_for_a_few_seconds() -> None:
    advice = _hearing(Told(queue_wait_s=0.25))
    assert advice.queue_wait_s(105.0) == 0.25
    assert advice.queue_wait_s(105.1) is None


def test_an_empty_queue_is_known_to_be_empty() -> None:
    assert _hearing(Told(queue_wait_s=0.0)).queue_wait_s(100.0) == 0.0


def test_who_asks_to_be_spared_is_for_as_long() -> None:
    advice = _hearing(Told(0.0, stay_local_s=8.0))
    assert (advice.stay_local_s(107.9), advice.stay_local_s(108.0)) == (8.0, 0.0)


def test_the_next_report_ends_what_the_last_one_asked_and_a_word_without_a_report_does_not() -> None:
    advice = _hearing(Told(0.0, stay_local_s=8.0))
    advice.hear(Told(), 101.0, longest_s=300.0, unsaid_s=30.0, stretch=0.0)
    assert advice.stay_local_s(102.0) == 8.0
    advice.hear(Told(0.0), 103.0, longest_s=300.0, unsaid_s=30.0, stretch=0.0)
    assert advice.stay_local_s(103.0) == 0.0


@pytest.mark.parametrize(
    ("asked_s", "given_s"),
    [(2.0, 2.0), (NOT_AGAIN_S, 30.0), (1e6, 300.0)],
    ids=["so long", "without an end: as long as a breaker opens for", "for ever: not longer than any breaker"],
)
def test_who_refuses_is_left_alone_for(asked_s: float, given_s: float) -> None:
    advice = _hearing(Told(pushback_s=asked_s))
    assert advice.pushback_s(100.0) == given_s
    assert advice.pushback_s(100.0 + given_s - 0.01) == given_s
    assert advice.pushback_s(100.0 + given_s) == 0.0


def test_a_fleet_comes_back_one_after_the_other_and_nobody_too_early() -> None:
    advice = _hearing(Told(0.0, stay_local_s=10.0, pushback_s=2.0), stretch=0.1)
    assert (advice.pushback_s(102.1), advice.pushback_s(102.2)) == (2.0, 0.0)
    assert (advice.stay_local_s(110.9), advice.stay_local_s(111.0)) == (10.0, 0.0)


_pauses = st.floats(0, 1e12) | st.just(NOT_AGAIN_S)


@given(st.none() | st.floats(0, 3600), _pauses, _pauses, st.floats(0, 1))
def test_whatever_is_said_it_ends(wait_s: float | None, stay_s: float, push_s: float, stretch: float) -> None:
    advice = _hearing(Told(wait_s, stay_s, push_s), stretch=stretch)
    later = 100.0 + 601
    assert advice.queue_wait_s(later) is None
    assert advice.stay_local_s(later) == advice.pushback_s(later) == 0
    assert all(at <= later for at in advice.changes_at())
