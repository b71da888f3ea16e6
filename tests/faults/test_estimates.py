"""Networks and devices that change: what is decided follows what is learnt, soon, and without going to and fro."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from edge_agent import Agent
from router.choosing.engine import decide
from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.types import Kind, Request, Situation
from tests.builders.agents import PIXELS, Home
from tests.builders.phones import Phone

# The cloud is right more often, which is worth a tenth of a second.
POLICY = b"""schema = 1
name = "p"
version = 1
[targets.device]
p_wrong = 0.2
[targets.cloud]
p_wrong = 0.1
[worth]
second = 1.0
"""
FACTS = ModelFacts(
    "m",
    (
        TargetFacts("device", Kind.DEVICE, True, "", 0, None),
        TargetFacts("cloud", Kind.CLOUD, True, "", 1 << 24, None),
    ),
)


class Device:
    """Decides each request by what it has learnt, runs what it chose, and learns from that."""

    def __init__(self, *, device_s: float, cloud_s: float) -> None:
        self.chance = random.Random(11)
        self.policy = compile_policy(POLICY)
        self.experience = Experience(self.policy, chance=self.chance.random)
        self.device_s, self.cloud_s = device_s, cloud_s
        self.now = 0.0

    def asks(self, times: int, *, every_s: float = 0.5) -> list[str]:
        chosen = []
        for _ in range(times):
            self.now += every_s
            chosen.append(self._ask())
        return chosen

    def _ask(self) -> str:
        experience, now = self.experience, self.now
        views = experience.views(FACTS, 1000, {}, now)
        request = Request("r", "m", "public", now + 10.0, False)
        situation = Situation(request, {}, views, None, now, None, experience.radio({}, now))
        plan = decide(self.policy, situation).plan
        assert plan is not None
        target = plan.legs[0].target
        taken_s = (self.device_s if target == "device" else self.cloud_s) * self.chance.lognormvariate(0, 0.15)
        if target == "device":
            experience.device_ran("m", taken_s, now + taken_s)
        else:
            call = experience.admit("cloud", Kind.CLOUD, "m", 1000, {}, now)
            assert call is not None
            experience.remote_succeeded(call, "m", 1000, taken_s, now + taken_s)
        self.now += taken_s
        return target


def _switches(chosen: list[str]) -> int:
    return sum(one != other for one, other in pairwise(chosen))


def test_A3_when_latency_steps_up_the_device_takes_over_within_twenty_answers_and_once() -> None:
    phone = Device(device_s=0.004, cloud_s=0.05)
    assert set(phone.asks(40)) == {"cloud"}
    phone.cloud_s = 0.5
    chosen = phone.asks(120)
    left = chosen.index("device")
    assert left <= 20
    # Not one goes there twice in a row any more, and those that try it come at waits that double.
    tries = [number for number in range(left, 120) if chosen[number] == "cloud"]
    assert _switches(chosen) == 1 + 2 * len(tries)
    waits = [later - earlier for earlier, later in pairwise([left, *tries])]
    assert len(tries) <= 3
    assert all(later >= 1.7 * earlier for earlier, later in pairwise(waits))


def test_A3_a_cloud_that_has_become_quick_again_is_asked_again_after_its_minute() -> None:
    phone = Device(device_s=0.004, cloud_s=0.05)
    phone.asks(40)
    phone.cloud_s = 0.5
    phone.asks(60)
    phone.cloud_s = 0.05
    chosen = phone.asks(200)
    assert chosen[-1] == "cloud"
    assert _switches(chosen) == 1


def test_A3_a_cloud_that_stays_slow_is_tried_once_a_minute_and_no_more() -> None:
    phone = Device(device_s=0.004, cloud_s=0.5)
    chosen = phone.asks(720)
    assert chosen.count("cloud") <= 12


def test_E6_when_the_device_throttles_the_cloud_is_preferred_within_twenty_answers() -> None:
    phone = Device(device_s=0.02, cloud_s=0.25)
    phone.asks(5)
    assert phone.asks(30)[-1] == "device"
    phone.device_s = 0.6
    chosen = phone.asks(40)
    assert chosen.index("cloud") <= 20


@pytest.mark.parametrize(
    ("link", "after_s"), [("wifi", 0.1), ("wifi", 0.5), ("cellular", 0.5), ("cellular", 2.0), ("cellular", 5.0)]
)
def test_A6_large_inputs_are_predicted_from_the_pace_and_small_ones_go_on(link: str, after_s: float) -> None:
    """At 8 kB a second. Where no two calls came within a second, the pace was never learnt: all was the radio's, which
    might have slept."""
    phone = Phone(link, sleeps_after_s=1e9)
    for _ in range(5):
        phone.call(after_s)
    phone.call(after_s, upload_bytes=40_000, carried_s=5.0)
    assert phone.view(upload_bytes=80_000).time.median_s == pytest.approx(10.0, rel=0.1)
    assert phone.view(upload_bytes=1000).time.median_s < 0.3
    assert phone.view().upload_bytes_per_s == pytest.approx(8000, rel=0.05)


@pytest.mark.parametrize("link", ["wifi", None])
def test_A6_what_no_radio_takes_to_wake_was_the_bytes(link: str | None) -> None:
    """After each silence the radio may have slept, and small calls have told how long it takes awake."""
    phone = Phone(link, sleeps_after_s=1e9)
    for _ in range(5):
        phone.call(0.1)
    for _ in range(3):
        phone.call(20.0, upload_bytes=40_000, carried_s=5.0)
    phone.now += 20.0
    assert 6 < phone.view(upload_bytes=80_000).time.median_s < 12


def test_A16_eight_hours_of_suspension_leave_what_was_known() -> None:
    phone = Phone("cellular", asleep_s=0.9, awake_s=0.1)
    for _ in range(8):
        phone.call(13.0)
        phone.call(0.5)
    phone.now += 8 * 3600
    view = phone.view()
    assert view.time.median_s == pytest.approx(0.9, rel=0.25)
    assert view.times_after[0].time.median_s < 0.15
    phone.call(0.0)
    phone.call(0.5)
    assert phone.view().time.median_s < 0.15


@pytest.mark.wide
@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04\x95pickle", b'{"saved": 3}', b"[" * 100_000], ids=lambda c: repr(c[:8])
)
def test_H8_an_agent_starts_and_answers_whatever_lies_in_its_state_folder(
    home: Home, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    state = home.root / "state"
    state.mkdir()
    (state / "learnt.json").write_bytes(content)
    with Agent(home.config(home.release(remote=False), state=state)) as agent:
        assert agent.infer("tiny", {"pixels": PIXELS}).target == "device"
    assert "times are learnt anew" in caplog.text
    caplog.clear()
    with Agent(home.config(home.release(remote=False), state=state)) as agent:
        assert agent.infer("tiny", {"pixels": PIXELS}).target == "device"
    assert "learnt anew" not in caplog.text
