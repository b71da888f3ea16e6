"""Nobody gets below the bound: no policy and no baseline, in whatever world."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.compile import compile_policy
from router.simulate.baselines import BASELINES, always, cascade
from router.simulate.bound import least_possible
from router.simulate.driver import simulate
from router.simulate.spendable import spendable
from router.simulate.world import Setting
from tests.properties.effort import tries
from tests.properties.simulated import BODIES, HEAD, KINDS, settings

CHOOSERS = [None, *BASELINES, always("fog"), always("cloud"), cascade(0.9)]
WORTHS = [
    "",
    "worth = { second = 1.0 }\n",
    "worth = { joule = 0.1, second = 0.5 }\n",
    "worth = { second = 2.0, missed_deadline = 0.3, failed_request = 0.2, wrong_answer = 0.1 }\n",
]


@pytest.mark.wide
@tries(30)
@given(settings(), st.sampled_from(WORTHS), st.sampled_from(BODIES), st.integers(0, 5))
def test_nothing_costs_less_than_the_bound(setting: Setting, worth: str, body: str, seed: int) -> None:
    document = HEAD + ("" if "[worth]" in body else worth) + body
    policy = compile_policy(document.encode(), targets=KINDS)
    bound = least_possible(setting, policy, seed)
    for baseline in CHOOSERS:
        found = simulate(setting, policy, seed, baseline=baseline)
        assert found.cost.value * found.requests >= bound - 1e-6, f"{found.policy} got below the bound"


_PRICED = "targets = { fog = { usd_per_request = 0.001 }, cloud = { usd_per_request = 0.001 } }"


@pytest.mark.wide
@tries(20)
@given(settings(), st.sampled_from(WORTHS), st.sampled_from([0.0005, 0.003, 0.01]), st.integers(0, 5))
def test_nothing_costs_less_than_the_bound_within_a_budget(
    setting: Setting, worth: str, amount_usd: float, seed: int
) -> None:
    dear = tuple(replace(server, usd_per_request=0.001) for server in setting.servers)
    setting = replace(setting, servers=dear, duration_s=1000.0)
    head = HEAD.replace("targets = { fog = {}, cloud = {} }", _PRICED)
    document = f'{head}{worth}[budgets.money]\namount_usd = {amount_usd}\nper = "hour"\n'
    policy = compile_policy(document.encode(), targets=KINDS)
    bound = least_possible(setting, policy, seed, budgets=spendable(setting, [policy]))
    for baseline in CHOOSERS:
        found = simulate(setting, policy, seed, baseline=baseline)
        assert found.cost.value * found.requests >= bound - 1e-6, f"{found.policy} got below the bound"
