"""Mode auto beside every simple rule, over the scenarios that ship and over recorded links: where it loses, and by how
much. Costs are J of the policy, a request; recorded links are read where NEARFAR_DATA is set."""

from __future__ import annotations

from typing import Final

from benchmarks.routing.days import day, names, recorded
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.simulate.baselines import BASELINES, always
from router.simulate.driver import simulate
from router.simulate.outcomes import Outcomes
from router.simulate.scenario import Scenario
from router.types import DEVICE, Kind

__all__ = ["main"]

_POLICIES: Final = {
    "auto": "",
    "auto, wakes": "radio.wake = true\n",
    "auto, cascade": "escalation = { below = 0.7 }\n",
}
_HEAD: Final = 'schema = 1\nname = "auto"\nversion = 1\n'


def main() -> None:
    print("cost of mode auto against the best simple rule of each scenario; above 1.02 it loses")
    worst: dict[str, float] = dict.fromkeys(_POLICIES, 0.0)
    if not recorded():
        print("  (recorded links are left out: NEARFAR_DATA is not set)")
    for scenario in map(day, names()):
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
