"""Policies and baselines through small worlds."""

from __future__ import annotations

import pytest

from router.simulate.baselines import BASELINES, Baseline, always, cascade
from router.simulate.driver import run, simulate
from router.simulate.faults import Fault
from router.simulate.outcomes import Outcomes
from tests.router.simulate.runs import a_policy, a_setting


def _ended(outcomes: Outcomes) -> float:
    answered = sum(share.value for share in outcomes.shares.values())
    return answered + outcomes.failed.value + outcomes.missed.value


def _named(baseline: Baseline | None) -> str:
    return "policy" if baseline is None else baseline.name


@pytest.mark.parametrize("baseline", [None, *BASELINES, always("cloud")], ids=_named)
def test_equal_seeds_give_equal_outcomes_to_the_last_digit(baseline: Baseline | None) -> None:
    one, other = (simulate(a_setting(), a_policy(), 3, baseline=baseline) for _ in range(2))
    assert repr(one) == repr(other)
    assert one.requests == 300
    assert repr(simulate(a_setting(), a_policy(), 4, baseline=baseline)) != repr(one)


@pytest.mark.parametrize("baseline", [None, *BASELINES, always("cloud")], ids=_named)
def test_every_request_ends_once(baseline: Baseline | None) -> None:
    faults = {"cloud": (Fault(10.0, 20.0, black_hole=True), Fault(30.0, 40.0, error_share=0.5))}
    setting = a_setting(gap_s=0.05, deadline_s=0.2, faults=faults, label="public")
    outcomes = simulate(setting, a_policy("[escalation]\nbelow = 0.6\n"), 1, baseline=baseline)
    assert _ended(outcomes) == pytest.approx(1.0)


def test_what_a_label_keeps_on_the_device_costs_no_byte() -> None:
    for baseline in (None, *BASELINES, always("cloud")):
        outcomes = simulate(a_setting(label="secret"), a_policy(), 1, baseline=baseline)
        assert outcomes.size_bytes.value == outcomes.usd.value == 0.0
        assert outcomes.shares["fog"].value == outcomes.shares["cloud"].value == 0.0


def test_always_asks_one_and_nobody_else() -> None:
    device = simulate(a_setting(), a_policy(), 1, baseline=always("device"))
    cloud = simulate(a_setting(), a_policy(), 1, baseline=always("cloud"))
    assert device.shares["device"].value == 1.0
    assert device.size_bytes.value == 0.0
    assert cloud.shares["cloud"].value + cloud.missed.value == 1.0
    assert cloud.usd.value == pytest.approx(0.001)


def test_a_higher_threshold_asks_more_often_and_is_less_often_wrong() -> None:
    tried = [simulate(a_setting(600), a_policy(), 1, baseline=cascade(below)) for below in (0.3, 0.6, 0.9)]
    assert tried[0].escalated.value < tried[1].escalated.value < tried[2].escalated.value
    assert tried[0].wrong.value > tried[1].wrong.value > tried[2].wrong.value
    assert tried[0].accuracy_loss.value > tried[2].accuracy_loss.value


def test_a_policy_learns_that_a_target_has_become_slow() -> None:
    slow = {"fog": (Fault(20.0, 1e9, slow=30.0),)}
    policy = a_policy('mode = "only_in_cloud"\nworth = { second = 1.0 }\n')
    before = simulate(a_setting(400), policy, 1)
    after = simulate(a_setting(400, faults=slow), policy, 1)
    assert before.shares["fog"].value > 0.9
    assert after.shares["cloud"].value > 0.5


def test_a_request_that_overlaps_waits_for_the_one_device() -> None:
    apart = simulate(a_setting(gap_s=1.0), a_policy(), 1, baseline=always("device"))
    crowded = simulate(a_setting(gap_s=0.011), a_policy(), 1, baseline=always("device"))
    assert crowded.p95_s.value > 2 * apart.p95_s.value


def test_a_radio_s_tail_is_paid_for_even_behind_the_last_request() -> None:
    once = simulate(a_setting(1), a_policy(), 1, baseline=always("cloud"))
    assert once.joules.value > 10.0, "ten seconds at one watt"


def test_energy_is_what_runs_and_calls_draw() -> None:
    device = simulate(a_setting(), a_policy(), 1, baseline=always("device"))
    assert device.joules.value == pytest.approx(2.0 * 0.01, rel=0.2), "two watts for ten milliseconds"


@pytest.mark.parametrize("baseline", [None, *BASELINES, always("cloud")], ids=_named)
def test_a_device_whose_battery_is_empty_answers_nothing_and_asks_nobody(baseline: Baseline | None) -> None:
    """It ran nothing itself, and went on asking the cloud, which made leaving the device look like saving it."""
    setting = a_setting(battery_share=0.0)
    outcomes = simulate(setting, a_policy("[escalation]\nbelow = 0.6\n"), 1, baseline=baseline)
    answered = sum(share.value for share in outcomes.shares.values())
    assert answered == pytest.approx(0.0, abs=0.05)  # what comes before its first second is over
    assert outcomes.failed.value == pytest.approx(1.0, abs=0.05)


def test_two_policies_of_one_setting_and_seed_can_be_compared_block_by_block() -> None:
    near, far = (run(a_setting(), a_policy(f'mode = "{mode}"\n'), 1) for mode in ("only_on_device", "only_in_cloud"))
    assert [block.requests for block in near.blocks] == [block.requests for block in far.blocks]
    assert near.total().cost / 300 == simulate(a_setting(), a_policy('mode = "only_on_device"\n'), 1).cost.value
