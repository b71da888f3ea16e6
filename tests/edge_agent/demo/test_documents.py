from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from edge_agent.config import load_config
from edge_agent.demo.documents import agent_document, day_policy, fixed_policy
from router.rules.compile import compile_policy
from router.types import DEVICE, Kind, Mode

TARGETS = {DEVICE: Kind.DEVICE, "cloud": Kind.CLOUD}


def test_the_policy_of_the_day_keeps_answers_above_the_margin() -> None:
    policy = compile_policy(day_policy(0.67).encode(), targets=TARGETS)
    assert policy.mode is Mode.AUTO
    assert policy.escalation is not None and policy.escalation.below == 0.67
    assert [rule.name for rule in policy.rules] == ["battery-low", "device-busy"]


def test_under_it_secret_requests_reach_the_device_alone() -> None:
    policy = compile_policy(day_policy(0.5).encode(), targets=TARGETS)
    assert policy.permits("secret", DEVICE, Kind.DEVICE)
    assert not policy.permits("secret", "cloud", Kind.CLOUD)


@pytest.mark.parametrize("mode", Mode)
def test_a_fixed_policy_has_no_rule_and_says_nothing_of_escalation(mode: Mode) -> None:
    policy = compile_policy(fixed_policy(mode).encode(), targets=TARGETS)
    assert (policy.mode, policy.rules) == (mode, ())
    assert policy.escalation is not None
    assert not policy.escalation.said


def test_the_agent_s_file_names_the_release_the_policy_and_the_link(tmp_path: Path) -> None:
    (tmp_path / "agent.toml").write_text(agent_document("127.0.0.1:4321"))
    config = load_config(tmp_path / "agent.toml")
    assert config.policy == tmp_path / "policy.toml"
    assert config.models["digits"].release == tmp_path / "releases" / "digits"
    assert config.targets["cloud"].address == "127.0.0.1:4321"


def test_comments_stand_in_one_column() -> None:
    lines = day_policy(0.67).splitlines()
    columns = {line.index("#") for line in lines if "#" in line}
    assert columns == {32}
    assert tomllib.loads(day_policy(0.67))["escalation"] == {"below": 0.67}
