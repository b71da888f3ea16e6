"""Policies and baselines through small worlds."""

from __future__ import annotations

import pytest

from router.simulate.answers import Parametric
from router.simulate.baselines import BASELINES, Baseline, always, cascade
from router.simulate.driver import run, simulate
from router.simulate.faults import Fault
from router.simulate.outcomes import Outcomes
from router.types import Resource
from tests.router.simulate.runs import a_policy, a_setting


def _ended(outcomes: Outcomes) -> float:
    answered = sum(share.value for share in outcomes.shares.values())
    return answered + outcomes.failed.value + outcomes.missed.value


def _named(baseline: Baseline | None) -> str:
    return "policy" if baseline is None else baseline.name


@pytest.mark.parametrize("baseline", [None, *BASELINES, always("cloud")], ids=_named)
@pytest.mark.wide
def test_equal_seeds_give_equal_outcomes_to_the_last_digit(baseline: Baseline | None) -> None:
    one, other = (simulate(a_setting(), a_policy(), 3, baseline=baseline) for _ in range(2))
    assert repr(one) == repr(other)
    assert one.requests == 300
    assert repr(simulate(a_setting(), a_policy(), 4, baseline=baseline)) != repr(one)


@pytest.mark.parametrize("baseline", [None, *BASELINES, always("cloud")], ids=_named)
@pytest.mark.wide
def test_every_request_ends_once(baseline: Baseline | None) -> None:
    faults = {"cloud": (Fault(10.0, 20.0, black_hole=True), Fault(30.0, 40.0, error_share=0.5))}
    setting = a_setting(gap_s=0.05, deadline_s=0.2, faults=faults, label="public")
    outcomes = simulate(setting, a_policy("[escalation]\nbelow = 0.6\n"), 1, baseline=baseline)
    assert _ended(outcomes) == pytest.approx(1.0)


@pytest.mark.wide
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


@pytest.mark.wide
def test_a_higher_threshold_asks_more_often_and_is_less_often_wrong() -> None:
    tried = [simulate(a_setting(600), a_policy(), 1, baseline=cascade(below)) for below in (0.3, 0.6, 0.9)]
    assert tried[0].escalated.value < tried[1].escalated.value < tried[2].escalated.value
    assert tried[0].wrong.value > tried[1].wrong.value > tried[2].wrong.value
    assert tried[0].accuracy_loss.value > tried[2].accuracy_loss.value


@pytest.mark.wide
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


@pytest.mark.wide
def test_an_answer_that_never_came_and_one_of_a_worse_remote_target_are_accuracy_that_was_lost() -> None:
    """A policy that let requests run out, or asked whoever was nearest, had lost nothing by its own figures."""
    lost = {"cloud": (Fault(0.0, 1e9, black_hole=True),)}
    answered = simulate(a_setting(), a_policy(), 1, baseline=always("cloud"))
    silent = simulate(a_setting(faults=lost), a_policy(), 1, baseline=always("cloud"))
    assert answered.accuracy_loss.value == pytest.approx(0.0, abs=0.01)
    assert silent.accuracy_loss.value == pytest.approx(0.75 * 0.95 + 0.25 * 0.6, abs=0.03)
    worse = Parametric(0.75, 0.8, 1.0, {"fog": (0.8, 0.3), "cloud": (0.95, 0.6)})
    nearest = simulate(a_setting(answers=worse), a_policy(), 1, baseline=always("fog"))
    assert nearest.accuracy_loss.value == pytest.approx(0.75 * 0.15 + 0.25 * 0.3, abs=0.03)


def test_backups_are_told() -> None:
    slow = {name: (Fault(0.0, 1e9, slow=100.0),) for name in ("fog", "cloud")}
    policy = a_policy('mode = "prefer_in_cloud"\n')
    assert simulate(a_setting(faults=slow), policy, 1).backed_up.value > 0.01, "until the breakers open"
    assert simulate(a_setting(), policy, 1).backed_up.value == 0.0


def test_hedges_are_told_within_the_share_that_the_policy_allows() -> None:
    uneven = {"fog": (Fault(5.0, 8.0, delay_s=0.3, every_s=10.0),)}
    body = 'mode = "only_in_cloud"\n[hedge]\nshare = 0.05\n'
    hedged = simulate(a_setting(faults=uneven), a_policy(body), 1).hedged
    assert 0.0 < hedged.value <= 0.06
    assert simulate(a_setting(faults=uneven), a_policy('mode = "only_in_cloud"\n'), 1).hedged.value == 0.0


@pytest.mark.wide
def test_retries_are_told() -> None:
    failing = {name: (Fault(0.0, 1e9, error_share=0.3),) for name in ("fog", "cloud")}
    policy = 'mode = "only_in_cloud"\n[retry]\nattempts = {}\n'
    assert simulate(a_setting(faults=failing), a_policy(policy.format(2)), 1).retried.value > 0.0
    assert simulate(a_setting(faults=failing), a_policy(policy.format(1)), 1).retried.value == 0.0


def test_how_often_each_rule_applied_is_told_and_of_one_that_never_did_that_too() -> None:
    rules = (
        '[[rules]]\nname = "always"\nwhen = { battery_pct = { at_least = 1 } }\nforbid = ["cloud"]\n'
        '[[rules]]\nname = "never"\nwhen = { battery_pct = { less_than = 1 } }\nforbid = ["cloud"]\n'
    )
    told = simulate(a_setting(), a_policy(rules), 1).rules
    assert {name: applied.value for name, applied in told.items()} == {"always": 1.0, "never": 0.0}


def test_a_meter_reads_what_the_requests_together_took() -> None:
    tally = run(a_setting(gap_s=60.0), a_policy('mode = "only_in_cloud"\n'), 1)
    (meter,) = tally.meters
    total = tally.total()
    assert meter.most(Resource.MONEY, 86_400) == pytest.approx(total.usd)
    assert meter.most(Resource.BYTES, 86_400) == pytest.approx((total.up_bytes + total.down_bytes) / 1e6)
    assert 0 < meter.most(Resource.MONEY, 3600) < total.usd / 2
    # All but the tail behind the last call.
    assert meter.most(Resource.ENERGY, 86_400) == pytest.approx(total.joules, abs=11.0)
