"""What is seen of a target stays the same object until something about it has changed by more than a hair, and changes
then: whoever decides by it need not weigh anew after every answer."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from router.experience import ModelFacts
from router.running.advice import Told
from router.types import BreakerPhase, Kind, Reading, TargetView
from tests.builders.phones import TARGETS, Phone

FACTS = ModelFacts("m", TARGETS)


class _Busy(Phone):
    """A phone that calls on, and keeps what it reads as long as nothing was read."""

    def __init__(self, **more: float) -> None:
        super().__init__("wifi", asleep_s=0.1, **more)
        self.read: Mapping[str, Reading] = {}
        self.sample()

    def sample(self, rtt_ms: float = 20.0) -> None:
        found = {"link": "wifi", "rtt_ms.cloud": rtt_ms}
        self.read = {name: Reading(name, value, "test", self.now) for name, value in found.items()}

    def look(self) -> tuple[TargetView, ...]:
        return self.experience.views(FACTS, 1000, self.read, self.now)

    def ask(self, gap_s: float = 0.2, *, taken_s: float = 0.1, told: Told | None = None) -> None:
        self.now += gap_s
        self.look()
        call = self.experience.admit("cloud", Kind.CLOUD, "m", 1000, self.read, self.now)
        assert call is not None
        self.now += taken_s
        self.experience.remote_succeeded(call, "m", 1000, taken_s, self.now, told=told or Told(0.0), received_bytes=100)

    def fail(self) -> None:
        self.now += 0.2
        call = self.experience.admit("cloud", Kind.CLOUD, "m", 1000, self.read, self.now)
        assert call is not None
        self.experience.remote_failed(call, "m", blamed=True, now=self.now)


@pytest.fixture
def phone() -> _Busy:
    phone = _Busy()
    for _ in range(30):
        phone.ask()
    phone.sample()
    return phone


def test_an_answer_like_those_before_it_changes_nothing(phone: _Busy) -> None:
    before = phone.look()
    for _ in range(10):
        phone.ask()
        assert phone.look() is before


def test_a_sample_like_the_one_before_changes_nothing(phone: _Busy) -> None:
    before = phone.look()
    phone.now += 0.5
    phone.sample(20.2)
    assert phone.look() is before
    for _ in range(10):
        phone.now += 0.5
        phone.sample(30.0)
        phone.look()
    assert phone.look()[1].round_trip_s == pytest.approx(0.03, rel=0.1)


def test_after_a_silence_and_back_it_is_what_it_was(phone: _Busy) -> None:
    for _ in range(25):  # until both are known
        phone.ask(1.5)
        phone.ask(0.2)
    phone.sample()
    short = phone.look()
    phone.now += 1.5
    long = phone.look()
    assert long is not short
    phone.ask(0.0)
    assert phone.look() is short
    phone.now += 1.5
    assert phone.look() is long


def test_a_server_that_becomes_ten_times_slower_is_noticed_at_once(phone: _Busy) -> None:
    assert phone.look()[1].time.pessimistic_s < 0.12
    phone.ask(taken_s=1.0)
    phone.ask(taken_s=1.0)
    assert phone.look()[1].time.pessimistic_s > 0.9
    for _ in range(14):
        phone.ask(taken_s=1.0)
    assert phone.look()[1].time.median_s == pytest.approx(1.0, rel=0.1)


def test_one_that_creeps_is_followed_though_no_answer_is_news_by_itself(phone: _Busy) -> None:
    taken_s = 0.1
    for _ in range(100):
        taken_s *= 1.01
        phone.ask(taken_s=taken_s)
    assert taken_s / 1.01**25 < phone.look()[1].time.median_s < taken_s * 1.05


def test_failures_show_at_once_and_fade_to_nothing(phone: _Busy) -> None:
    phone.fail()
    assert phone.look()[1].p_fail == pytest.approx(0.05, abs=0.01)
    shares = set()
    for _ in range(150):
        phone.ask()
        shares.add(phone.look()[1].p_fail)
    assert phone.look()[1].p_fail == 0.0
    assert len(shares) < 10


def test_a_breaker_that_counts_is_not_seen_and_one_that_opens_is(phone: _Busy) -> None:
    phone.fail()
    phone.fail()
    assert phone.look()[1].breaker is BreakerPhase.CLOSED
    for _ in range(3):
        phone.fail()
    assert phone.look()[1].breaker is BreakerPhase.OPEN
    phone.now += 40
    assert phone.look()[1].breaker is BreakerPhase.HALF_OPEN


def test_a_probe_that_is_under_way_closes_the_door_to_others(phone: _Busy) -> None:
    for _ in range(5):
        phone.fail()
    phone.now += 40
    assert phone.look()[1].breaker_admits
    call = phone.experience.admit("cloud", Kind.CLOUD, "m", 1000, phone.read, phone.now)
    assert call is not None
    assert not phone.look()[1].breaker_admits
    phone.experience.remote_abandoned(call)
    assert phone.look()[1].breaker_admits


def test_a_queue_is_seen_as_it_is_told_and_forgotten_after_its_time(phone: _Busy) -> None:
    phone.ask(told=Told(0.3))
    assert phone.look()[1].queue_wait_s == 0.3
    phone.ask(told=Told(0.0))
    assert phone.look()[1].queue_wait_s == 0.0
    phone.now += 6
    assert phone.look()[1].queue_wait_s is None


def test_what_was_passed_over_for_long_is_forgotten_though_nobody_said_so(phone: _Busy) -> None:
    for _ in range(10):
        phone.ask(taken_s=2.0)
    assert phone.look()[1].time.median_s > 1
    for _ in range(130):
        phone.now += 0.5
        phone.sample()
        phone.look()
    assert phone.look()[1].time.median_s < 0.5
    assert phone.look()[1].time.samples == 0
