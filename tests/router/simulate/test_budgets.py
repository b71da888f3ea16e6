"""A budget that binds is used, and is not passed: lived through with everything else that a policy weighs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from router.cli.scenario_files import Beside
from router.rules.compile import compile_policy
from router.simulate.driver import simulate
from router.simulate.outcomes import Outcomes
from router.simulate.scenario import read_scenario
from router.types import Kind

pytestmark = pytest.mark.wide

_CALL_USD: Final = 0.001
_DAY_S: Final = 86_400
_SCENARIO: Final = """\
schema = 1
name = "day"
duration_s = {duration_s}
[device]
model = "phone-midrange"
charger_w = 10
[links.home]
radio = "wifi"
up = 30
down = 60
rtt_ms = 10
[targets.cloud]
server = "cpu-16"
rtt_ms = 12
usd_per_request = 0.001
[models.vision]
device_ms = 30
service_ms = {{ cloud = 20 }}
upload_bytes = 24000
upload_spread = 0.3
answers = {{ accuracy = {{ device = 0.75, cloud = 0.9 }}, auroc = 0.84 }}
[[workload]]
name = "camera"
model = "vision"
deadline_ms = 1000
arrivals = {arrivals}
"""
_POLICY: Final = 'schema = 1\nname = "p"\nversion = 1\n[targets.cloud]\nusd_per_request = 0.001\n'
EVEN: Final = "{ per_s = 0.03 }"
BURSTS: Final = "{ bursts = { requests = 12, within_s = 2, between_s = 240 } }"
BUSY_HOURS: Final = "{ per_s = { steps = [[0, 0], [28800, 0.04], [57600, 0]], period_s = 86400 } }"
MONEY: Final = "[budgets.money]\namount_usd = {}\n"


def _lived(arrivals: str, budget: str = "", *, days: int = 1) -> Outcomes:
    text = _SCENARIO.format(duration_s=days * _DAY_S, arrivals=arrivals)
    scenario = read_scenario(text.encode(), Beside(Path()), source="day.toml")
    targets = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
    return simulate(scenario.setting, compile_policy((_POLICY + budget).encode(), targets=targets), 1)


def _usd(outcomes: Outcomes) -> float:
    return outcomes.usd.value * outcomes.requests


@pytest.mark.parametrize(("arrivals", "share"), [(EVEN, 0.5), (BURSTS, 0.1)], ids=["even", "bursts"])
def test_a_day_s_money_that_binds_is_used_to_nine_tenths_and_not_passed(arrivals: str, share: float) -> None:
    """Between bursts nobody looked at the price, which fell by one step in a silence of many: a quarter was left."""
    amount_usd = share * _usd(_lived(arrivals))
    used = _usd(_lived(arrivals, MONEY.format(amount_usd))) / amount_usd
    assert 0.9 <= used <= 1 + _CALL_USD / amount_usd


def test_a_day_of_busy_hours_uses_its_money_from_the_second_day_on() -> None:
    """More than a third of it was left each day: it was kept for a night in which nobody asks."""
    amount_usd = 0.3 * _usd(_lived(BUSY_HOURS))
    budget = MONEY.format(amount_usd)
    first, all_three = _usd(_lived(BUSY_HOURS, budget)), _usd(_lived(BUSY_HOURS, budget, days=3))
    assert first < 0.8 * amount_usd
    assert 0.9 <= (all_three - first) / (2 * amount_usd) <= 1 + _CALL_USD / amount_usd
