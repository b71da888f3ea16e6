"""Phases played on a real cloud and a real link, with some of the images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from edge_agent import Agent
from edge_agent.config import load_config
from edge_agent.demo.cloud import CloudProcess, serve_command
from edge_agent.demo.day import DAY, Phase
from edge_agent.demo.digits import Images
from edge_agent.demo.documents import agent_document, day_policy
from edge_agent.demo.outcomes import PhaseSummary
from edge_agent.demo.play import CloudOutOfReach, Played, Player
from edge_agent.demo.release import DemoRelease
from edge_agent.signals import Scripted
from edge_agent.testing.link import FaultyLink
from router.types import Kind

pytestmark = pytest.mark.wide

ASKED = 60
PHASES = {phase.name: phase for phase in DAY}


class Theatre:
    """A cloud, a link, an agent; `shown` is what the player told while it played."""

    def __init__(self, made: DemoRelease, link: FaultyLink) -> None:
        folder = made.release.parent.parent
        (folder / "agent.toml").write_text(agent_document(f"127.0.0.1:{link.address[1]}"), encoding="utf-8")
        (folder / "policy.toml").write_text(day_policy(made.margin), encoding="utf-8")
        self.shown: list[PhaseSummary] = []
        self.link = link
        self.scripted = Scripted()
        self.agent = Agent(load_config(folder / "agent.toml"), sources=[self.scripted])
        images = Images(made.digits.held_out.pixels[:ASKED], made.digits.held_out.labels[:ASKED])
        self._player = Player(link, images, pace_s=0.0, on_progress=self.shown.append, reach_s=3.0)

    def play(self, *names: str) -> Played:
        """Play phases one after the other, and return the last."""
        return [self.play_phase(PHASES[name]) for name in names][-1]

    def play_phase(self, phase: Phase) -> Played:
        return self._player.play(phase, self.agent, self.scripted)


@pytest.fixture(scope="module")
def cloud(made: DemoRelease) -> Iterator[CloudProcess]:
    with CloudProcess(serve_command(made.models)) as cloud:
        yield cloud


@pytest.fixture
def theatre(made: DemoRelease, cloud: CloudProcess) -> Iterator[Theatre]:
    with FaultyLink(cloud.grpc) as link:
        theatre = Theatre(made, link)
        with theatre.agent:
            yield theatre


def test_on_the_good_network_some_escalate_and_their_bytes_are_counted(theatre: Theatre) -> None:
    played = theatre.play("good network")
    row = played.summary
    assert row.requests == row.answered == ASKED
    assert 0 < row.in_cloud < ASKED / 2
    assert row.bytes_sent > sum(a.result.receipt.sent_bytes for a in played.answers if a.result is not None) > 0
    assert {Kind(a.result.target) for a in played.answers if a.result is not None} == {Kind.DEVICE, Kind.CLOUD}


def test_with_a_low_battery_the_device_answers_everything(theatre: Theatre) -> None:
    played = theatre.play("good network", "battery low")
    assert played.summary.on_device == played.ruled_by("battery-low") == ASKED


def test_a_slow_network_is_found_out_and_not_waited_for_again(theatre: Theatre) -> None:
    played = theatre.play("good network", "network slow")
    assert played.summary.answered == played.summary.on_device == ASKED
    assert 0 < played.in_vain < ASKED / 4
    assert not any(answer.outcome.deadline_missed for answer in played.answers[ASKED // 2 :])


def test_a_busy_device_has_the_cloud_answer(theatre: Theatre) -> None:
    played = theatre.play("network slow", "device busy")
    assert played.ruled_by("device-busy") == ASKED
    assert played.summary.in_cloud >= ASKED * 0.9


def test_without_a_network_everything_is_answered_and_nothing_crosses(theatre: Theatre) -> None:
    played = theatre.play("good network", "cloud gone")
    assert played.summary.on_device == ASKED
    assert played.summary.bytes_sent == 0
    assert played.in_vain > 0


def test_of_secret_requests_no_byte_crosses_although_the_cloud_is_in_reach(theatre: Theatre) -> None:
    played = theatre.play("good network", "cloud gone", "secret")
    assert played.summary.on_device == ASKED
    assert played.summary.bytes_sent == 0
    assert theatre.play("cloud back").summary.in_cloud > 0


def test_a_phase_that_should_begin_on_a_network_does_not_begin_without_one(theatre: Theatre) -> None:
    with pytest.raises(CloudOutOfReach, match="did not answer"):
        theatre.play_phase(replace(PHASES["good network"], network=None))


def test_it_is_told_how_a_phase_stands_while_it_runs(theatre: Theatre) -> None:
    theatre.play("device busy")
    assert [row.requests for row in theatre.shown] == sorted(row.requests for row in theatre.shown)
    assert {row.name for row in theatre.shown} == {"device busy"}
