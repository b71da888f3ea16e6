"""`router.engine.decide` alone, and deciding again what was decided a moment ago."""

from __future__ import annotations

from benchmarks.timing import compare, spread
from router.compile import compile_policy
from router.engine import decide
from router.estimates import prior_quantiles
from router.memo import Memo
from router.types import BreakerPhase, Kind, Reading, Request, Situation, TargetView, TimeEstimate

__all__ = ["main"]

_HEAD = 'schema = 1\nname = "bench"\nversion = 1\n'
_RULES = "".join(
    f'[[rules]]\nname = "r{i}"\nwhen = {{ battery_pct = {{ less_than = {i} }}, charging = false }}\n'
    'mode = "only_on_device"\n'
    for i in range(1, 11)
)


def main() -> None:
    situation = _situation()
    policies = {
        "a fixed mode": f'{_HEAD}mode = "prefer_on_device"\n',
        "auto, no rule": _HEAD,
        "auto, escalation, no rule": f"{_HEAD}[escalation]\nbelow = 0.5\n",
        "auto, escalation, ten rules": f"{_HEAD}[escalation]\nbelow = 0.5\n{_RULES}",
    }
    print("router.engine.decide: microseconds a decision between a device and a cloud")
    for name, text in policies.items():
        policy = compile_policy(text.encode())
        memo = Memo()
        measured = compare(
            {
                "weighed": lambda policy=policy: decide(policy, situation),  # type: ignore[misc]  # bound by default
                "kept": lambda policy=policy, memo=memo: memo.decide(policy, situation),  # type: ignore[misc]  # as above
            },
            count=2000,
            rounds=9,
        )
        print(f"    {name:30} weighed {spread(measured['weighed']):.1f}, kept {spread(measured['kept']):.1f}")


def _situation() -> Situation:
    device = TargetView(
        "device", Kind.DEVICE, True, "", 0, 0,
        TimeEstimate(prior_quantiles(0.0005, 0.002), 20), 0.0, 0.1, BreakerPhase.CLOSED, True,
    )  # fmt: skip
    cloud = TargetView(
        "cloud", Kind.CLOUD, True, "", 256, 1 << 24,
        TimeEstimate(prior_quantiles(0.02, 0.06), 20), 0.0, 0.02, BreakerPhase.CLOSED, True,
    )  # fmt: skip
    readings = {
        "battery_pct": Reading("battery_pct", 80.0, "bench", 9.0),
        "charging": Reading("charging", False, "bench", 9.0),
    }
    return Situation(Request("r", "digits", "personal", 11.0, True), readings, (device, cloud), 0.3, 10.0)
