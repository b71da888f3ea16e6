from __future__ import annotations

import pytest

from router.simulate.chance import Chance
from router.simulate.driver import run, simulate
from router.simulate.intervals import between, drawn_again
from router.simulate.measures import MEASURES, difference, measured
from router.simulate.outcomes import Outcomes
from tests.router.simulate.runs import a_policy, a_setting

SHOWN_AS = {
    "cost": "cost",
    "accuracy_loss": "accuracy_loss",
    "wrong": "wrong",
    "misses": "missed",
    "failures": "failed",
    "escalations": "escalated",
    "latency": "seconds",
    "latency_p50": "p50_s",
    "latency_p95": "p95_s",
    "latency_p99": "p99_s",
    "energy": "joules",
    "money": "usd",
    "bytes": "size_bytes",
}
NEAR, FAR = a_policy('mode = "only_on_device"\n'), a_policy('mode = "prefer_in_cloud"\n')
ESCALATING = a_policy("[escalation]\nbelow = 0.7\n")


@pytest.mark.wide
@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_is_what_a_simulation_tells_with_the_same_interval(name: str) -> None:
    blocks = run(a_setting(), ESCALATING, 1).blocks
    told: Outcomes = simulate(a_setting(), ESCALATING, 1)
    draws = drawn_again(len(blocks), Chance(1, "intervals"))
    assert between(measured(blocks, MEASURES[name], draws)) == getattr(told, SHOWN_AS[name])


@pytest.mark.wide
@pytest.mark.parametrize("name", MEASURES)
def test_a_run_does_not_differ_from_itself(name: str) -> None:
    blocks = run(a_setting(), ESCALATING, 1).blocks
    draws = drawn_again(len(blocks), Chance(1, "d"))
    found = between(difference(blocks, blocks, MEASURES[name], draws))
    assert (found.low, found.value, found.high) == (0.0, 0.0, 0.0)


def test_the_difference_of_a_pair_is_known_better_than_either_of_them() -> None:
    """Late requests come in bunches: both policies have them in the same blocks."""
    setting = a_setting(gap_s=0.02)
    near, far = (run(setting, policy, 1).blocks for policy in (NEAR, a_policy('mode = "prefer_on_device"\n')))
    draws = drawn_again(len(near), Chance(1, "d"))
    wrong = MEASURES["wrong"]
    alone = between(measured(near, wrong, draws))
    paired = between(difference(near, far, wrong, draws))
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_who_is_slower_is_seen_in_the_sign() -> None:
    near, far = (run(a_setting(), policy, 1).blocks for policy in (NEAR, FAR))
    draws = drawn_again(len(near), Chance(1, "d"))
    found = between(difference(far, near, MEASURES["latency_p95"], draws))
    assert 0 < found.low <= found.value <= found.high
