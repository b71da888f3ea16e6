"""What is learnt of calls that find the radio asleep, and of those that find it awake."""

from __future__ import annotations

import pytest

from router.experience import ModelFacts
from router.types import Kind
from tests.builders.phones import TARGETS, Phone

LINKS = pytest.mark.parametrize("link", ["cellular", "wifi", None])


@LINKS
def test_a_call_after_a_silence_is_expected_to_pay_for_it_and_the_next_one_not(link: str | None) -> None:
    phone = Phone(link)
    for _ in range(8):
        phone.call(13.0)
        phone.call(0.5)
        phone.call(0.5)
    assert phone.expects_s(0.5) == pytest.approx(0.1, rel=0.15)
    assert phone.expects_s(9.0) == pytest.approx(0.1, rel=0.3)
    assert phone.expects_s(11.0) == pytest.approx(0.9, rel=0.15)
    assert phone.expects_s(3600.0) == pytest.approx(0.9, rel=0.25)


@LINKS
def test_what_a_call_would_take_after_any_silence_is_in_the_view(link: str | None) -> None:
    phone = Phone(link)
    for _ in range(8):
        phone.call(13.0)
        phone.call(0.5)
    after = {time.idle_s: time.time.median_s for time in phone.view().times_after}
    assert after[0.0] == phone.view().time.median_s
    assert after[0.0] < 0.15
    assert after[10.0] == pytest.approx(0.9, rel=0.15)


def test_a_radio_that_wakes_with_each_call_is_learnt_of_though_no_call_found_it_awake() -> None:
    phone = Phone("cellular")
    for _ in range(8):
        phone.call(40.0)
    assert phone.expects_s(40.0) == pytest.approx(0.9, rel=0.15)


def test_a_wake_up_that_one_model_paid_for_is_expected_of_another() -> None:
    phone = Phone(None)
    for _ in range(8):
        phone.call(13.0)
        phone.call(0.5)
    phone.now += 60
    assert phone.view("other").time.median_s > 0.6


def test_a_steady_link_looks_the_same_after_any_silence() -> None:
    phone = Phone(None, asleep_s=0.1)
    for _ in range(20):
        phone.call(0.5)
        phone.call(20.0)
    assert phone.radio().wakes == ()
    assert phone.view().times_after == ()
    phone.call(0.5)
    assert phone.expects_s(100.0) == pytest.approx(0.1, rel=0.25)


def test_a_cable_is_never_asleep() -> None:
    phone = Phone("ethernet", asleep_s=0.1)
    phone.call(0.0)
    phone.call(100.0)
    assert phone.expects_s(1000.0) == pytest.approx(phone.expects_s(0.1))


def test_what_was_learnt_over_one_link_waits_for_its_return() -> None:
    phone = Phone("wifi", asleep_s=0.03, awake_s=0.03)
    for _ in range(20):
        phone.call(0.5)
    phone.link, phone.times = "cellular", (0.3, 0.3, 10.0)
    for _ in range(20):
        phone.call(0.5)
    phone.link = "wifi"
    assert phone.expects_s(0.5) < 0.06


def test_two_calls_of_which_the_first_wakes_the_radio_both_pay() -> None:
    """The second would look slow by itself: it is short after the first was sent, and the radio still wakes."""
    phone = Phone("cellular")
    for _ in range(8):
        phone.call(13.0)
        phone.call(0.5)
    phone.now += 20
    usual_s = phone.view().times_after[0].time.median_s
    calls = [phone.experience.admit("cloud", Kind.CLOUD, "m", 1000, phone.readings, phone.now + at) for at in (0, 0.2)]
    for call, taken_s in zip(calls, (0.9, 0.7), strict=True):
        assert call is not None
        phone.experience.remote_succeeded(call, "m", 1000, taken_s, phone.now + 0.9)
    phone.now += 1.0
    assert phone.view().time.median_s == pytest.approx(usual_s, rel=0.05)


def test_the_radio_as_a_decision_sees_it_is_the_same_object_until_something_has_changed() -> None:
    phone = Phone("cellular")
    before = phone.experience.radio(phone.readings, 0.0)
    assert (before.kind, before.used_at, before.gaps_s) == ("cellular", None, ())
    assert phone.experience.radio(phone.readings, 1.0) is before
    phone.experience.arrived(0.0)
    phone.experience.arrived(5.0)
    phone.call(0.0)
    after = phone.radio()
    assert after.used_at == phone.now
    assert list(after.gaps_s) == [pytest.approx(5.0, rel=0.06)] * 8
    phone.link = None
    assert phone.radio().kind is None


def test_a_link_that_was_read_long_ago_is_unknown() -> None:
    phone = Phone("cellular")
    readings = phone.readings
    assert phone.experience.radio(readings, 15.0).kind == "cellular"
    assert phone.experience.radio(readings, 15.1).kind is None


def test_other_traffic_keeps_the_radio_awake() -> None:
    phone = Phone("cellular")
    phone.call(0.0)
    phone.now += 30
    phone.experience.radio_used(phone.readings, phone.now)
    assert phone.radio().used_at == phone.now


def test_before_any_transfer_a_cellular_link_is_believed_to_take_time_and_others_are_not() -> None:
    def beyond_s(link: str | None) -> float:
        large, small = (Phone(link).view(upload_bytes=size).time.median_s for size in (600_000, 0))
        return large - small

    assert beyond_s("cellular") == pytest.approx(600_000 * 8 / 5.64e6, rel=0.01)
    assert beyond_s("ethernet") == beyond_s(None) == 0


def test_a_radio_that_something_else_woke_is_seen_awake_at_once() -> None:
    """What had been seen was kept: after a deliberate wake, or a call to another target, a target still looked as if
    the radio slept, so that nobody was asked while it was awake."""
    phone = Phone("cellular")
    facts, readings = ModelFacts("m", TARGETS), phone.readings

    def sees_s() -> float:
        return phone.experience.views(facts, 1000, readings, phone.now)[1].time.median_s

    asleep_s = sees_s()
    phone.now += 1.0
    phone.experience.radio_used(readings, phone.now)
    phone.now += 0.5
    assert sees_s() < asleep_s / 3
