"""When something is forgotten: once it was passed over for long, and not by time alone."""

from __future__ import annotations

import math

from router.estimates import Recency


def _seen_at(now: float) -> Recency:
    recency = Recency()
    recency.seen(now)
    return recency


def test_what_nobody_asked_for_is_still_known_hours_later() -> None:
    recency = _seen_at(0.0)
    recency.look(36_000.0, 60.0)
    assert not recency.forgotten


def test_what_was_passed_over_for_long_is_forgotten() -> None:
    recency = _seen_at(0.0)
    recency.look(10.0, 60.0)
    recency.look(60.0, 60.0)
    assert not recency.forgotten
    recency.look(60.1, 60.0)
    assert recency.forgotten


def test_what_is_asked_each_time_is_not_forgotten_however_long_it_takes_between() -> None:
    recency = _seen_at(0.0)
    for hour in range(1, 5):
        recency.look(hour * 3600.0, 60.0)
        recency.asked()
    assert not recency.forgotten


def test_what_shows_again_says_whether_it_had_been_forgotten() -> None:
    recency = _seen_at(0.0)
    recency.look(1.0, 60.0)
    recency.look(100.0, 60.0)
    assert recency.seen(101.0)
    assert not recency.forgotten
    assert not recency.seen(102.0)


def test_it_says_when_time_alone_will_have_it_forgotten() -> None:
    recency = _seen_at(5.0)
    assert recency.changes_at(6.0, 60.0) == math.inf
    recency.look(6.0, 60.0)
    assert recency.changes_at(6.0, 60.0) == 65.0
    assert recency.changes_at(80.0, 60.0) == 80.0
