"""What a back-test makes of the log of an agent that explores."""

from __future__ import annotations

import pytest

from benchmarks.backtest.logged import from_log
from router.rules.policy import Policy
from tests.benchmarks.backtest.seen import answered
from tests.router.offpolicy.logs import EXPLORING, log_of, truth_of
from tests.router.situations import policy_of

OTHER = policy_of("[worth]\nsecond = 3.0\n")


def lines(policy: Policy, count: int) -> list[str]:
    return [record.model_dump_json(by_alias=True) for record in log_of(policy, count, 3)]


@pytest.mark.wide
def test_a_log_that_explores_tells_what_the_other_policy_comes_to() -> None:
    came = [answered(1, 0.2), answered(2, 0.4, target="device")]
    told = from_log(lines(EXPLORING, 2000), OTHER, came, seed=1)
    assert (told.refused, told.records) == ("", 2000)
    assert told.effective > 100
    assert set(told.estimated) == set(told.came) == {"latency", "on_device"}
    truth = truth_of(OTHER, 2000, 3)
    latency = told.estimated["latency"]
    assert latency.low <= truth["latency"] <= latency.high
    assert told.came == {"latency": pytest.approx(0.3), "on_device": 0.5}


def test_a_log_that_is_too_short_tells_what_it_would_take() -> None:
    told = from_log(lines(EXPLORING, 40), OTHER, [answered(1, 0.2)], seed=1)
    assert told.estimated == {}
    assert "100 are wanted" in told.refused
