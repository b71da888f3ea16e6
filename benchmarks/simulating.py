"""How many requests a second and core are simulated, with three targets and everything on; whether that is linear in
the requests, and what memory it takes."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path
from typing import Final

from router.cli.scenario_files import Beside
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.bound import least_possible
from router.simulate.driver import simulate
from router.simulate.scenario import Scenario, read_scenario
from router.types import DEVICE, Kind

__all__ = ["main"]

_KINDS: Final = {DEVICE: Kind.DEVICE, "fog": Kind.FOG, "cloud": Kind.CLOUD}
_SCENARIO: Final = """
schema = 1
name = "three-targets"
about = "A phone on Wi-Fi with a server in the room and a cloud."
duration_s = {duration_s}
device = {{ model = "phone-midrange" }}
links.air = {{ radio = "wifi", up = {{ value = 20 }}, down = {{ value = 40 }}, rtt_ms = 12, jitter = 0.2 }}
targets.fog = {{ kind = "fog", server = "cpu-16", rtt_ms = 2 }}
targets.cloud = {{ server = "cpu-16", rtt_ms = 25, usd_per_request = 0.0001 }}

[models.vision]
device_ms = 20
service_ms = {{ fog = 20, cloud = 10 }}
upload_bytes = 24000
answers = {{ accuracy = {{ device = 0.755, fog = 0.85, cloud = 0.9 }}, auroc = 0.84 }}

[[workload]]
name = "app"
model = "vision"
deadline_ms = 5000
arrivals = {{ per_s = 10 }}
"""
_RULES: Final = "".join(
    f'[[rules]]\nname = "r{i}"\nwhen = {{ battery_pct = {{ less_than = {i} }}, charging = false }}\n'
    'mode = "only_on_device"\n'
    for i in range(1, 21)
)
_POLICY: Final = f"""
schema = 1
name = "everything"
version = 1
targets = {{ fog = {{}}, cloud = {{}} }}
escalation = {{ below = 0.6 }}
worth = {{ second = 0.2, joule = 0.001 }}
radio = {{ wake = true }}
exploration = {{ share = 0.02 }}
hysteresis = {{ margin = 0.01, dwell_s = 2 }}
budgets.energy = {{ amount_j = 100000, per = "hour" }}
budgets.money = {{ amount_usd = 1000, per = "day" }}
budgets.bytes = {{ amount_mb = 100000, per = "day" }}
{_RULES}
"""


def main() -> None:
    everything = compile_policy(_POLICY.encode(), targets=_KINDS)
    plain = compile_policy(
        b'schema = 1\nname = "plain"\nversion = 1\ntargets = { fog = {}, cloud = {} }\n', targets=_KINDS
    )
    print("router.simulate: requests a second and core, three targets (processor time)")
    for name, policy in (("plain auto", plain), ("with everything on", everything)):
        for requests in (5_000, 20_000):
            rate, taken_s = _rate(policy, requests)
            print(f"    {name:20} {requests:7,} requests: {rate:9,.0f} a second, {taken_s:6.2f} s")
    few_mb, many_mb = _memory_mb(plain, 5_000), _memory_mb(plain, 20_000)
    print(f"    memory beyond the start: {few_mb:.1f} MB for 5,000 requests, {many_mb:.1f} MB for 20,000")
    scenario = _scenario(5_000)
    started = time.process_time()
    least_possible(scenario.setting, plain, 1)
    print(f"    the upper bound: {5_000 / (time.process_time() - started):,.0f} requests a second")


def _scenario(requests: int) -> Scenario:
    return read_scenario(_SCENARIO.format(duration_s=requests / 10).encode(), Beside(Path()))


def _rate(policy: Policy, requests: int) -> tuple[float, float]:
    setting = _scenario(requests).setting
    started = time.process_time()
    ran = simulate(setting, policy, 1)
    taken_s = time.process_time() - started
    return ran.requests / taken_s, taken_s


def _memory_mb(policy: Policy, requests: int) -> float:
    setting = _scenario(requests).setting
    tracemalloc.start()
    simulate(setting, policy, 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6
