"""What an agent's own calls tell its rules."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from edge_agent.experience import Experience
from edge_agent.signals.traffic import Traffic
from edge_agent.testing import FakeClock
from router.rules.compile import compile_policy
from router.running.advice import Told
from router.signals import signal
from router.types import Kind
from tests.builders.agents import policy_text
from tests.builders.scenes import Scene, X


class Agent:
    """As far as its calls go."""

    def __init__(self, *targets: str) -> None:
        self.clock = FakeClock()
        self.experience = Experience(compile_policy(policy_text().encode()), chance=random.Random(0))
        self.traffic = Traffic(targets, lambda: self.experience.traffic(targets, self.clock()))

    def calls(
        self, target: str, taken_s: float, *, sent: int = 100, received: int = 100, told: Told | None = None
    ) -> None:
        call = self.experience.admit(target, Kind.CLOUD, "m", sent, {}, self.clock())
        assert call is not None
        self.clock.advance(taken_s)
        self.experience.remote_succeeded(
            call, "m", sent, taken_s, self.clock(), told=told or Told(), received_bytes=received
        )


def test_before_any_call_nothing_is_known() -> None:
    told = Agent("cloud").traffic.read()
    assert set(told) == {f"{n}{t}" for n in ("up_mbps", "down_mbps", "queue_ms") for t in ("", ".cloud")} | {
        "radio_idle_s"
    }
    assert set(told.values()) == {None}


def test_every_name_is_that_of_a_signal() -> None:
    assert all(signal(name) is not None for name in Agent("cloud", "cabin").traffic.names)


def test_paces_are_those_of_the_calls_and_the_first_target_s_have_short_names() -> None:
    agent = Agent("cloud", "cabin")
    for _ in range(5):
        agent.calls("cloud", 0.05)
        agent.calls("cloud", 1.05, sent=1_000_000)
        agent.calls("cloud", 0.55, received=1_000_000)
    told = agent.traffic.read()
    assert told["up_mbps"] == told["up_mbps.cloud"] == pytest.approx(8.0, rel=0.05)
    assert told["down_mbps.cloud"] == pytest.approx(16.0, rel=0.05)
    assert told["up_mbps.cabin"] is None
    agent.clock.advance(61)
    assert agent.traffic.read()["up_mbps"] is None


def test_a_queue_is_the_longest_that_the_target_told_of_a_moment_ago() -> None:
    agent = Agent("cloud")
    agent.calls("cloud", 0.05, told=Told(0.25))
    assert agent.traffic.read()["queue_ms"] == 250
    agent.clock.advance(6)
    assert agent.traffic.read()["queue_ms"] is None


def test_the_radio_is_idle_since_the_last_call_ended() -> None:
    agent = Agent("cloud")
    agent.calls("cloud", 0.05)
    agent.clock.advance(12)
    assert agent.traffic.read()["radio_idle_s"] == pytest.approx(12.0)


def test_a_rule_may_speak_of_what_an_agent_s_calls_showed(tmp_path: Path) -> None:
    rule = '[[rules]]\nname = "awake"\nwhen = { radio_idle_s = { at_most = 3600 } }\nforbid = ["cloud"]\n'
    with Scene(tmp_path) as scene, scene.agent("prefer_in_cloud", rules=rule) as watched:
        assert watched.infer("tiny", X).target == "cloud"
        watched.agent.refresh()
        assert watched.infer("tiny", X).target == "device"
        [status] = [status for status in watched.agent.signals() if status.name == "radio_idle_s"]
        assert (status.fresh, status.source) == (True, "the agent's own calls")
