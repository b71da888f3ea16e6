"""A phone whose radio falls asleep between bursts: what looking beyond the one request is worth."""

from __future__ import annotations

import pytest

from router.simulate.answers import Parametric
from router.simulate.arriving import Bursts
from router.simulate.baselines import always
from router.simulate.bound import least_possible
from router.simulate.driver import simulate
from router.simulate.workload import Stream
from router.simulate.world import Setting
from tests.router.simulate import worlds
from tests.router.simulate.runs import a_policy

WORTH = "worth = { second = 0.5 }\n"


def _bursts(deadline_s: float = 1.0) -> Setting:
    # A score that says nothing of who is right: hindsight, too, knows only when requests come and what calls take.
    answers = Parametric(0.75, 0.5 + 1e-7, 1.0, {"fog": (0.95, 0.6), "cloud": (0.95, 0.6)})
    servers = (worlds.server("fog", rtt_s=0.005, spread=0.2), worlds.server("cloud", rtt_s=0.03, spread=0.2))
    model = worlds.model(["fog", "cloud"], answers=answers)
    stream = Stream("app", model, deadline_s, ((1.0, "public"),), Bursts(8, 3.0, 45.0))
    return worlds.setting(*servers, duration_s=6000.0, streams=(stream,), models={"m": model})


@pytest.mark.wide
def test_auto_is_hardly_worse_than_the_best_that_always_asks_the_same() -> None:
    setting, policy = _bursts(), a_policy(WORTH)
    best = min(simulate(setting, policy, 1, baseline=always(name)).cost.value for name in ("device", "fog", "cloud"))
    assert simulate(setting, policy, 1).cost.value < 1.02 * best


@pytest.mark.wide
@pytest.mark.parametrize("deadline_s", [1.0, 0.4])
def test_with_cheap_wakes_auto_comes_to_within_a_twentieth_of_what_hindsight_could_do(deadline_s: float) -> None:
    """Also where no request could wait until its radio is awake."""
    setting, policy = _bursts(deadline_s), a_policy(WORTH + "radio = { wake = true }\n")
    found = simulate(setting, policy, 1)
    assert least_possible(setting, policy, 1) / found.requests > 0.95 * found.cost.value
    assert 0.0 < found.wakes.value < 1.0
