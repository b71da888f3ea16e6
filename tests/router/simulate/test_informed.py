"""The same policy with estimates that nobody could improve on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.compile import compile_policy
from router.simulate.bound import least_possible
from router.simulate.curve import Steps
from router.simulate.driver import run
from router.simulate.faults import Fault
from router.simulate.informed import Knows
from router.simulate.remaining import remaining, split
from router.simulate.world import Setting
from tests.properties.effort import effort, tries
from tests.properties.simulated import BODIES, HEAD, KINDS, settings
from tests.router.simulate import worlds
from tests.router.simulate.runs import a_policy, a_setting

HURRY = a_policy("worth = { second = 2.0 }\n")


def _cost(setting: Setting, knows: Knows | None, body: str = "worth = { second = 2.0 }\n") -> float:
    block = run(setting, a_policy(body), 1, knowing=knows).total()
    return block.cost / block.requests


def test_whoever_knows_that_a_server_is_down_does_not_ask_it() -> None:
    dead = {name: (Fault(0.0, 1e9, black_hole=True),) for name in ("fog", "cloud")}
    sees = run(a_setting(faults=dead), a_policy('mode = "auto"\n'), 1, knowing="law").total()
    assert sees.up_bytes == 0
    assert sees.by_target == {"device": sees.requests}


@pytest.mark.wide
def test_whoever_knows_the_law_need_not_learn_that_a_server_is_slow_now_and_then() -> None:
    slow = {name: (Fault(5.0, 10.0, slow=40.0, every_s=10.0),) for name in ("fog", "cloud")}
    setting = a_setting(faults=slow)
    body = "worth = { second = 0.5 }\n"
    assert _cost(setting, "law", body) < _cost(setting, None, body) - 0.005


@pytest.mark.wide
def test_whoever_knows_the_draws_asks_where_the_answer_is_right() -> None:
    """Of no input before it is seen is it known whether the device is right; of these it is."""
    policy = a_policy()
    blind, sees = (run(a_setting(), policy, 1, knowing=knows).total() for knows in ("law", "draws"))
    assert sees.cost < blind.cost
    assert sees.by_target["device"] > 30, "where the device is as right as anybody it answers at once"


@pytest.mark.wide
def test_where_nothing_changes_and_nothing_scatters_there_is_little_to_learn() -> None:
    still = worlds.link(jitter=0.0, rtt_s=Steps([(0.0, 0.06)]), radio=worlds.radio(kind="wifi"))
    setting = a_setting(connections=((0.0, still),))
    body = 'worth = { second = 2.0 }\nescalation = { below = "never" }\n'
    assert _cost(setting, None, body) == pytest.approx(_cost(setting, "law", body), rel=0.03)


def test_equal_runs_are_equal_and_labels_are_obeyed() -> None:
    one, other = (run(a_setting(label="secret"), HURRY, 3, knowing="draws").total() for _ in range(2))
    assert one.cost == other.cost
    assert one.up_bytes == 0


@pytest.mark.wide
@tries(20)
@given(settings(), st.sampled_from(BODIES), st.integers(0, 5), st.sampled_from(["law", "draws"]))
def test_nobody_who_knows_gets_below_the_bound_either(setting: Setting, body: str, seed: int, knows: Knows) -> None:
    policy = compile_policy((HEAD + body).encode(), targets=KINDS)
    assert run(setting, policy, seed, knowing=knows).total().cost >= least_possible(setting, policy, seed) - 1e-6


def test_the_parts_of_what_remains_are_told_by_what_it_would_take() -> None:
    found = split(1.0, 0.8, 0.7, 0.4)
    assert (found.learnable, found.luck, found.to_come) == pytest.approx((0.2, 0.1, 0.3))
    assert split(1.0, 1.2, 1.1, 0.4).learnable == 0.0, "whom more knowledge would not help has nothing to learn"
    assert split(1.0, 0.6, 0.9, 0.4).luck == 0.0


costs = st.floats(0, 2)


@effort
@given(costs, costs, costs, costs)
def test_the_parts_are_never_negative_and_together_the_whole(
    cost: float, law: float, draws: float, least: float
) -> None:
    found = split(cost, law, draws, least)
    assert min(found.learnable, found.luck, found.to_come) >= 0
    assert found.whole == pytest.approx(max(0.0, cost - least))


@pytest.mark.wide
def test_what_remains_of_a_run_is_what_lies_between_it_and_the_bound() -> None:
    setting = a_setting()
    cost = _cost(setting, None)
    least = least_possible(setting, HURRY, 1) / 300
    found = remaining(setting, HURRY, 1, cost=cost, least=least, worth=HURRY.worth)
    assert found.whole == pytest.approx(cost - least)
    assert found.luck > 0
