"""What the names in a policy document refer to: targets and their kinds, signals, models, rules. Pure.

Each function adds what it finds wrong to a list of faults and goes on with what is left, so that one look tells all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from router.document import PolicyDocument
from router.errors import Fault
from router.naming import did_you_mean, shown
from router.rules.policy import Policy
from router.rules.predicates import comparisons
from router.types import DEVICE, SIGNALS, Kind, signal

__all__ = ["kinds_of", "places_of", "refuse_twice", "refuse_unknown_models", "refuse_unknown_signal", "remotes_of"]

_KIND_NAMES: Final = {kind.value: kind for kind in Kind}


def kinds_of(document: PolicyDocument, targets: Mapping[str, Kind] | None, faults: list[Fault]) -> dict[str, Kind]:
    kinds: dict[str, Kind] = {}
    for name, part in document.targets.items():
        own = _KIND_NAMES.get(name)
        existing = None if targets is None else targets.get(name)
        if targets is not None and existing is None and own is None:
            problem = f'unknown target "{name}"{did_you_mean(name, targets)}'
            faults.append(Fault("targets", problem, key=name))
            continue
        kind = existing or own or (Kind(part.kind) if part.kind is not None else None)
        if kind is None:
            faults.append(Fault(f"targets.{name}", 'its kind is wanted: add kind = "fog" or kind = "cloud"'))
            continue
        if part.kind is not None and kind != part.kind:
            what = f'a target named "{name}" is of that kind' if own else f'the configured target is of kind "{kind}"'
            faults.append(Fault(f"targets.{name}.kind", f'{what}, not "{part.kind}"'))
        elif kind is Kind.DEVICE and name != DEVICE:
            faults.append(Fault(f"targets.{name}.kind", 'there is one device, and it is called "device"'))
        if targets is None or existing is not None:
            kinds[name] = kind
        # Else what is believed of a kind: that a device has no target of it is no fault of the policy.
    if targets is not None:
        kinds.update(targets)
    return kinds


def remotes_of(kinds: Mapping[str, Kind], targets: Mapping[str, Kind] | None) -> frozenset[str]:
    """Return the targets that a round trip can be measured to. Without a list of those that exist, a target may bear
    its kind's name and not be in the document."""
    named = frozenset(name for name, kind in kinds.items() if kind is not Kind.DEVICE)
    return named if targets is not None else named | {Kind.FOG.value, Kind.CLOUD.value}


def refuse_unknown_signal(name: str, remotes: frozenset[str], faults: list[Fault]) -> None:
    _, per_target, target = name.partition(".")
    if signal(name) is None:
        problem = f'unknown key "{shown(name)}"{did_you_mean(name, SIGNALS)}'
        faults.append(Fault("stale_after_s", problem, key=name))
    elif per_target and target not in remotes:
        problem = f'unknown target "{shown(target)}" in "{shown(name)}"{did_you_mean(target, remotes)}'
        faults.append(Fault("stale_after_s", problem, key=name))


def places_of(listed: Iterable[str], known: set[str], path: str, faults: list[Fault]) -> frozenset[str]:
    for i, place in enumerate(listed):
        if place not in known:
            faults.append(Fault(f"{path}[{i}]", f'unknown target "{place}"{did_you_mean(place, known)}'))
    return frozenset(listed)


def refuse_unknown_models(policy: Policy, models: Collection[str], faults: list[Fault]) -> None:
    for i, rule in enumerate(policy.rules):
        for comparison in comparisons(rule.when):
            named = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
            for model in named if comparison.name == "model" else ():
                if model not in models:
                    problem = f'unknown model "{shown(str(model))}"{did_you_mean(str(model), models)}'
                    faults.append(Fault(f"rules[{i}].when", problem, key="model"))


def refuse_twice(names: list[str], faults: list[Fault]) -> None:
    seen: set[str] = set()
    for i, name in enumerate(names):
        if name in seen:
            problem = f'there is a rule called "{name}" already; a reason must name one rule'
            faults.append(Fault(f"rules[{i}].name", problem))
        seen.add(name)
