"""What a plan does while a target is waited for, and when."""

from __future__ import annotations

from statistics import NormalDist

import pytest

from router.choosing.engine import decide
from router.choosing.plan import Backup, Hedge, Plan, Retry
from router.running.attempt import HAND_BACK_S
from router.running.waiting import COLD_S, latest_quantile_s, normal_quantile
from router.types import BreakerPhase, Situation, TimeEstimate
from tests.router.situations import policy_of, situation, target, times

HEDGING = 'mode = "prefer_in_cloud"\n[hedge]\n'


def _plan(text: str, of: Situation | None = None) -> Plan:
    plan = decide(policy_of(text), of or situation()).plan
    assert plan is not None
    return plan


@pytest.mark.parametrize("p", [0.5, 0.75, 0.9, 0.95, 0.99, 0.999])
def test_the_normal_quantile_is_the_standard_librarys(p: float) -> None:
    assert normal_quantile(p) == pytest.approx(NormalDist().inv_cdf(p), abs=1e-9)


LOG_NORMAL = TimeEstimate(
    tuple(0.1 * 2 ** NormalDist().inv_cdf(p) for p in (0.05, 0.25, 0.5, 0.75, 0.95)),  # type: ignore[arg-type]  # five
    50,
)


@pytest.mark.parametrize("p", [0.5, 0.6, 0.75, 0.9, 0.95, 0.99, 0.999])
def test_of_a_log_normal_time_every_quantile_is_the_right_one(p: float) -> None:
    z = NormalDist().inv_cdf(p)
    assert latest_quantile_s(LOG_NORMAL, z) == pytest.approx(0.1 * 2**z)


def test_what_an_estimate_carries_is_told_as_it_is() -> None:
    estimate = TimeEstimate((0.01, 0.02, 0.05, 0.07, 0.3), 50)
    assert latest_quantile_s(estimate, 0.0) == pytest.approx(0.05)
    assert latest_quantile_s(estimate, normal_quantile(0.75)) == pytest.approx(0.07)
    assert latest_quantile_s(estimate, normal_quantile(0.95)) == pytest.approx(0.3)


def test_beyond_what_is_carried_the_later_of_two_guesses_counts() -> None:
    steep_at_the_end = TimeEstimate((0.01, 0.02, 0.05, 0.06, 0.3), 50)
    flat_at_the_end = TimeEstimate((0.01, 0.02, 0.05, 0.28, 0.3), 50)
    z = normal_quantile(0.99)
    assert latest_quantile_s(steep_at_the_end, z) > 0.3 * (0.3 / 0.05) ** (z / normal_quantile(0.95) - 1)
    assert latest_quantile_s(flat_at_the_end, z) > 0.3


def test_a_time_of_nothing_is_no_error() -> None:
    assert latest_quantile_s(TimeEstimate((0.0,) * 5, 0), normal_quantile(0.99)) == pytest.approx(0.0, abs=1e-6)


# -- backups -----------------------------------------------------------------------------------------------------------


def test_the_device_starts_so_that_all_but_eps_of_its_runs_are_in_time() -> None:
    plan = _plan('mode = "prefer_in_cloud"\nbackup.eps = 0.25')
    assert plan.backup == Backup(pytest.approx(times(5).quantiles_s[3] + COLD_S + HAND_BACK_S))


@pytest.mark.parametrize("mode", ["prefer_on_device", "only_on_device", "only_in_cloud"])
def test_there_is_no_backup_where_the_device_comes_first_or_not_at_all(mode: str) -> None:
    assert _plan(f'mode = "{mode}"').backup is None


def test_auto_backs_a_cloud_up_as_well() -> None:
    plan = _plan('mode = "auto"')
    assert [leg.target for leg in plan.legs] == ["cloud", "device"]
    assert plan.backup is not None


@pytest.mark.parametrize("mode", ["auto", "prefer_in_cloud"])
@pytest.mark.parametrize(
    ("says", "p_wrong", "waits"),
    [("hold", 0.0, True), ("return", 0.0, False), ("weigh", 0.0, True), ("weigh", 0.3, False), ("", 0.0, True)],
)
def test_an_uncertified_backup_waits_where_the_policy_says_so_or_that_is_expected_to_cost_less(
    mode: str, says: str, p_wrong: float, waits: bool
) -> None:
    device, cloud = target("device", median_ms=30, p_wrong=0.3), target("cloud", p_wrong=p_wrong)
    text = f'[backup]\nuncertified = "{says}"\n' if says else ""
    backup = _plan(f'mode = "{mode}"\nworth.second = 0.01\n{text}', situation(device, cloud, left_ms=100)).backup
    assert backup is None if mode == "auto" and p_wrong else backup is not None
    assert backup is None or backup.holds is waits


def test_a_plan_says_that_the_backup_s_answer_waits() -> None:
    said = {says: str(_plan(f'mode = "prefer_in_cloud"\nbackup.uncertified = "{says}"')) for says in ("hold", "return")}
    assert said["hold"] == f"{said['return']}, its answer waiting for the other"


# -- hedges ------------------------------------------------------------------------------------------------------------


def test_without_its_table_nothing_is_hedged() -> None:
    assert _plan('mode = "prefer_in_cloud"').hedge is None


def test_the_next_leg_is_the_hedge_once_the_first_is_slower_than_19_of_20() -> None:
    assert _plan(HEDGING).hedge == Hedge("device", times(60).pessimistic_s)
    assert _plan('mode = "prefer_on_device"\n[hedge]\n').hedge == Hedge("cloud", times(5).pessimistic_s)


def test_one_target_alone_has_no_hedge() -> None:
    assert _plan('mode = "only_in_cloud"\n[hedge]\n').hedge is None


@pytest.mark.parametrize("which", ["cloud", "fog"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"breaker": BreakerPhase.HALF_OPEN}, id="probed"),
        pytest.param({"stay_local_s": 3.0}, id="asked to be spared"),
        pytest.param({"pushback_s": 3.0}, id="pushed back"),
    ],
)
def test_nothing_is_hedged_while_either_target_is_probed_or_asked_for_peace(
    which: str, changes: dict[str, object]
) -> None:
    views = {name: target(name, **(changes if name == which else {})) for name in ("cloud", "fog")}
    plan = decide(policy_of('mode = "only_in_cloud"\n[hedge]\n'), situation(*views.values())).plan
    assert plan is not None
    assert plan.hedge is None


def test_a_target_that_the_label_closes_is_no_hedge() -> None:
    text = 'mode = "only_in_cloud"\n[hedge]\n[labels]\nnear = ["fog"]\nall = ["fog", "cloud"]\n'
    targets = target("cloud"), target("fog")
    assert _plan(text, situation(*targets, label="all")).hedge is not None
    assert _plan(text, situation(*targets, label="near")).hedge is None


# -- retries -----------------------------------------------------------------------------------------------------------


def test_a_plan_with_a_remote_target_may_ask_it_again_as_often_as_the_policy_says() -> None:
    assert _plan('mode = "only_in_cloud"').retry == Retry(2, 0.05, 1.0)
    more = "[retry]\nattempts = 3\nbase_ms = 20\nmax_ms = 200"
    assert _plan('mode = "only_in_cloud"\n' + more).retry == Retry(3, 0.02, 0.2)
    assert _plan('mode = "only_in_cloud"\nretry.attempts = 1').retry is None
    assert _plan('mode = "only_on_device"').retry is None
