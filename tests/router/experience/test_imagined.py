"""Looking at what would be: it shows what a reading would change, and leaves what is known as it was."""

from __future__ import annotations

import pytest

from router.experience import ModelFacts
from router.types import Reading, TargetView
from tests.builders.phones import KINDS, TARGETS, Phone

FACTS = ModelFacts("m", TARGETS)


def _imagined(phone: Phone, rtt_ms: float, *, after_s: float = 0.0) -> TargetView:
    now = phone.now + after_s
    readings = {**phone.readings, "rtt_ms.cloud": Reading("rtt_ms.cloud", rtt_ms, "imagined", now)}
    return phone.experience.imagine(FACTS, 1000, readings, now)[list(KINDS).index("cloud")]


def test_an_imagined_round_trip_shows_what_it_would_change_and_is_not_learnt() -> None:
    """Asking what would be at half a second made the next requests believe in half a second."""
    phone = Phone("cellular")
    for _ in range(20):
        phone.call(0.5)
    before = phone.view()
    assert _imagined(phone, 500.0).round_trip_s == pytest.approx(0.5)
    assert _imagined(phone, 500.0).time.median_s > 0.4
    assert _imagined(phone, 20.0).time.median_s < 0.1
    assert phone.view() == before
    assert phone.radio().used_at == phone.used_at


def test_looking_for_nobody_passes_nothing_over() -> None:
    phone = Phone(None, asleep_s=2.0, awake_s=2.0)
    for _ in range(5):
        phone.call(0.5)
    for _ in range(10):
        _imagined(phone, 50.0, after_s=100.0)
    phone.now += 100.0
    assert phone.view().time.median_s == pytest.approx(2.0, rel=0.1)
