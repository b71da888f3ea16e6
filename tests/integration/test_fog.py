"""A server nearby is one more target, with a network, a trust and a price of its own: three processes, one of them the
app's. Both servers are `nearfar-cloud serve`; the one far away is behind a slow link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent import Agent
from edge_agent.testing import Faults, FaultyLink
from nearfar_wire.digest import digest_of
from router.types import Kind
from tests.builders.agents import FULL, PIXELS, Home
from tests.builders.processes import CloudProcess, cloud_process
from tests.builders.repositories import write_repository
from tests.builders.scenes import host_port

pytestmark = pytest.mark.wide

POLICY = """schema = 1
name = "house"
version = 1
mode = "{mode}"

[labels]
public = ["device", "fog", "cloud"]
household = ["device", "fog"]           # the living room's server is ours, the cloud is not
secret = ["device"]

[targets.living-room]
kind = "fog"
usd_per_request = {fog_usd}
"""
FAR = Faults(latency_s=0.04)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_repository(tmp_path_factory.mktemp("servers") / "models", {"tiny": FULL})


@pytest.fixture(scope="module")
def cloud(models: Path) -> Iterator[CloudProcess]:
    with cloud_process(models) as cloud:
        yield cloud


@pytest.fixture
def link(cloud: CloudProcess) -> Iterator[FaultyLink]:
    with FaultyLink(host_port(cloud.target)) as link:
        link.faults = FAR
        yield link


@pytest.fixture
def fog(models: Path) -> Iterator[CloudProcess]:
    with cloud_process(models) as fog:
        yield fog


def _agent(
    home: Home, fog: CloudProcess, link: FaultyLink, *, mode: str = "prefer_in_cloud", usd: float = 0.0
) -> Agent:
    release = home.release()
    home.policy(POLICY.format(mode=mode, fog_usd=usd))
    host, port = link.address
    path = home.root / "agent.toml"
    path.write_text(
        f"""schema = 1
policy = "policy.toml"
[models.tiny]
release = "{release.relative_to(home.root).as_posix()}"
[targets.living-room]
kind = "fog"
address = "{fog.target}"
[targets.cloud]
address = "{host}:{port}"
""",
        encoding="utf-8",
    )
    agent = Agent.from_config(path, sources=[])
    agent.refresh()
    return agent


def _asked(agent: Agent, privacy: str = "public") -> tuple[str, tuple[str, ...]]:
    result = agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=10_000, privacy=privacy)
    return result.target, tuple(sent.target for sent in result.receipt.sent)


def test_of_two_remote_targets_the_nearer_answers(home: Home, fog: CloudProcess, link: FaultyLink) -> None:
    with _agent(home, fog, link) as agent:
        result = agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=10_000, privacy="public")
    assert (result.target, result.receipt.model_digest) == ("living-room", digest_of(FULL))
    views = {view.name: view for view in result.decision.situation.targets}
    assert {name: view.kind for name, view in views.items()} == {
        "device": Kind.DEVICE, "living-room": Kind.FOG, "cloud": Kind.CLOUD,
    }  # fmt: skip
    assert views["living-room"].time.median_s < views["cloud"].time.median_s


def test_a_target_that_costs_too_much_is_not_asked_though_it_is_near(
    home: Home, fog: CloudProcess, link: FaultyLink
) -> None:
    with _agent(home, fog, link, usd=1.0) as agent:
        assert _asked(agent) == ("cloud", ("cloud",))


def test_when_the_nearer_one_dies_the_farther_one_answers(home: Home, fog: CloudProcess, link: FaultyLink) -> None:
    with _agent(home, fog, link) as agent:
        assert _asked(agent) == ("living-room", ("living-room",))
        fog.process.kill()
        fog.process.wait(timeout=30)
        answered = [_asked(agent)[0] for _ in range(8)]
        assert set(answered) <= {"cloud", "device"} and answered[-1] == "cloud"


def test_what_the_cloud_may_not_see_is_answered_nearby_and_never_there(
    home: Home, fog: CloudProcess, link: FaultyLink
) -> None:
    with _agent(home, fog, link) as agent:
        assert _asked(agent, "household") == ("living-room", ("living-room",))
        fog.process.kill()
        fog.process.wait(timeout=30)
        for _ in range(8):
            target, sent = _asked(agent, "household")
            assert target == "device" and set(sent) <= {"living-room"}
        assert _asked(agent, "secret") == ("device", ())


def test_in_mode_auto_an_uncertain_answer_goes_to_the_nearer_one(
    home: Home, fog: CloudProcess, link: FaultyLink
) -> None:
    with _agent(home, fog, link, mode="auto") as agent:
        policy = home.root / "policy.toml"
        policy.write_text(
            policy.read_text("utf-8").replace("version = 1", "version = 2") + "[escalation]\nbelow = 1.0\n"
        )
        agent.refresh()
        result = agent.infer("tiny", {"pixels": PIXELS}, deadline_ms=10_000, privacy="household")
        assert result.target == "living-room"
        assert {candidate.name for candidate in result.decision.candidates} >= {"living-room"}
        assert all("cloud" not in candidate.name for candidate in result.decision.candidates)
