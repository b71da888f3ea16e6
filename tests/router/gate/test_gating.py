"""Policies that are better, worse, the same, and as good; scenarios that are too short to tell."""

from __future__ import annotations

from typing import Any

import pytest

from router.errors import ScenarioError
from router.gate.criterion import Answer
from router.gate.gating import Day, Judged, gate, runs, seeds_of
from router.gate.terms import Goal, terms_of
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.limits import limit_of
from router.simulate.workload import Stream
from router.simulate.world import Setting
from router.types import Kind
from tests.router.simulate import worlds
from tests.router.simulate.runs import KINDS, a_policy, a_setting

pytestmark = pytest.mark.wide  # each runs whole simulations

NEAR, FAR = a_policy('mode = "only_on_device"\n'), a_policy('mode = "prefer_in_cloud"\n')


def _day(baseline: Policy, candidate: Policy, setting: Setting | None = None, **more: Any) -> Day:
    values = {"name": "day", "devices": 1, "seed": 1} | more
    return Day(setting=a_setting() if setting is None else setting, baseline=baseline, candidate=candidate, **values)


def _gate(
    *days: Day,
    goal: Goal = Goal.BETTER,
    objective: str = "cost",
    margins: tuple[str, ...] = (),
    limits: tuple[str, ...] = (),
    seeds: int = 3,
) -> Judged:
    terms = terms_of(objective, goal, margins, [limit_of(text) for text in limits], 0.05)
    return gate(days, (), terms, seeds=seeds)


def _answer(judged: Judged, name: str) -> Answer:
    return next(criterion.answer for criterion in judged.criteria if criterion.asked.name == name)


def test_what_is_better_in_all_that_is_asked_is_accepted() -> None:
    judged = _gate(_day(NEAR, FAR))
    assert judged.answer is Answer.ACCEPT
    assert judged.requests == 900


def test_what_is_truly_worse_is_rejected_and_told_by_what() -> None:
    judged = _gate(_day(FAR, NEAR))
    assert judged.answer is Answer.REJECT
    assert _answer(judged, "cost") is Answer.REJECT
    assert _answer(judged, "accuracy_loss") is Answer.REJECT
    assert _answer(judged, "misses") is not Answer.REJECT


def test_the_same_policy_is_not_better_and_not_worse() -> None:
    assert _gate(_day(FAR, FAR)).answer is Answer.REJECT
    assert _gate(_day(FAR, FAR), goal=Goal.NOT_WORSE).answer is Answer.ACCEPT


def test_too_short_a_scenario_is_inconclusive_and_it_is_told_how_many_requests_it_would_take() -> None:
    judged = _gate(_day(NEAR, FAR, a_setting(20)))
    assert judged.answer is Answer.INCONCLUSIVE
    told = [criterion for criterion in judged.criteria if criterion.answer is Answer.INCONCLUSIVE]
    assert {criterion.asked.name for criterion in told} == {"cost", "accuracy_loss", "misses"}
    assert all(criterion.wanted is not None and criterion.wanted >= 160 for criterion in told)
    assert judged.seeds_wanted is not None and judged.seeds_wanted > 3


def test_the_seeds_that_are_told_to_be_wanted_tell() -> None:
    """Of what is inconclusive with few seeds, and would be accepted with many."""
    few = _gate(_day(NEAR, FAR, a_setting(40)))
    assert few.answer is Answer.INCONCLUSIVE and few.seeds_wanted is not None
    assert _gate(_day(NEAR, FAR, a_setting(40)), seeds=few.seeds_wanted).answer is Answer.ACCEPT


def test_an_objective_that_becomes_less_at_the_cost_of_accuracy_is_rejected() -> None:
    """All requests on the device cost no bytes at all."""
    assert _answer(_gate(_day(FAR, NEAR), objective="bytes"), "bytes") is Answer.ACCEPT
    assert _gate(_day(FAR, NEAR), objective="bytes").answer is Answer.REJECT
    allowed = _gate(_day(FAR, NEAR), objective="bytes", margins=("accuracy_loss=0.3",))
    assert allowed.answer is Answer.ACCEPT


def test_a_policy_that_lets_requests_run_out_has_not_kept_its_accuracy() -> None:
    """Whoever never answers is never wrong, and spends little."""
    silent = a_policy("[labels]\npublic = []\n")
    judged = _gate(_day(FAR, silent), objective="money")
    assert _answer(judged, "money") is Answer.ACCEPT
    assert _answer(judged, "accuracy_loss") is Answer.REJECT


def test_a_limit_is_asked_of_the_candidate_alone() -> None:
    kept = _gate(_day(NEAR, FAR), limits=("latency_p95<=0.9",))
    broken = _gate(_day(NEAR, FAR), limits=("latency_p95<=0.001",))
    assert (kept.answer, broken.answer) == (Answer.ACCEPT, Answer.REJECT)


