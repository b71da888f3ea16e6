"""From the bytes of a policy document to a policy in force, or to exactly what is wrong with it and where. Pure.

Form is checked in document/; here names are resolved against each other and against the targets that exist. Who read
the bytes, from where, and when to read them again is the caller's affair."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal

from router.choosing.hysteresis import HysteresisTerms
from router.document import EscalationPart, PolicyDocument, RetryPart, RulePart
from router.document.profiles import energy_terms
from router.document.spending import budget_terms
from router.errors import Fault, PolicyError
from router.estimates import EstimateSettings, prior_quantiles
from router.rules.conditions import parse as parse_condition
from router.rules.policy import (
    BackupTerms,
    EscalationTerms,
    Policy,
    PromiseTerms,
    RadioTerms,
    Rule,
    TargetTerms,
    Worth,
)
from router.rules.predicates import FACTS, AllOf, Predicate
from router.rules.probation import RevertTerms
from router.rules.references import (
    kinds_of,
    places_of,
    refuse_twice,
    refuse_unknown_models,
    refuse_unknown_signal,
    remotes_of,
)
from router.running.breaker import BreakerSettings
from router.running.hedge import HedgeSettings
from router.running.retry import RetrySettings
from router.running.throttle import ThrottleSettings
from router.running.waiting import normal_quantile
from router.toml.document import located, parse_document, read_model
from router.toml.form import MAX_FAULTS
from router.types import Kind, signal

__all__ = ["BUILT_IN", "MAX_POLICY_BYTES", "built_in_policy", "compile_policy"]

# A policy is written by people; a megabyte is some ten thousand rules.
MAX_POLICY_BYTES: Final = 1 << 20
_MAX_RULES: Final = 1000

# Beliefs before anything was measured. The device: a small model that answers in a blink and errs in one of ten; a
# remote: the full model, half as often wrong, a few milliseconds of service beyond the round trip.
# Where the best threshold is wanted and none was evaluated: the built-in policy's.
_BELOW_UNEVALUATED: Final = 0.5
_DEFAULT_P_WRONG: Final = {Kind.DEVICE: 0.10, Kind.FOG: 0.05, Kind.CLOUD: 0.05}
_DEFAULT_PRIOR_MS: Final = {Kind.DEVICE: (0.5, 20.0), Kind.FOG: (1.0, 40.0), Kind.CLOUD: (1.0, 40.0)}
_HOLDS: Final = {"hold": True, "return": False, "weigh": None}


def compile_policy(
    content: bytes,
    *,
    source: str = "policy",
    targets: Mapping[str, Kind] | None = None,
    models: Collection[str] | None = None,
) -> Policy:
    """Put a policy document in force.

    `targets` are the targets that exist, by name; given them, a document that speaks of others is refused. So it is
    with `models`. An agent does not give those: a rule for a model that it does not have harms nothing there, and one
    policy may serve a fleet.
    Raises PolicyError: with every fault, its line, its path, and what to do about it."""
    values = parse_document(content, PolicyError, source=source, max_bytes=MAX_POLICY_BYTES)
    document, faults = read_model(values, PolicyDocument)
    if document is None:
        faults += _faults_of_conditions(values, targets, faults)
        raise PolicyError.of(located(faults[:MAX_FAULTS], content), source)
    policy = _build(document, hashlib.sha256(content).hexdigest(), targets, faults)
    if models is not None:
        refuse_unknown_models(policy, models, faults)
    if faults:
        raise PolicyError.of(located(faults[:MAX_FAULTS], content), source)
    return policy


# In force where an app gives no policy. Every call to a cloud costs somebody something, so the device comes first: with
# a wrong answer at a cent and a call at two hundredths of one, a cloud that errs half as often is asked in doubt only.
BUILT_IN: Final = b"""\
schema = 1
name = "built-in"
version = 1
mode = "auto"

[worth]
dollar = 100.0

[targets.cloud]
usd_per_request = 0.0002

