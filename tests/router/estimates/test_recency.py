"""When something is forgotten: once it was passed over for long, and not by time alone."""

from __future__ import annotations

import math

import pytest

from router.estimates import Recency

MANY = 25
"""Looks by which one is passed over for long, if the time is over as well."""


def _seen_at(now: float) -> Recency:
    recency = Recency()
    recency.seen(now)
    return recency


def _passed_over(recency: Recency, since: float, times: int = MANY, every_s: float = 0.1) -> None:
    for number in range(times):
        recency.look(since + number * every_s, 60.0)


def test_what_nobody_asked_for_is_still_known_hours_later() -> None:
    recency = _seen_at(0.0)
    recency.look(36_000.0, 60.0)
    assert not recency.forgotten


def test_what_was_passed_over_for_long_is_forgotten() -> None:
    recency = _seen_at(0.0)
    _passed_over(recency, 10.0)
    recency.look(60.0, 60.0)
    assert not recency.forgotten
    recency.look(60.1, 60.0)
    assert recency.forgotten


def test_what_a_few_rare_requests_passed_over_is_still_known() -> None:
    """Where requests came a minute or more apart, each forgot whom the last one had passed over: two targets took
    turns, and so did a device that took twenty times as long as devices are believed to."""
    recency = _seen_at(0.0)
    _passed_over(recency, 100.0, MANY - 1, every_s=100.0)
    assert not recency.forgotten
    recency.look(100.0 * MANY, 60.0)
    assert recency.forgotten


def test_what_is_asked_each_time_is_not_forgotten_however_long_it_takes_between() -> None:
    recency = _seen_at(0.0)
    for hour in range(1, 5):
        recency.look(hour * 3600.0, 60.0)
        recency.asked()
    assert not recency.forgotten


def test_what_shows_again_says_whether_it_had_been_forgotten() -> None:
    recency = _seen_at(0.0)
    _passed_over(recency, 100.0)
    assert recency.seen(104.0)
    assert not recency.forgotten
    assert not recency.seen(105.0)


def test_it_says_when_time_alone_will_have_it_forgotten() -> None:
    recency = _seen_at(5.0)
    assert recency.changes_at(6.0, 60.0) == math.inf
    recency.look(6.0, 60.0)
    assert recency.changes_at(6.0, 60.0) == 65.0
    assert recency.changes_at(80.0, 60.0) == 80.0


def _in_use_until(now: float) -> Recency:
    recency = Recency()
    for back in range(5, 0, -1):
        recency.look(now - back, 60.0)
        recency.asked()
        recency.seen(now - back)
    recency.seen(now)
    return recency


def _tried_again_at(recency: Recency, now: float, until: float) -> list[float]:
    """Pass it over ten times a second until it is forgotten, then ask it once more, to no avail; return when."""
    tried = []
    while now < until:
        now += 0.1
        recency.look(now, 60.0)
        if recency.forgotten:
            recency.asked()
            recency.seen(now)
            tried.append(now)
    return tried


def test_what_was_in_use_until_lately_is_tried_again_soon_and_then_at_waits_that_double() -> None:
    """On a recorded 5G drive a cloud that an outage had made look slow was left alone for a minute, although the outage
    had taken seconds: `auto` cost a fifth more than always asking it."""
    tried = _tried_again_at(_in_use_until(0.0), 0.0, 250.0)
    waits = [later - earlier for earlier, later in zip([0.0, *tried], tried, strict=False)]
    assert [round(wait, 0) for wait in waits] == [8.0, 15.0, 30.0, 60.0, 60.0, 60.0]


def test_what_is_in_use_again_is_tried_again_soon_after_the_next_trouble() -> None:
    recency = _in_use_until(0.0)
    _tried_again_at(recency, 0.0, 100.0)
    for later in range(5):
        recency.look(200.0 + later, 60.0)
        recency.asked()
        recency.seen(200.0 + later)
    assert _tried_again_at(recency, 204.0, 213.0) == [pytest.approx(211.6, abs=0.11)]


def test_it_says_when_time_alone_will_have_what_was_in_use_forgotten() -> None:
    recency = _in_use_until(0.0)
    for passed_over in (1.0, 1.1, 1.2):
        recency.look(passed_over, 60.0)
        assert recency.changes_at(passed_over, 60.0) == 60.0
    recency.look(1.3, 60.0)
    assert recency.changes_at(1.3, 60.0) == 7.5


def test_what_is_tried_alone_waits_twice_as_long_after_each_try_in_vain() -> None:
    recency = Recency(alone=True)
    recency.seen(0.0)
    assert _tried_again_at(recency, 0.0, 2000.0) == [pytest.approx(at, abs=1) for at in (60, 180, 420, 900, 1860)]


def test_what_is_tried_alone_is_known_again_once_a_few_requests_have_passed_its_chance_over() -> None:
    recency = Recency(alone=True)
    recency.seen(0.0)
    _passed_over(recency, 1.0)
    forgotten = []
    for at in (1.0, 61.0, 61.1, 61.2, 61.3, 61.4):
        recency.look(at, 60.0)
        forgotten.append(recency.forgotten)
        # Whoever goes by a view that was kept would not look, so that none is kept meanwhile.
        assert not recency.forgotten or recency.changes_at(at, 60.0) == at
    assert forgotten == [False, True, True, True, False, False]


def test_what_is_tried_alone_and_is_in_use_again_begins_with_the_whole_wait() -> None:
    recency = Recency(alone=True)
    recency.seen(0.0)
    _tried_again_at(recency, 0.0, 500.0)
    for at in range(500, 506):
        recency.look(float(at), 60.0)
        recency.asked()
        recency.seen(float(at))
    assert _tried_again_at(recency, 505.0, 600.0) == [pytest.approx(565, abs=1)]
