"""`decide` alone, deciding again what was decided a moment ago, and its parts with everything on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

from benchmarks.timing import compare, spread
from router.choosing.engine import decide
from router.choosing.memo import Memo
from router.estimates import prior_quantiles
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.running.attempt import Ending, Outcome, Succeeded, begin, step
from router.spending.budget import view
from router.spending.purse import Purse
from router.telling.record import to_json
from router.types import (
    BreakerPhase,
    BudgetView,
    Kind,
    Previous,
    Radio,
    Reading,
    Request,
    Situation,
    TargetView,
    TimeAfter,
    TimeEstimate,
)

__all__ = ["main"]

_HEAD = 'schema = 1\nname = "bench"\nversion = 1\n'
_RULE = """\
[[rules]]
name = "r{number}"
when = {{ battery_pct = {{ less_than = {number} }}, charging = false }}
mode = "only_on_device"
"""
_EVERYTHING = """\
[worth]
joule = 0.001
[targets.cloud]
usd_per_request = 0.0002
[targets.attic]
kind = "fog"
[escalation]
below = 0.5
[radio]
wake = true
[exploration]
share = 0.02
[hysteresis]
margin = 0.001
dwell_s = 5
[budgets]
energy = { amount_j = 1000 }
money = { amount_usd = 1 }
bytes = { amount_mb = 100 }
"""


def _rules(count: int) -> str:
    return "".join(_RULE.format(number=number) for number in range(1, count + 1))


def main() -> None:
    situation = _situation()
    policies = {
        "a fixed mode": f'{_HEAD}mode = "prefer_on_device"\n',
        "auto, no rule": _HEAD,
        "auto, escalation, no rule": f"{_HEAD}[escalation]\nbelow = 0.5\n",
        "auto, escalation, ten rules": f"{_HEAD}[escalation]\nbelow = 0.5\n{_rules(10)}",
    }
    print("router.choosing.engine.decide: microseconds a decision between a device and a cloud")
    for name, text in policies.items():
        _compared(name, compile_policy(text.encode()), situation)
    print("the same with three targets, twenty rules, energy, budgets, a radio that sleeps, exploration and hysteresis")
    everything = compile_policy(f"{_HEAD}{_EVERYTHING}{_rules(20)}".encode())
    _compared("everything", everything, _everywhere(situation))
    print("\nwhat one request of that kind takes, part by part, on the device and decided a moment ago")
    for name, part in _parts(everything, _everywhere(situation)).items():
        measured = compare({name: part}, count=2000, rounds=9)
        print(f"    {name:54} {spread(measured[name]):.2f}")


def _compared(name: str, policy: Policy, situation: Situation) -> None:
    memo = Memo()
    contenders = {"weighed": lambda: decide(policy, situation), "kept": lambda: memo.decide(policy, situation)}
    # With a reading that is new, and everything else as it was: what a sample costs the next request.
    sampled = cycle([replace(situation, readings=dict(situation.readings)) for _ in range(2)])
    changed = cycle(_with_another_charge(situation))
    contenders["sampled"] = lambda: memo.decide(policy, next(sampled))
    contenders["changed"] = lambda: memo.decide(policy, next(changed))
    measured = compare(contenders, count=1000, rounds=9)
    told = ", ".join(f"{how} {spread(times):.1f}" for how, times in measured.items())
    print(f"    {name:30} {told}")


def _with_another_charge(situation: Situation) -> list[Situation]:
    def charged(percent: float) -> Situation:
        reading = Reading("battery_pct", percent, "bench", 9.0)
        return replace(situation, readings={**situation.readings, "battery_pct": reading})

    return [charged(80.0), charged(79.0)]


def _parts(policy: Policy, situation: Situation) -> dict[str, Callable[[], object]]:
    memo, purse = Memo(), Purse(policy, now=0.0, utc_s=0.0)
    request = situation.request
    decision = memo.decide(policy, situation)

    def situated() -> Situation:
        fresh = Request("r", request.model, request.label, request.deadline, True)
        return Situation(
            fresh,
            situation.readings,
            situation.targets,
            situation.p_escalate,
            situation.now,
            None,
            situation.radio,
            situation.device_w,
            purse.views(now=0.5, utc_s=0.5),
            0,
            0.5,
            situation.previous,
        )

    def attempted() -> object:
        assert decision.plan is not None
        state, _ = begin(decision.plan, request.deadline, situation.now)
        return step(state, Succeeded("device", 0.9), situation.now)

    outcome = Outcome(Ending.ANSWERED, "device", ())
    states = purse.states
    return {
        "the situation": situated,
        "the decision, kept": lambda: memo.decide(policy, situation),
        "the attempt: begun, answered": attempted,
        "the charge to the budgets": lambda: purse.device_ran(0.001, None),
        "how the budgets stand, put together anew": lambda: [
            view(terms, state) for terms, state in zip(policy.budgets, states, strict=True)
        ],
        "the record as JSON, where one is written": lambda: to_json(decision, outcome),
    }


def _everywhere(situation: Situation) -> Situation:
    device, cloud = situation.targets
    slow = TimeEstimate(prior_quantiles(0.5, 1.2), 20)
    after = (TimeAfter(0.0, cloud.time), TimeAfter(2.0, cloud.time), TimeAfter(12.0, slow))
    attic = replace(cloud, name="attic", kind=Kind.FOG, time=TimeEstimate(prior_quantiles(0.01, 0.03), 20))
    return replace(
        situation,
        targets=(device, replace(cloud, times_after=after), replace(attic, times_after=after)),
        radio=Radio("cellular", 5.0, (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 20.0, 60.0)),
        budgets=tuple(
            BudgetView(terms.resource, 0.5, terms.price_min)
            for terms in compile_policy(f"{_HEAD}{_EVERYTHING}".encode()).budgets
        ),
        draw=0.5,
        previous=Previous("device", "device", 1.0),
    )


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
    return Situation(Request("r", "digits", "personal", 14.0, True), readings, (device, cloud), 0.3, 10.0)
