"""What is found of an agent that has lived for a while; the command itself looks at one that has just started."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge_agent import AgentError
from edge_agent.cli.doctor_text import as_text
from edge_agent.cli.examine import examine
from edge_agent.runtimes import OutOfMemory
from edge_agent.testing import CloudModel, FakeClock, FakeCloud, FakeRuntime, Script, fake_agent, fake_release
from edge_agent.testing.releases import TINY_MANIFEST
from nearfar_wire.status import Code
from tests.builders.agents import policy_text
from tests.builders.certificates_of_loss import certificate

_X = {"x": np.zeros((1, 4), np.float32)}


def test_a_policy_file_that_broke_is_told_beside_the_policy_in_force(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(policy_text(version=3))
    runtime = FakeRuntime({"probabilities": [[1.0, 0.0, 0.0]]})
    with fake_agent(fake_release(runtime=runtime), policy=path) as agent:
        path.write_text("schema = 2")
        findings = examine(agent.core, model=None, label=None, values={})
    assert findings.policy.version == 3
    assert f"  its file is not in force: {path}: " in as_text(findings)


@pytest.mark.parametrize(
    ("evaluation", "told"),
    [
        pytest.param("", "version 1, not evaluated", id="without"),
        pytest.param(
            "[evaluation]\nn = 360\ndevice_wrong = 0.05\nremote_wrong = 0.02\n",
            "version 1, evaluated on 360 inputs",
            id="with",
        ),
    ],
)
def test_on_how_many_inputs_a_release_was_evaluated_is_told(evaluation: str, told: str) -> None:
    with fake_agent(fake_release(manifest=TINY_MANIFEST + evaluation)) as agent:
        findings = examine(agent.core, model=None, label=None, values={})
    assert told in as_text(findings)


@pytest.mark.parametrize(
    ("policy", "covered", "told"),
    [
        pytest.param(
            "", True, ["promise  not asked for", "promise  certified to lose 1.00% at most, 90% sure"], id="asks"
        ),
        pytest.param("[promise]\nmax_loss = 0.02\n", True, ["promise  in force"], id="in force"),
        pytest.param(
            "[promise]\nmax_loss = 0.001\n",
            True,
            ["promise  uncovered: the certificate promises nothing"],
            id="stricter",
        ),
        pytest.param("[promise]\nmax_loss = 0.02\n", False, ["promise  uncovered: another digest"], id="other files"),
    ],
)
def test_what_a_release_promises_and_what_that_is_worth_is_told(
    tmp_path: Path, policy: str, covered: bool, told: list[str]
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(policy_text(more=policy))
    release = replace(fake_release(), certificate=certificate(), why_uncovered="" if covered else "another digest")
    with fake_agent(release, policy=path) as agent:
        text = as_text(examine(agent.core, model=None, label=None, values={}))
    for line in told:
        assert line in text


def test_of_a_release_without_a_certificate_nothing_is_told_unless_a_promise_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    for policy, told in (("", False), ("[promise]\nmax_loss = 0.02\n", True)):
        path.write_text(policy_text(more=policy))
        with fake_agent(fake_release(), policy=path) as agent:
            text = as_text(examine(agent.core, model=None, label=None, values={}))
        assert ("promise  uncovered: the release has no certificate" in text) is told


def test_a_model_that_is_out_of_use_on_the_device_is_told_with_the_reason_and_for_how_long() -> None:
    def starve(inputs: object) -> None:
        raise OutOfMemory("no memory")

    with fake_agent(fake_release(runtime=FakeRuntime(starve)), clock=FakeClock()) as agent:
        assert not examine(agent.core, model=None, label=None, values={}).models[0].out_s
        for _ in range(2):
            with contextlib.suppress(AgentError):
                agent.infer("tiny", _X)
        findings = examine(agent.core, model=None, label=None, values={})
    (model,) = findings.models
    assert 25 < model.out_s < 35
    assert f"    out of use for {model.out_s:.0f} s more: its model ran out of memory and is" in as_text(findings)
    assert not findings.healthy


@pytest.mark.wide
def test_a_breaker_that_opened_closes_the_target_to_the_decision(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(policy_text("only_in_cloud", more="[breaker]\nconsecutive = 2\n"))
    with (
        FakeCloud({"tiny": CloudModel({})}, Script(fails=Code.INTERNAL)) as cloud,
        fake_agent(fake_release(), policy=path, targets={"cloud": {"address": cloud.address}}) as agent,
    ):
        for _ in range(2):
            with contextlib.suppress(AgentError):
                agent.infer("tiny", _X, privacy="public")
        findings = examine(agent.core, model=None, label=None, values={})
    assert (findings.targets[0].breaker, findings.targets[0].problem) == ("open", None)
    assert not findings.healthy, "it is reachable, and not asked"
    assert "cloud by breaker" in as_text(findings)
