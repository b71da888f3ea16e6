"""Budgets hold for what policies are compared with as well, and the bound knows of them what is certain."""

from __future__ import annotations

import math

import pytest

from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.baselines import BASELINES, always, cascade
from router.simulate.bound import least_possible
from router.simulate.comparison import compare
from router.simulate.driver import run
from router.simulate.spendable import spendable
from router.simulate.workload import Stream
from router.simulate.world import Setting
from router.types import Kind, Resource
from tests.router.simulate import worlds
from tests.router.simulate.runs import a_setting

pytestmark = pytest.mark.wide  # each runs whole simulations

PRICE = 0.001


def _policy(amount_usd: float | None, *, period: str = "hour", charged: float = PRICE, more: str = "") -> Policy:
    """A policy to whom nothing is worse than a wrong answer or none, so that it asks the cloud while it may."""
    text = 'schema = 1\nname = "tried"\nversion = 1\n'
    text += "[worth]\nwrong_answer = 10.0\nfailed_request = 10.0\nmissed_deadline = 10.0\n"
    text += f"[targets.cloud]\nusd_per_request = {charged}\n"
    if amount_usd is not None:
        text += f'[budgets.money]\namount_usd = {amount_usd}\nper = "{period}"\n{more}'
    return compile_policy(text.encode(), targets={"device": Kind.DEVICE, "cloud": Kind.CLOUD})


def _setting(requests: int = 200, duration_s: float = 3000.0) -> Setting:
    cloud, model = worlds.server("cloud", rtt_s=0.03, usd_per_request=PRICE), worlds.model()
    stream = a_setting(requests, gap_s=1.0).streams[0]
    streams = (Stream("app", model, 1.0, stream.labels, stream.arriving),)
    return worlds.setting(cloud, duration_s=duration_s, models={"m": model}, streams=streams)


@pytest.mark.parametrize("rule", [*BASELINES, always("cloud"), cascade(0.99)], ids=lambda rule: rule.name)
def test_every_simple_rule_obeys_the_budgets(rule: object) -> None:
    """Held to no budget, the best fixed choice would be one that nobody may make."""
    (meter,) = run(_setting(), _policy(0.05), 1, baseline=rule).meters  # type: ignore[arg-type]  # parametrized
    assert meter.most(Resource.MONEY, 3600) <= 0.05 + 1e-9
    (free,) = run(_setting(), _policy(None), 1, baseline=always("cloud")).meters
    assert free.most(Resource.MONEY, 3600) > 0.19


def test_what_hindsight_could_have_done_within_the_budget_is_dearer_than_without_it() -> None:
    told = compare(_setting(), [_policy(0.05)], 1)
    free = compare(_setting(), [_policy(None)], 1)
    assert told.least_cost > free.least_cost
    assert told.policies[0].score is not None and told.policies[0].score <= 1.0
    assert told.static.cost.value > free.static.cost.value
    assert told.static.usd.value * 200 <= 0.05 + 1e-9


@pytest.mark.parametrize("amount", [0.01, 0.05, 0.15])
@pytest.mark.parametrize("seed", [1, 2])
def test_nobody_gets_below_the_bound_within_the_budget(amount: float, seed: int) -> None:
    setting, policy = _setting(), _policy(amount)
    bound = least_possible(setting, policy, seed, budgets=spendable(setting, [policy]))
    for rule in (None, *BASELINES, always("cloud"), cascade(0.9)):
        assert run(setting, policy, seed, baseline=rule).total().cost >= bound - 1e-6


@pytest.mark.parametrize(
    ("policy", "usd"),
    [
        pytest.param(_policy(0.05), 0.05 + PRICE, id="an hour and one call more"),
        pytest.param(_policy(0.05, charged=PRICE / 2), 2 * (0.05 + PRICE / 2), id="that it thinks are half as dear"),
        pytest.param(_policy(0.05, charged=0.0), math.inf, id="of which it knows nothing"),
        pytest.param(_policy(0.05, more='at_zero = "least"\n'), math.inf, id="that does not stop"),
        pytest.param(_policy(None), math.inf, id="none"),
    ],
)
def test_what_may_be_spent_is_what_the_books_allow(policy: Policy, usd: float) -> None:
    assert spendable(_setting(), [policy]) == (math.inf, pytest.approx(usd), math.inf)


def test_a_day_of_four_hours_has_four_budgets_and_a_part_of_another() -> None:
    setting = _setting(duration_s=4 * 3600.0)
    assert spendable(setting, [_policy(1.0)])[1] == pytest.approx(5 * (1.0 + PRICE))
    assert spendable(setting, [_policy(1.0, period="day")])[1] == pytest.approx(1.0 + PRICE)


def test_of_several_policies_the_one_that_may_spend_most_counts() -> None:
    assert spendable(_setting(), [_policy(0.05), _policy(0.2)])[1] == pytest.approx(0.2 + PRICE)
    assert spendable(_setting(), [_policy(0.05), _policy(None)])[1] == math.inf
