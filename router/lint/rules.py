"""What in a single rule can change no decision: conditions that never hold, effects that come too late. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from router.lint.holding import always, never
from router.lint.rooms import Universe
from router.lint.standing import Standing, covering, never_unknown
from router.lint.units import unit_slip
from router.naming import did_you_mean
from router.rules.policy import Policy
from router.rules.predicates import Compare, Predicate, comparisons, parts_of
from router.types import Mode, signal

__all__ = ["findings_of_rule", "names_of"]

_NAMED: Final = 4

Finding = tuple[str, str]


def findings_of_rule(
    policy: Policy, standing: Standing, earlier: Sequence[Standing], modes: frozenset[Mode]
) -> Iterator[Finding]:
    """Yield what its author should look at; `earlier` are the rules in front of it, `modes` those that some request may
    be decided in."""
    rule, universe = standing.rule, standing.universe
    path = f"rules[{standing.index}]"
    for message in _trivial(rule.when, universe):
        yield f"{path}.when", message
    if standing.never_holds:
        if not _holds_impossible(rule.when, universe):
            yield f"{path}.when", f"can never hold: {rule.when}"
        if standing.never_applies:
            return  # what it would do is of no interest
    else:
        for part in _impossible_parts(rule.when, universe):
            yield f"{path}.when", f"a part of it can never hold: {part}"
    if rule.apply_when_unknown and never_unknown(rule.when):
        yield f"{path}.on_unknown", "its condition can never be unknown"
    yield from _mode_of(policy, standing, earlier)
    yield from _forbid_of(policy, standing, earlier)
    yield from _escalation_of(policy, standing, earlier, modes)


def _trivial(condition: Predicate, universe: Universe) -> Iterator[str]:
    """Comparisons that turn out the same whatever the fact is, once it is known."""
    for comparison in comparisons(condition):
        there_are = universe.labels if comparison.name == "label" else universe.models
        if comparison.name in ("label", "model") and there_are is not None:
            for named in comparison.value if isinstance(comparison.value, tuple) else (comparison.value,):
                if named not in there_are:
                    yield f'there is no {comparison.name} "{named}"{did_you_mean(str(named), there_are)}'
        elif never(comparison, universe):
            yield f"{comparison} can never hold: {_range_of(comparison)}"
        elif always(comparison, universe):
            yield f"{comparison} always holds: {_range_of(comparison)}"
        else:
            yield from unit_slip(comparison)


def _range_of(comparison: Compare) -> str:
    described = signal(comparison.name)
    # What is no signal is a time or a size, which is only never less than nothing.
    return f"{comparison.name} is {described.may_be}" if described is not None else "no other value is ever read"


def _impossible_parts(condition: Predicate, universe: Universe) -> Iterator[Predicate]:
    """The outermost parts that can never hold, of a condition that can, where no comparison alone says why."""
    for part in parts_of(condition):
        if not never(part, universe):
            yield from _impossible_parts(part, universe)
        elif not _holds_impossible(part, universe):
            yield part


def _holds_impossible(condition: Predicate, universe: Universe) -> bool:
    return any(never(comparison, universe) for comparison in comparisons(condition))


def _mode_of(policy: Policy, standing: Standing, earlier: Iterable[Standing]) -> Iterator[Finding]:
    mode = standing.rule.mode
    if mode is None:
        return
    path = f"rules[{standing.index}].mode"
    first = covering((one for one in earlier if one.rule.mode is not None), standing)
    if first:
        yield path, f"never counts: {_apply(first)}, and gives the mode first"
    elif mode is policy.mode and all(rule.mode in (None, mode) for rule in policy.rules[standing.index + 1 :]):
        yield path, "changes nothing: it is the policy's own, and no later rule gives another"


def _forbid_of(policy: Policy, standing: Standing, earlier: Sequence[Standing]) -> Iterator[Finding]:
    path = f"rules[{standing.index}].forbid"
    for place in sorted(standing.rule.forbid):
        kind = policy.kinds.get(place)
        closes_it = {place} if kind is None else {place, kind.value}
        first = covering((one for one in earlier if one.rule.forbid & closes_it), standing)
        if first:
            yield path, f'"{place}" is forbidden already: {_apply(first)}, and forbids it'
        elif len(standing.rule.forbid & closes_it) > 1:
            yield path, f'"{place}" is of kind "{kind}", which this rule forbids as a whole'


def _escalation_of(
    policy: Policy, standing: Standing, earlier: Iterable[Standing], modes: frozenset[Mode]
) -> Iterator[Finding]:
    wanted = standing.rule.escalation
    if wanted is None:
        return
    path = f"rules[{standing.index}].escalate_below"
    if Mode.AUTO not in modes:
        yield path, "only mode auto escalates, and it is never in force"
        return
    first = covering((one for one in earlier if one.rule.escalation is not None), standing)
    if first:
        yield path, f"never counts: {_apply(first)}, and says so first"
        return
    own = "never" if policy.escalation is None else policy.escalation
    if wanted == own and all(rule.escalation in (None, own) for rule in policy.rules[standing.index + 1 :]):
        yield path, "changes nothing: it is what holds without it, and no later rule says otherwise"
    elif wanted != "never" and wanted.below >= 1:
        yield path, "no score is above 1: every answer of the device escalates"


def _apply(rules: Sequence[Standing]) -> str:
    if len(rules) == 1:
        return f'rule "{rules[0].rule.name}" applies whenever this one does'
    return f"one of the rules {names_of(rules)} applies whenever this one does"


def names_of(rules: Sequence[Standing]) -> str:
    """Return the names of several rules in words, the first of many."""
    names = [f'"{one.rule.name}"' for one in rules]
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} others"
    return f"{', '.join(names[:-1])} and {names[-1]}"
