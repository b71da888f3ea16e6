"""Mode auto beside every simple rule, over the scenarios that ship and over recorded links: where it loses, and by how
much. Costs are J of the policy, a request; recorded links are read where NEARFAR_DATA is set."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from router.cli.scenario_files import Beside, find_scenario, shipped
from router.compile import compile_policy
from router.policy import Policy
from router.simulate.baselines import BASELINES, always
from router.simulate.driver import simulate
from router.simulate.outcomes import Outcomes
from router.simulate.scenario import Scenario, read_scenario
from router.types import DEVICE, Kind

__all__ = ["main"]

_POLICIES: Final = {
    "auto": "",
    "auto, wakes": "radio.wake = true\n",
    "auto, cascade": "escalation = { below = 0.7 }\n",
}
_HEAD: Final = 'schema = 1\nname = "auto"\nversion = 1\n'
# On recorded links requests come in bursts, so that the radio sleeps in between.
_RECORDED: Final = """
schema = 1
name = "{name}"
about = "a recorded link"
duration_s = 3600
device = {{ model = "phone-midrange" }}
links.air = {{ radio = "cellular-slow-wake", up = {up}, down = {down}, rtt_ms = 60, jitter = 0.2 }}
targets.cloud = {{ server = "cpu-16", rtt_ms = 20, usd_per_request = 0.0001 }}

[models.vision]
device_ms = 20
service_ms = {{ cloud = 20 }}
upload_bytes = 24000
answers = {{ accuracy = {{ device = 0.755, cloud = 0.9 }}, auroc = 0.8 }}

[[workload]]
name = "app"
model = "vision"
deadline_ms = 2000
arrivals = {{ bursts = {{ requests = 8, within_s = 2.0, between_s = {silence} }} }}
"""


def main() -> None:
    print("cost of mode auto against the best simple rule of each scenario; above 1.02 it loses")
    worst: dict[str, float] = dict.fromkeys(_POLICIES, 0.0)
    for scenario in _scenarios():
        rules = [*BASELINES, *(always(server.name) for server in scenario.setting.servers)]
        beside = [simulate(scenario.setting, _policy("", scenario), scenario.seed, baseline=rule) for rule in rules]
        best = min(beside, key=_cost)
        print(f"\n  {scenario.name}: {beside[0].requests} requests; best rule {best.policy} {_cost(best):.4f}")
        print("    " + ", ".join(f"{each.policy} {_cost(each):.4f}" for each in sorted(beside, key=_cost)))
        for name, body in _POLICIES.items():
            ran = simulate(scenario.setting, _policy(body, scenario), scenario.seed)
            ratio = _cost(ran) / _cost(best)
            worst[name] = max(worst[name], ratio)
            shares = ", ".join(f"{target} {share.value:.0%}" for target, share in ran.shares.items())
            print(f"    {name:14} {_cost(ran):.4f}, {ratio:.3f} of it ({shares})")
    print("\n  worst ratios: " + ", ".join(f"{name} {ratio:.3f}" for name, ratio in worst.items()))


def _cost(outcomes: Outcomes) -> float:
    return outcomes.cost.value


def _policy(body: str, scenario: Scenario) -> Policy:
    kinds = {DEVICE: Kind.DEVICE, **{server.name: server.kind for server in scenario.setting.servers}}
    tables = "".join(f'[targets.{name}]\nkind = "{kind}"\n' for name, kind in kinds.items() if kind is not Kind.DEVICE)
    return compile_policy(f"{_HEAD}{body}{tables}".encode(), targets=kinds)


def _scenarios() -> Iterator[Scenario]:
    # A fleet is another question: see router/simulate/fleet.py.
    yield from (scenario for scenario in map(find_scenario, shipped()) if scenario.devices == 1)
    data = os.environ.get("NEARFAR_DATA")
    if not data:
        print("  (recorded links are left out: NEARFAR_DATA is not set)")
        return
    net = Path(data) / "net"
    for name in ("ATT-LTE-driving", "TMobile-LTE-short", "Verizon-LTE-short"):
        up, down = (f'{{ mahimahi = "mahimahi/{name}.{way}.gz" }}' for way in ("up", "down"))
        yield _recorded(net, name, up, down)
    for path in _lumos(net):
        trace = f'{{ table = "lumos5g_dev.tar.gz/{path}" }}'
        yield _recorded(net, Path(path).name, trace, trace)


def _lumos(net: Path) -> Sequence[str]:
    """Return some of the recorded walks and drives, 4G and 5G."""
    import tarfile

    with tarfile.open(net / "lumos5g_dev.tar.gz") as archive:
        names = sorted(member.name for member in archive if member.isfile())
    return names[:: max(1, len(names) // 6)]


def _recorded(net: Path, name: str, up: str, down: str) -> Scenario:
    text = _RECORDED.format(
        name="link-" + "".join(c if c.isalnum() else "-" for c in name), up=up, down=down, silence=45
    )
    return read_scenario(text.encode(), Beside(net))