def test_one_scenario_in_which_it_is_worse_outweighs_any_in_which_it_is_better() -> None:
    """The cloud is right more often; where it is dear, asking it costs more than that is worth."""
    good = _day(NEAR, FAR, name="good")
    dear = worlds.server("cloud", rtt_s=0.03, usd_per_request=1.0)
    stream = a_setting().streams[0]
    costly = worlds.setting(dear, duration_s=1e9, streams=(stream,), models={"m": stream.model})
    far = compile_policy(
        b'schema = 1\nname = "far"\nversion = 1\nmode = "prefer_in_cloud"\nworth.dollar = 0.5\n'
        b"targets.cloud.usd_per_request = 1.0\n",
        targets={"device": Kind.DEVICE, "cloud": Kind.CLOUD},
    )
    bad = _day(far, far, costly, name="bad")
    near = compile_policy(
        b'schema = 1\nname = "near"\nversion = 1\nmode = "only_on_device"\nworth.dollar = 0.5\n',
        targets={"device": Kind.DEVICE, "cloud": Kind.CLOUD},
    )
    judged = _gate(good, Day("bad", costly, 1, 1, near, far))
    answers = {(c.asked.name, c.asked.scenario): c.answer for c in judged.criteria}
    assert answers["cost", "good"] is Answer.ACCEPT
    assert answers["cost", "bad"] is Answer.REJECT
    assert judged.answer is Answer.REJECT
    assert bad.name == "bad"


def test_over_several_scenarios_the_objective_has_to_fall_on_the_average() -> None:
    judged = _gate(_day(NEAR, FAR, name="one"), _day(NEAR, NEAR, name="other"))
    answers = {(c.asked.name, c.asked.scenario): c.answer for c in judged.criteria}
    assert answers["cost", ""] is Answer.ACCEPT, "on the average"
    assert answers["cost", "other"] is Answer.ACCEPT, "the same is not worse"
    assert judged.answer is Answer.ACCEPT


def test_a_budget_that_the_baseline_kept_is_kept_by_whoever_follows_it() -> None:
    """All that the cloud is asked for comes to three tenths of a dollar, of which the baseline allowed a tenth."""
    body = 'mode = "prefer_in_cloud"\n[worth]\ndollar = 0.01\n'
    priced = 'forbid = ["fog"]\n'
    rule = f'[[rules]]\nname = "far"\nwhen = {{ battery_pct = {{ at_least = 0 }} }}\n{priced}'
    terms = '[budgets.money]\namount_usd = 0.1\nper = "day"\n'
    head = 'schema = 1\nname = "tried"\nversion = 1\n'
    targets = "[targets.fog]\n[targets.cloud]\nusd_per_request = 0.001\n"

    def policy(more: str) -> Policy:
        return compile_policy(f"{head}{body}{targets}{rule}{more}".encode(), targets=KINDS)

    spends = _gate(_day(policy(terms), policy("")), goal=Goal.NOT_WORSE)
    assert _answer(spends, "budget money") is Answer.REJECT
    keeps = _gate(_day(policy(terms), policy(terms)), goal=Goal.NOT_WORSE)
    assert keeps.answer is Answer.ACCEPT
    assert _answer(keeps, "budget money") is Answer.ACCEPT


def test_a_promise_that_the_baseline_made_is_made_by_whoever_follows_it() -> None:
    promising = a_policy("[promise]\nmax_loss = 0.05\n")
    setting = a_setting(100)
    dropped = _gate(_day(promising, a_policy(), setting), goal=Goal.NOT_WORSE)
    assert _answer(dropped, "promise") is Answer.REJECT
    kept = _gate(
        _day(promising, promising, setting), goal=Goal.NOT_WORSE, margins=("accuracy_loss=0.02", "misses=0.02")
    )
    assert kept.answer is Answer.ACCEPT


def test_a_fleet_is_judged_with_all_its_devices_and_seeds_that_share_none() -> None:
    day = _day(NEAR, FAR, a_setting(60), devices=5)
    assert seeds_of(day, 3) == [1, 6, 11]
    judged = _gate(day)
    assert judged.requests == 900
    assert judged.answer is Answer.ACCEPT


def test_equal_arguments_give_equal_verdicts_to_the_last_digit() -> None:
    assert repr(_gate(_day(NEAR, FAR))) == repr(_gate(_day(NEAR, FAR)))


def test_each_run_is_watched() -> None:
    days, seen = [_day(NEAR, FAR, a_setting(10))], list[str]()
    gate(days, (), terms_of("cost", Goal.BETTER, (), (), 0.05), seeds=3, watch=seen.append)
    assert len(seen) == runs(days, 3) == 6


def test_a_day_without_a_request_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no request comes"):
        _gate(_day(NEAR, FAR, a_setting(0)))


def _twins(requests: int) -> Setting:
    """Two clouds that differ in nothing but their chance."""
    servers = tuple(worlds.server(name, kind=kind, spread=0.5) for name, kind in list(KINDS.items())[1:])
    stream = a_setting(requests).streams[0]
    model = worlds.model(["fog", "cloud"])
    stream = Stream("app", model, 1.0, stream.labels, stream.arriving)
    return worlds.setting(*servers, duration_s=1e9, streams=(stream,), models={"m": model})


@pytest.mark.wide
@pytest.mark.slow
def test_two_policies_that_are_as_good_as_one_another_are_seldom_taken_for_better() -> None:
    """Of 40 at 5 %, eight are one chance in two thousand. In each, half the requests' chance differs."""
    fog, cloud = (a_policy(f'mode = "only_in_cloud"\n[labels]\npublic = ["{name}"]\n') for name in ("fog", "cloud"))
    setting = _twins(60)
    found = [_gate(_day(fog, cloud, setting, seed=1000 * number), objective="latency").answer for number in range(40)]
    assert found.count(Answer.ACCEPT) < 8
    assert found.count(Answer.INCONCLUSIVE) > 20
