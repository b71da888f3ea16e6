"""What is in a policy and can change no decision: rules that never hold or come too late, targets nobody may reach.

Pure. A policy with such parts is valid, and is taken; `nearfar-policy check` tells its author. What is said here is
certain; what could not be shown is not said. Fields that make no document better or worse by themselves (worth,
breaker, estimates) are not judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from router.naming import did_you_mean
from router.policy import Policy, Rule
from router.predicates import AllOf, AnyOf, Compare, Not, Predicate
from router.satisfiability import always, implies, never
from router.types import Kind, Mode

__all__ = ["LintWarning", "lint"]

_ALWAYS_KNOWN: Final = {"model", "time_left_ms", "upload_bytes"}


@dataclass(frozen=True, slots=True)
class LintWarning:
    """A part that changes nothing. `path` is its place in the document, such as `rules[3].when`."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def lint(policy: Policy) -> tuple[LintWarning, ...]:
    """Return what the policy's author should look at, in the document's order."""
    return tuple(LintWarning(path, message) for path, message in _findings(policy))


_Finding = tuple[str, str]


def _findings(policy: Policy) -> Iterator[_Finding]:
    modes = _possible_modes(policy)
    if policy.mode not in modes:
        forced = next(rule.name for rule in policy.rules if rule.mode is not None and _always_applies(rule, policy))
        yield "mode", f'never used: rule "{forced}" always applies and gives another'
    yield from _labels(policy)
    yield from _targets(policy, modes)
    for index, rule in enumerate(policy.rules):
        yield from _rule(policy, index, rule, modes)
    yield from _escalation(policy, modes)
    yield from _promise(policy, modes)
    for name in policy.stale_after_s:
        # The round trip is read by every prediction, whether a rule speaks of it or not. NAME counts for NAME.TARGET.
        read = {part for named in policy.named_signals for part in (named, named.partition(".")[0])}
        if not name.startswith("rtt_ms") and name not in read:
            yield f"stale_after_s.{name}", "no rule reads this signal"


# -- labels, targets, escalation ---------------------------------------------------------------------------------------


def _labels(policy: Policy) -> Iterator[_Finding]:
    for label, places in policy.labels.items():
        if not places:
            yield f"labels.{label}", "permits no target: every such request is refused"
    if not policy.strictest and all(policy.labels.values()):
        yield "labels", "no target is permitted by every label: a request without a label is refused"


