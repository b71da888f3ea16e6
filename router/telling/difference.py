"""What two policies differ in, by what they mean: defaults filled in, labels as sets, rules by their names. Pure.

Said first is where privacy is looser: a label, or a request without one, may be seen by a target that could not see it
before. The order of keys, what is written out and is the default anyway, and comments are no difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from router.document import PolicyDocument, TargetPart
from router.errors import PolicyError
from router.rules.policy import EscalationTerms, Policy, Rule
from router.rules.predicates import AllOf, AnyOf, Compare, Not, Predicate
from router.toml.document import read_document
from router.types import DEVICE, Kind

__all__ = ["Difference", "Looser", "Side", "differences", "looser", "side_of"]

# What is compared otherwise than field by field, or says nothing of how requests are routed.
_APART = frozenset({"schema", "name", "version", "labels", "targets", "rules"})
_UNSET = "nothing"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: the policy in force, and its document with every default filled in."""

    policy: Policy
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` is the place, such as `worth.dollar` or `rules.low.when`; `before` and `after` are in words."""

    path: str
    kind: Literal["added", "removed", "changed", "moved"]
    before: str
    after: str

    def __str__(self) -> str:
        if self.kind in ("added", "removed"):
            return f"{self.path} {self.kind}: {self.after or self.before}"
        return f"{self.path}: {self.before} -> {self.after}"


@dataclass(frozen=True, slots=True)
class Looser:
    """A label that lets targets see what they could not see before; None: a request without a label."""

    label: str | None
    targets: tuple[str, ...]

    def __str__(self) -> str:
        whose = "a request without a label" if self.label is None else f'label "{self.label}"'
        return f"{whose} may now be seen by {', '.join(self.targets)}"


def side_of(policy: Policy, content: bytes) -> Side:
    """Return the side of a policy that was compiled from `content`."""
    document = read_document(content, PolicyDocument, PolicyError, max_bytes=len(content))
    return Side(policy, document)


def looser(old: Side, new: Side) -> list[Looser]:
    """Return where privacy is looser. A label that is new loosens nothing: no request could bear it before."""
    kinds = {kind.value: kind for kind in Kind} | dict(old.policy.kinds) | dict(new.policy.kinds)
    found: list[Looser] = []
    for label in (*(name for name in old.policy.labels if name in new.policy.labels), None):
        seen = tuple(
            name
            for name, kind in sorted(kinds.items(), key=lambda item: (item[0] != DEVICE, item[0]))
            if new.policy.permits(label, name, new.policy.kinds.get(name, kind))
            and not old.policy.permits(label, name, old.policy.kinds.get(name, kind))
        )
        if seen:
            found.append(Looser(label, seen))
    return found


def differences(old: Side, new: Side) -> list[Difference]:
    """Return what differs, in the document's order."""
    return [
        *_labels(old.policy, new.policy),
        *_targets(old, new),
        *_rules(old.policy, new.policy),
        *_fields(_plain(old.document), _plain(new.document), ""),
    ]


def _plain(document: PolicyDocument) -> Mapping[str, object]:
    return {
        name: value for name, value in document.model_dump(mode="json", by_alias=True).items() if name not in _APART
    }


def _labels(old: Policy, new: Policy) -> Iterator[Difference]:
    for label in _of_both(old.labels, new.labels):
        before, after = old.labels.get(label), new.labels.get(label)
        if before != after:
            yield _difference(f"labels.{label}", _places(before), _places(after))


def _places(places: frozenset[str] | None) -> str | None:
    return None if places is None else ", ".join(sorted(places)) or "nobody"


def _targets(old: Side, new: Side) -> Iterator[Difference]:
    for name in _of_both(old.policy.kinds, new.policy.kinds):
        before, after = old.policy.kinds.get(name), new.policy.kinds.get(name)
        own = {kind.value: kind for kind in Kind}.get(name)
        # A target that bears its kind's name is there for every policy, whether it is named or not.
        if (before or own) != (after or own):
            yield _difference(f"targets.{name}", before, after)
        else:
            kind = before or after or Kind.CLOUD
            yield from _fields(_beliefs(old, name, kind), _beliefs(new, name, kind), f"targets.{name}.")


def _beliefs(side: Side, name: str, kind: Kind) -> Mapping[str, object]:
    terms = side.policy.terms_for(name, kind)
    part = side.document.targets.get(name, TargetPart())
    return {
        **part.model_dump(mode="json", exclude={"kind"}),
        "p_wrong": terms.p_wrong,
        "prior_ms": [round(terms.prior_s[0] * 1000, 9), round(terms.prior_s[-1] * 1000, 9)],
    }


# -- rules -------------------------------------------------------------------------------------------------------------


def _rules(old: Policy, new: Policy) -> Iterator[Difference]:
    before, after = ({rule.name: rule for rule in policy.rules} for policy in (old, new))
    for name in _of_both(before, after):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            told = _in_words(one or other)
            yield Difference(f"rules.{name}", *(("removed", told, "") if other is None else ("added", "", told)))
        else:
            yield from _rule(one, other)
    kept = [name for name in before if name in after]
    reordered = [name for name in after if name in before]
    if kept != reordered:
        yield Difference("rules", "moved", ", ".join(kept), ", ".join(reordered))


def _rule(one: Rule, other: Rule) -> Iterator[Difference]:
    path = f"rules.{one.name}"
    if _canonical(one.when) != _canonical(other.when):
        yield Difference(f"{path}.when", "changed", str(one.when), str(other.when))
    for field, of in (
        ("on_unknown", lambda rule: "apply" if rule.apply_when_unknown else "skip"),
        ("mode", lambda rule: None if rule.mode is None else rule.mode.value),
        ("forbid", lambda rule: ", ".join(sorted(rule.forbid)) or None),
        ("escalate_below", _threshold),
    ):
        if of(one) != of(other):
            yield _difference(f"{path}.{field}", of(one), of(other))


def _threshold(rule: Rule) -> str | None:
    return f"{rule.escalation.below:g}" if isinstance(rule.escalation, EscalationTerms) else rule.escalation


def _in_words(rule: Rule | None) -> str:
    assert rule is not None
    parts = [f"when {rule.when}"]
    parts += ["also where that is unknown"] * rule.apply_when_unknown
    parts += [f"mode {rule.mode}"] if rule.mode is not None else []
    parts += [f"forbid {', '.join(sorted(rule.forbid))}"] if rule.forbid else []
    parts += [f"escalate below {_threshold(rule)}"] if rule.escalation is not None else []
    return "; ".join(parts)


def _canonical(condition: Predicate) -> object:
    """Return what two conditions have in common that say the same in another order."""
    if isinstance(condition, AllOf | AnyOf):
        parts = frozenset(map(_canonical, condition.parts))
        return next(iter(parts)) if len(parts) == 1 else (type(condition).__name__, parts)
    if isinstance(condition, Not):
        return "not", _canonical(condition.part)
    assert isinstance(condition, Compare)
    values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
    if condition.operator in ("equals", "one_of"):
        return condition.name, "one of", frozenset(values)
    return condition.name, condition.operator, values


# -- fields ------------------------------------------------------------------------------------------------------------


def _fields(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> Iterator[Difference]:  # Any: JSON values
    for name in _of_both(old, new):
        before, after = old.get(name), new.get(name)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _fields(before, after, f"{path}{name}.")
        elif before != after:
            yield _difference(f"{path}{name}", _value(before), _value(after))


def _value(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, list):
        return ", ".join(str(_value(inner)) for inner in value)
    return f"{value:g}"


def _difference(path: str, before: str | None, after: str | None) -> Difference:
    if before is None:
        return Difference(path, "added", "", after or _UNSET)
    if after is None:
        return Difference(path, "removed", before or _UNSET, "")
    return Difference(path, "changed", before, after)


def _of_both(one: Iterable[str], other: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*one, *other)))
