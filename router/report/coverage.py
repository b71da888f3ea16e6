"""Which rules of a policy a run came to, how often, and whether that changed anything. Pure.

Whether a rule mattered is found by deciding again without it, in a few of the situations in which it held: a rule may
hold all day and say what would have been done anyhow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from router.choosing.engine import decide
from router.rules.policy import Policy, Rule
from router.simulate.recording import Recording
from router.telling.counterfactual import same_choice
from router.types import signal
from router.values import value

__all__ = ["Covered", "coverage"]


@value
class Covered:
    """`held` is how many requests it held for in each slice, `mattered` in how many of `tried` situations the choice
    would have been another without it. `unknown` names signals of its condition that were not known, with the share of
    requests."""

    name: str
    when: str
    wants: str
    count: int
    held: Sequence[int]
    mattered: int
    tried: int
    unknown: tuple[tuple[str, float], ...]
    skips_unknown: bool


def coverage(policy: Policy, recording: Recording) -> list[Covered]:
    """Return what became of each rule, in the policy's order."""
    requests = max(1, sum(recording.requests))
    return [_covered(policy, rule, recording, requests) for rule in policy.rules]


def _covered(policy: Policy, rule: Rule, recording: Recording, requests: int) -> Covered:
    few = recording.by_rule.get(rule.name)
    tried = [] if few is None else few.kept
    without = replace(policy, rules=tuple(other for other in policy.rules if other.name != rule.name))
    mattered = sum(not same_choice(decision, decide(without, decision.situation)) for decision in tried)
    names = dict.fromkeys(rule.when.names())
    unknown = tuple(
        (name, recording.unknown[name] / requests) for name in names if signal(name) and recording.unknown.get(name)
    )
    return Covered(
        rule.name,
        str(rule.when),
        _wants(rule),
        0 if few is None else few.count,
        recording.held.get(rule.name, ()),
        mattered,
        len(tried),
        unknown,
        not rule.apply_when_unknown,
    )


def _wants(rule: Rule) -> str:
    wants = [f"forbids {place}" for place in sorted(rule.forbid)]
    if rule.mode is not None:
        wants.insert(0, f"mode {rule.mode.value}")
    if rule.escalation == "never":
        wants.append("never escalates")
    elif rule.escalation is not None:
        wants.append(
            "escalates at the best threshold" if rule.escalation.best else f"escalates below {rule.escalation.below:g}"
        )
    return ", ".join(wants) or "nothing"
