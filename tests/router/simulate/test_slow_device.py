"""A device that is slow for its deadlines, and a quick cloud: whether it is in time has to be found out, and not at the
cost of a deadline in every minute."""

from __future__ import annotations

from itertools import accumulate

import pytest

from router.rules.compile import compile_policy
from router.simulate.answers import Parametric
from router.simulate.arriving import Recorded
from router.simulate.baselines import BASELINES, cascade
from router.simulate.chance import Chance
from router.simulate.curve import Curve, Steps
from router.simulate.driver import simulate
from router.simulate.workload import Stream
from router.simulate.world import Setting
from tests.router.simulate.worlds import device, link, model, radio, server, setting

POLICY = compile_policy(
    b'schema = 1\nname = "p"\nversion = 1\n[worth]\ndollar = 100.0\n[escalation]\nbelow = "best"\n'
    b"[targets.cloud]\nusd_per_request = 0.0008\n"
)
RULES = [*(rule for rule in BASELINES if rule.name in ("always-device", "prefer-cloud")), cascade(0.8)]


def _setting(device_s: float) -> Setting:
    answers = Parametric(0.75, 0.85, 1.0, {"cloud": (0.9, 0.6)})
    of = model(device_s=device_s, service_s={"cloud": 0.005}, answers=answers)
    chance = Chance(3, "gaps")
    times = Recorded(list(accumulate(0.3 + chance.exponential() * 1.2 for _ in range(600))))
    near = link(rtt_s=Steps([(0.0, 0.004)]), radio=radio(kind="ethernet", metered=False, wake_s=Curve([(0.0, 0.0)])))
    return setting(
        server(rtt_s=0.001, usd_per_request=0.0008, workers=4),
        duration_s=1e9,
        device=device(spread=0.05, battery_wh=None),
        connections=((0.0, near),),
        models={"m": of},
        streams=(Stream("app", of, 0.2, ((1.0, "public"),), times),),
    )


@pytest.mark.wide
@pytest.mark.parametrize("device_s", [0.085, 0.11, 0.3])
def test_auto_is_as_good_as_the_best_rule_where_only_a_whole_run_shows_whether_the_device_is_in_time(
    device_s: float,
) -> None:
    """Its one run when the agent started was taken for one of anything up to six times as long, and each later one was
    stopped when the cloud had answered; and one that is too slow was given another chance, and missed a deadline, in
    every minute: 1.2 times the cost."""
    found = simulate(_setting(device_s), POLICY, 1).cost.value
    best = min(simulate(_setting(device_s), POLICY, 1, baseline=rule).cost.value for rule in RULES)
    assert found <= 1.04 * best