def _targets(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    for name, kind in policy.kinds.items():
        if not any(policy.permits(label, name, kind) for label in policy.labels):
            yield f"targets.{name}", "no label permits it: it is never asked"
        elif modes == {Mode.ONLY_ON_DEVICE if kind is not Kind.DEVICE else Mode.ONLY_IN_CLOUD}:
            yield f"targets.{name}", f"the mode is always {min(modes)}: it is never asked"
        else:
            for rule in policy.rules:
                if rule.forbid & {name, kind.value} and _always_applies(rule, policy):
                    yield f"targets.{name}", f'rule "{rule.name}" always forbids it: it is never asked'
                    break


def _escalation(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    terms = policy.escalation
    if terms is None:
        return
    if Mode.AUTO not in modes:
        yield "escalation", "only mode auto escalates, and it is never in force"
    elif terms.below >= 1:
        yield "escalation.below", "no score is above 1: every answer of the device escalates"


def _promise(policy: Policy, modes: frozenset[Mode]) -> Iterator[_Finding]:
    if policy.promise is None:
        return
    if Mode.AUTO not in modes:
        yield "promise", "only mode auto keeps a promise, and it is never in force"
    elif policy.promise.audit == 0:
        yield "promise.audit", "without audits nobody notices that a promise no longer holds"


# -- rules -------------------------------------------------------------------------------------------------------------


def _rule(policy: Policy, index: int, rule: Rule, modes: frozenset[Mode]) -> Iterator[_Finding]:
    path = f"rules[{index}]"
    for message in _trivial(rule.when, policy):
        yield f"{path}.when", message
    if never(rule.when, policy.labels):
        if not _holds_impossible(rule.when, policy):
            yield f"{path}.when", f"can never hold: {rule.when}"
        if not rule.apply_when_unknown:
            return  # what it would do is of no interest
    else:
        for part in _impossible_parts(rule.when, policy):
            yield f"{path}.when", f"a part of it can never hold: {part}"
    if rule.apply_when_unknown and _never_unknown(rule.when):
        yield f"{path}.on_unknown", "its condition can never be unknown"
    yield from _mode_of(policy, index, rule)
    yield from _forbid_of(policy, index, rule)
    yield from _escalation_of(policy, index, rule, modes)


def _trivial(condition: Predicate, policy: Policy) -> Iterator[str]:
    """Comparisons that turn out the same whatever the fact is, once it is known."""
    for comparison in _comparisons(condition):
        if comparison.name == "label":
            named = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
            for label in named:
                if label not in policy.labels:
                    yield f'there is no label "{label}"{did_you_mean(str(label), policy.labels)}'
        elif never(comparison, policy.labels):
            yield f"{comparison} can never hold: no such value is ever read"
        elif always(comparison, policy.labels):
            yield f"{comparison} always holds: no other value is ever read"


def _comparisons(condition: Predicate) -> Iterator[Compare]:
    if isinstance(condition, Compare):
        yield condition
    for part in _parts(condition):
        yield from _comparisons(part)


def _impossible_parts(condition: Predicate, policy: Policy) -> Iterator[Predicate]:
    """The outermost parts that can never hold, of a condition that can, where no comparison alone says why."""
    for part in _parts(condition):
        if not never(part, policy.labels):
            yield from _impossible_parts(part, policy)
        elif not _holds_impossible(part, policy):
            yield part


def _holds_impossible(condition: Predicate, policy: Policy) -> bool:
    return any(never(comparison, policy.labels) for comparison in _comparisons(condition))


def _parts(condition: Predicate) -> tuple[Predicate, ...]:
    if isinstance(condition, AllOf | AnyOf):
        return condition.parts
    return (condition.part,) if isinstance(condition, Not) else ()


def _mode_of(policy: Policy, index: int, rule: Rule) -> Iterator[_Finding]:
    if rule.mode is None:
        return
    path = f"rules[{index}].mode"
    for earlier in policy.rules[:index]:
        if earlier.mode is not None and _applies_whenever(earlier, rule, policy):
            yield path, f'never counts: rule "{earlier.name}" applies whenever this one does, and gives the mode first'
            return
    if rule.mode is policy.mode and all(later.mode in (None, rule.mode) for later in policy.rules[index + 1 :]):
        yield path, "changes nothing: it is the policy's own, and no later rule gives another"


def _forbid_of(policy: Policy, index: int, rule: Rule) -> Iterator[_Finding]:
    for place in sorted(rule.forbid):
        kind = policy.kinds.get(place)
        closes_it = {place} if kind is None else {place, kind.value}
        for earlier in policy.rules[:index]:
            if earlier.forbid & closes_it and _applies_whenever(earlier, rule, policy):
                first = f'rule "{earlier.name}" applies whenever this one does, and forbids it'
                yield f"rules[{index}].forbid", f'"{place}" is forbidden already: {first}'
                break
        else:
            if len(rule.forbid & closes_it) > 1:
                yield f"rules[{index}].forbid", f'"{place}" is of kind "{kind}", which this rule forbids as a whole'


def _escalation_of(policy: Policy, index: int, rule: Rule, modes: frozenset[Mode]) -> Iterator[_Finding]:
    if rule.escalation is None:
        return
    path = f"rules[{index}].escalate_below"
    if Mode.AUTO not in modes:
        yield path, "only mode auto escalates, and it is never in force"
        return
    for earlier in policy.rules[:index]:
        if earlier.escalation is not None and _applies_whenever(earlier, rule, policy):
            yield path, f'never counts: rule "{earlier.name}" applies whenever this one does, and says so first'
            return
    own = "never" if policy.escalation is None else policy.escalation
    if rule.escalation == own and all(later.escalation in (None, own) for later in policy.rules[index + 1 :]):
        yield path, "changes nothing: it is what holds without it, and no later rule says otherwise"
    elif rule.escalation != "never" and rule.escalation.below >= 1:
        yield path, "no score is above 1: every answer of the device escalates"


# -- when rules apply --------------------------------------------------------------------------------------------------


def _possible_modes(policy: Policy) -> frozenset[Mode]:
    """The modes that some request may be decided in."""
    modes: set[Mode] = set()
    for rule in policy.rules:
        if rule.mode is None or (never(rule.when, policy.labels) and not rule.apply_when_unknown):
            continue
        modes.add(rule.mode)
        if _always_applies(rule, policy):
            return frozenset(modes)
    return frozenset(modes | {policy.mode})


def _never_unknown(condition: Predicate) -> bool:
    return _ALWAYS_KNOWN.issuperset(condition.names()) or condition.holds(lambda _: None) is not None


def _always_applies(rule: Rule, policy: Policy) -> bool:
    if rule.when.holds(lambda _: None) is True:
        return True
    return always(rule.when, policy.labels) and (rule.apply_when_unknown or _never_unknown(rule.when))


def _applies_whenever(earlier: Rule, rule: Rule, policy: Policy) -> bool:
    """Tell whether it is certain that `earlier` applies to each request that `rule` applies to."""
    if _always_applies(earlier, policy):
        return True
    if rule.apply_when_unknown and not earlier.apply_when_unknown:
        return False
    if earlier.when == rule.when:
        return True
    # What follows where something is unknown can be told of plain conjunctions alone: fact by fact.
    plain = _plain(earlier.when) and _plain(rule.when) and set(earlier.when.names()) <= set(rule.when.names())
    return plain and not never(rule.when, policy.labels) and implies(rule.when, earlier.when, policy.labels)


def _plain(condition: Predicate) -> bool:
    if isinstance(condition, AllOf):
        return all(isinstance(part, Compare) for part in condition.parts)
    return isinstance(condition, Compare)
