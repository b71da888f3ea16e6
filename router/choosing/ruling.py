"""What a policy's rules make of the readings and the request, and which readings they went by. Pure.

Every rule that holds applies: what they forbid adds up, of their modes and thresholds the first counts. A condition
that hangs on something unknown holds only for a rule that says so."""

from __future__ import annotations

from typing import Literal

from router.rules.policy import EscalationTerms, Policy
from router.rules.predicates import Predicate
from router.types import Mode, Situation, Value
from router.values import value

__all__ = ["ReadingUsed", "Ruling", "Sighted", "rule", "sight"]

_NO_RULES: dict[str, str] = {}


@value
class ReadingUsed:
    """A reading that a rule spoke of: `value` as it was at `at`, and whether it counted (neither None nor too old)."""

    name: str
    value: Value | None
    source: str
    at: float
    known: bool


@value
class Ruling:
    """What the rules that hold want, together."""

    mode: Mode
    escalation: EscalationTerms | None
    forbidden: dict[str, str]
    applied: tuple[str, ...]
    overrides_promise: str = ""
    """The rule that has its own mind about escalation."""


@value
class Sighted:
    """What readings alone decide of the rules: the same for every request, until another is read or one grows too old.

    `holds` has for each rule whether its condition does; a rule that speaks of the request has a condition there that
    is still to be asked."""

    used: tuple[ReadingUsed, ...]
    known: dict[str, Value]
    holds: tuple[bool | Predicate | None, ...]


def sight(policy: Policy, situation: Situation) -> Sighted:
    """Return the readings that the rules speak of, and what follows from them alone."""
    used: list[ReadingUsed] = []
    known: dict[str, Value] = {}
    for name in policy.named_signals:
        reading = situation.readings.get(name)
        if reading is None:
            used.append(ReadingUsed(name, None, "", 0.0, False))
            continue
        age_s = situation.now - reading.at
        fresh = reading.value is not None and age_s <= policy.stale_after(name)
        used.append(ReadingUsed(name, reading.value, reading.source, reading.at, fresh))
        if fresh and reading.value is not None:
            known[name] = reading.value
    holds = tuple(rule.when if rule.reads_request else rule.when.holds(known.get) for rule in policy.rules)
    return Sighted(tuple(used), known, holds)


def rule(policy: Policy, situation: Situation, sighted: Sighted) -> Ruling:
    """Return what the rules want of this request."""
    if not policy.rules:
        return Ruling(policy.mode, policy.escalation, _NO_RULES, ())
    facts: dict[str, Value] | None = None
    mode: Mode | None = None
    escalation: EscalationTerms | Literal["never"] | None = None
    forbidden: dict[str, str] = {}
    applied: list[str] = []
    overriding = ""
    for rule, held in zip(policy.rules, sighted.holds, strict=True):
        if held is False:
            continue
        if held is not True:
            if held is not None:
                facts = _facts(situation, sighted.known) if facts is None else facts
                held = held.holds(facts.get)
            if held is False or (held is None and not rule.apply_when_unknown):
                continue
        applied.append(rule.name)
        mode = mode or rule.mode
        if escalation is None and rule.escalation is not None:
            escalation, overriding = rule.escalation, rule.name
        for place in rule.forbid:
            forbidden.setdefault(place, rule.name)
    wanted = None if escalation == "never" else escalation or policy.escalation
    return Ruling(mode or policy.mode, wanted, forbidden, tuple(applied), overriding)


def _facts(situation: Situation, known: dict[str, Value]) -> dict[str, Value]:
    request = situation.request
    facts = dict(known)
    facts["model"] = request.model
    if request.label is not None:
        facts["label"] = request.label
    facts["time_left_ms"] = (request.deadline - situation.now) * 1000
    facts["upload_bytes"] = float(max((target.upload_bytes for target in situation.targets), default=0))
    return facts
