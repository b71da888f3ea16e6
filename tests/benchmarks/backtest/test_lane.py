"""An agent in which a simple rule decides."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.backtest.contenders import RULES
from benchmarks.backtest.lane import decide_by_rule
from edge_agent import RemoteConfig
from edge_agent.testing import CloudModel, FakeCloud, FakeRuntime, fake_agent, fake_release
from router.simulate.baselines import Baseline

SURE, UNSURE = [[0.98, 0.01, 0.01]], [[0.4, 0.35, 0.25]]
FULL = [[0.1, 0.1, 0.8]]


@pytest.mark.parametrize(
    ("rule", "device_says", "answers"),
    [
        ("always-device", UNSURE, "device"),
        ("always-cloud", SURE, "cloud"),
        ("prefer-device", UNSURE, "device"),
        ("prefer-cloud", SURE, "cloud"),
        ("latency-argmin", UNSURE, "device"),
        ("cascade-0.7", UNSURE, "cloud"),
        ("cascade-0.7", SURE, "device"),
    ],
)
def test_a_live_agent_does_what_the_rule_says(rule: str, device_says: list[list[float]], answers: str) -> None:
    """Rules once decided nothing, because what they were put in place of had moved: every lane was mode auto."""
    chosen: Baseline = next(one for one in RULES if one.name == rule)
    release = fake_release("tiny", FakeRuntime({"probabilities": np.array(device_says, np.float32)}))
    with FakeCloud({"tiny": CloudModel({"probabilities": FULL})}) as cloud:
        targets = {"cloud": RemoteConfig(address=cloud.address)}
        with fake_agent(release, targets=targets) as agent:
            decide_by_rule(agent, chosen)
            result = agent.infer("tiny", {"x": np.ones((1, 4), np.float32)}, deadline_ms=10_000, privacy="public")
    assert result.target == answers
    assert result.decision.candidates == (), "nothing was weighed"
