from __future__ import annotations

import pytest

from cloud_service.admission.turns import Turns


def _told(turns: Turns, now: float) -> float:
    return turns.next_s(soonest_s=0.5, longest_s=2.0, apart_s=0.4, now=now)


def test_whoever_is_refused_comes_after_those_who_were_refused_before() -> None:
    turns = Turns()
    assert [_told(turns, 10.0) for _ in range(3)] == pytest.approx([0.5, 0.9, 1.3])
    assert _told(turns, 11.0) == pytest.approx(0.7)


def test_turns_that_passed_are_forgotten() -> None:
    turns = Turns()
    for _ in range(3):
        _told(turns, 10.0)
    assert _told(turns, 20.0) == pytest.approx(0.5)


def test_a_row_longer_than_anyone_waits_begins_anew() -> None:
    turns = Turns()
    assert [_told(turns, 0.0) for _ in range(6)] == pytest.approx([0.5, 0.9, 1.3, 1.7, 0.5, 0.9])
