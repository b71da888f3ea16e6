"""A small study for tests of the report: a minute and a half of a phone's life, two policies, four weightings."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import router.report
from router.report.page import Dress, page
from router.report.study import Study, examine
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.comparison import compare
from router.simulate.scenario import Scenario
from router.types import Kind
from tests.router.simulate.scenarios import PARTS, read

__all__ = ["a_policy", "a_scenario", "a_study", "dress", "watched", "written"]

KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
RULES = """
[worth]
second = 0.2

[escalation]
below = "best"

[[rules]]
name = "slow-network"
when = { rtt_ms = { greater_than = 400 } }
mode = "prefer_on_device"

[[rules]]
name = "large"
when = { upload_bytes = { greater_than = 12000 } }
mode = "prefer_on_device"

[[rules]]
name = "small"
when = { upload_bytes = { less_than = 12000 } }
mode = "auto"
"""


def a_policy(name: str = "tried", body: str = RULES) -> Policy:
    return compile_policy(f'schema = 1\nname = "{name}"\nversion = 1\n{body}'.encode(), targets=KINDS)


def a_scenario(**parts: str) -> Scenario:
    """Return the scenario: its link goes away for a while, so that some requests are late or without an answer."""
    return read(
        **{
            "head": 'schema = 1\nname = "bus"\nabout = "A ride."\nduration_s = 90\n'
            'connected = [{ from_s = 0, link = "lte" }, { from_s = 60, link = "none" }]\n',
            "links": PARTS["links"].replace("rtt_ms = 60", "rtt_ms = { steps = [[0, 60], [40, 200]] }"),
            "device": '[device]\nmodel = "phone"\nbattery_pct = 80\ncharger_w = { steps = [[0, 0], [50, 10]] }\n',
            **parts,
        }
    )


watched: list[str] = []
"""The steps that the last study told."""


@cache
def a_study() -> Study:
    watched.clear()
    scenario = a_scenario()
    policies = [a_policy(), a_policy("far", 'mode = "only_in_cloud"\n')]
    compared = compare(scenario.setting, policies, 1)
    return examine(scenario, policies, 1, compared, most_points=4, watch=watched.append)


@cache
def dress() -> Dress:
    room = Path(router.report.__file__).parent
    return Dress(*((room / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")))


def written(study: Study) -> str:
    return page(study, dress())