[escalation]
below = "best"
"""


def built_in_policy() -> Policy:
    """Return the policy in force where none is given."""
    return compile_policy(BUILT_IN, source="built-in policy")


def _build(document: PolicyDocument, sha256: str, targets: Mapping[str, Kind] | None, faults: list[Fault]) -> Policy:
    """Build the policy, and add what speaks against it to `faults`: with any of them it is none."""
    kinds = kinds_of(document, targets, faults)
    places = {kind.value for kind in Kind} | set(kinds)
    remotes = remotes_of(kinds, targets)
    labels: dict[str, frozenset[str]] = {}
    for label, listed in document.labels.items():
        labels[label] = places_of(listed, places, f"labels.{label}", faults)
    rules = tuple(
        _rule(part, f"rules[{i}]", places, remotes, document.escalation, faults)
        for i, part in enumerate(document.rules)
    )
    refuse_twice([rule.name for rule in rules], faults)
    for name in document.stale_after_s:
        refuse_unknown_signal(name, remotes, faults)
    if document.breaker.max_open_s < document.breaker.open_s:
        problem = "less than open_s: the first pause would already be over the longest"
        faults.append(Fault("breaker.max_open_s", problem))
    if (idle := _idle_beliefs(document)) is not None:
        faults.append(
            Fault(f"escalation.{idle}", 'does nothing: below is "never", and no rule escalates below a number')
        )
    if document.hysteresis is not None and not document.hysteresis.margin and not document.hysteresis.dwell_s:
        faults.append(Fault("hysteresis", "the table does nothing; give it margin or dwell_s"))
    return Policy(
        name=document.name,
        version=document.version,
        digest=f"sha256:{sha256}",
        mode=document.mode,
        labels=labels,
        kinds=kinds,
        terms={name: _terms(document, name, kind, faults) for name, kind in kinds.items()},
        rules=rules,
        worth=Worth(**document.worth.model_dump()),
        energy=energy_terms(document.energy, faults),
        budgets=budget_terms(document.budgets, faults),
        radio=RadioTerms(**document.radio.model_dump()),
        explores=document.exploration.share,
        hysteresis=None if document.hysteresis is None else HysteresisTerms(**document.hysteresis.model_dump()),
        escalation=_escalation(document.escalation),
        promise=None if document.promise is None else PromiseTerms(**document.promise.model_dump()),
        breaker=BreakerSettings(**document.breaker.model_dump()),
        throttle=ThrottleSettings(**document.throttle.model_dump()),
        retry=_retry(document.retry, faults),
        backup=BackupTerms(normal_quantile(1.0 - document.backup.eps), _HOLDS[document.backup.uncertified]),
        hedge=None if document.hedge is None else HedgeSettings(document.hedge.share),
        estimates=EstimateSettings(**document.estimates.model_dump()),
        revert=None if document.revert is None else RevertTerms(**document.revert.model_dump()),
        stale_after_s=dict(document.stale_after_s),
        strictest=frozenset.intersection(*labels.values()),
        named_signals=tuple(dict.fromkeys(n for r in rules for n in r.when.names() if signal(n) is not None)),
        rule_names=tuple(rule.name for rule in rules),
        reads_time_left=any(name == "time_left_ms" for rule in rules for name in rule.when.names()),
        _by_kind={kind: _terms(document, kind.value, kind, []) for kind in Kind},
    )


def _retry(part: RetryPart, faults: list[Fault]) -> RetrySettings:
    if part.max_ms < part.base_ms:
        faults.append(
            Fault("retry.max_ms", "less than base_ms: the first pause may already be longer than the longest")
        )
    return RetrySettings(
        part.attempts,
        part.base_ms / 1000,
        part.max_ms / 1000,
        part.tokens,
        part.per_success,
        part.active_share,
        part.active_min,
    )


def _rule(
    part: RulePart,
    path: str,
    places: set[str],
    remotes: frozenset[str],
    believed: EscalationPart | None,
    faults: list[Fault],
) -> Rule:
    if part.mode is None and not part.forbid and part.escalate_below is None:
        faults.append(Fault(path, "the rule does nothing; give it mode, forbid or escalate_below"))
    when = _condition(part.when, f"{path}.when", remotes, faults)
    return Rule(
        name=part.name,
        when=when,
        apply_when_unknown=part.on_unknown == "apply",
        mode=part.mode,
        forbid=places_of(part.forbid, places, f"{path}.forbid", faults),
        escalation=_rule_escalation(part.escalate_below, believed),
        reads_request=any(name in FACTS for name in when.names()),
    )


def _condition(table: object, path: str, remotes: frozenset[str], faults: list[Fault]) -> Predicate:
    try:
        return parse_condition(table, path, targets=remotes)
    except PolicyError as error:
        faults.extend(error.faults)
        return AllOf(())


def _faults_of_conditions(
    values: Mapping[str, object], targets: Mapping[str, Kind] | None, told: Iterable[Fault]
) -> list[Fault]:
    """Return what is wrong with the conditions of a document that is no policy for other reasons: its author mends all
    at once. Of targets only the names are known."""
    named, rules = values.get("targets"), values.get("rules")
    names = set(named) if isinstance(named, dict) else set()
    remotes = frozenset(names | set(targets or ()) | {Kind.FOG.value, Kind.CLOUD.value})
    already = {fault.path for fault in told}
    faults: list[Fault] = []
    for i, rule in enumerate(rules[:_MAX_RULES] if isinstance(rules, list) else ()):
        path = f"rules[{i}].when"
        if isinstance(rule, dict) and "when" in rule and path not in already and len(faults) < MAX_FAULTS:
            _condition(rule["when"], path, remotes, faults)
    return faults


def _rule_escalation(
    below: float | Literal["never"] | None, believed: EscalationPart | None
) -> EscalationTerms | Literal["never"] | None:
    if not isinstance(below, float):
        return below
    # Where the document has no beliefs about escalating, their defaults serve the rule's threshold.
    part = EscalationPart(below=below) if believed is None else believed
    return EscalationTerms(below, part.recovers, part.share)


def _idle_beliefs(document: PolicyDocument) -> str | None:
    """Return a belief about escalating that is given and serves no threshold."""
    part = document.escalation
    if part is None or part.below != "never" or any(isinstance(rule.escalate_below, float) for rule in document.rules):
        return None
    return next((name for name in ("recovers", "share") if name in part.model_fields_set), None)


def _escalation(said: EscalationPart | None) -> EscalationTerms | None:
    part = EscalationPart(below="best") if said is None else said
    if part.below == "never":
        return None
    if part.below == "best":
        return EscalationTerms(_BELOW_UNEVALUATED, part.recovers, part.share, best=True, said=said is not None)
    return EscalationTerms(part.below, part.recovers, part.share)


def _terms(document: PolicyDocument, name: str, kind: Kind, faults: list[Fault]) -> TargetTerms:
    part = document.targets.get(name)
    p_wrong = part.p_wrong if part is not None and part.p_wrong is not None else _DEFAULT_P_WRONG[kind]
    low_ms, high_ms = part.prior_ms if part is not None and part.prior_ms is not None else _DEFAULT_PRIOR_MS[kind]
    if low_ms > high_ms:
        problem = "the first number is the 5 % quantile, the second the 95 %"
        faults.append(Fault(f"targets.{name}.prior_ms", problem))
        low_ms, high_ms = high_ms, low_ms
    usd = part.usd_per_request if part is not None else 0.0
    return TargetTerms(p_wrong, prior_quantiles(low_ms / 1000, high_ms / 1000), usd)
