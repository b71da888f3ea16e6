"""Rules that can hold at once and want opposite things. Pure.

Each finding comes with values at which it is so, and was tried on them: rules are read there as a decision reads them.
A rule that is an exception to a wider one behind it contradicts nothing: so exceptions are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from router.lint.rooms import Box, meet
from router.lint.standing import Standing
from router.rules.policy import Policy
from router.types import Kind, Mode, Value

__all__ = ["Contradiction", "contradictions"]

_DEVICE_FIRST = frozenset({Mode.ONLY_ON_DEVICE, Mode.PREFER_ON_DEVICE})
_REMOTE_FIRST = frozenset({Mode.ONLY_IN_CLOUD, Mode.PREFER_IN_CLOUD})
# Boxes of one rule that are looked at for a common point with another: more are alternatives of the same.
_MAX_BOXES = 8
# Earlier rules that a rule is held against, before nothing is said of it.
_MAX_TRIES = 32


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`path` is the effect of the later rule, `at` values of the facts at which it is so."""

    path: str
    message: str
    at: Mapping[str, Value]


def contradictions(
    policy: Policy, rules: Sequence[Standing], modes: frozenset[Mode], targets: Mapping[str, Kind] | None
) -> Iterator[Contradiction]:
    """Yield at most one contradiction for each effect of each rule.

    `modes` are those that some request may be decided in, `targets` those that exist, where they are known."""
    able = [one for one in rules if not one.never_applies]
    giving = [one for one in able if one.rule.mode is not None]
    for place, later in enumerate(giving):
        yield from _opposite_modes(giving[:place], later)
    if Mode.AUTO in modes:
        saying = [one for one in able if one.rule.escalation is not None]
        for place, later in enumerate(saying):
            yield from _opposite_escalations(saying[:place], later)
    told: set[int] = set()
    for one, other in _closing_pairs(policy, able, targets):
        place = max(one.index, other.index)
        point = None if place in told else _common(one, other)
        if point is not None and _in_force(one, other, policy.mode, giving, point, targets):
            told.add(place)
            yield _nothing_left(policy, one, other, point, targets)


# -- effects of which the first counts ---------------------------------------------------------------------------------


def _opposite_modes(earlier: Sequence[Standing], later: Standing) -> Iterator[Contradiction]:
    mode = later.rule.mode
    # Weighing is the opposite of nothing.
    opposite = _REMOTE_FIRST if mode in _DEVICE_FIRST else _DEVICE_FIRST if mode in _REMOTE_FIRST else frozenset()
    for one in [other for other in earlier if other.rule.mode in opposite][:_MAX_TRIES]:
        before = one.rule.mode
        point = _clash(earlier, one, later)
        if point is not None:
            message = f'contradicts rule "{one.rule.name}", which gives {before} and stands first'
            yield Contradiction(f"rules[{later.index}].mode", f"{message}: both hold at {_at(point)}", point)
            return


def _opposite_escalations(earlier: Sequence[Standing], later: Standing) -> Iterator[Contradiction]:
    never = later.rule.escalation == "never"
    for one in [other for other in earlier if (other.rule.escalation == "never") is not never][:_MAX_TRIES]:
        before = one.rule.escalation
        point = _clash(earlier, one, later)
        if point is not None:
            says = "never" if before == "never" or before is None else f"{before.below:g}"
            message = f'contradicts rule "{one.rule.name}", which says {says} and stands first'
            yield Contradiction(f"rules[{later.index}].escalate_below", f"{message}: both hold at {_at(point)}", point)
            return


def _clash(earlier: Sequence[Standing], one: Standing, later: Standing) -> dict[str, Value] | None:
    """Return values at which both hold and `one` counts, where neither is an exception to the other."""
    point = _common(one, later)
    if point is None or one.applies_whenever(later) or later.applies_whenever(one):
        return None
    return point if _first(earlier, point) is one else None


def _first(rules: Iterable[Standing], point: Mapping[str, Value]) -> Standing | None:
    return next((one for one in rules if one.rule.when.holds(point.get) is True), None)


# -- nothing that may answer -------------------------------------------------------------------------------------------


def _closing_pairs(
    policy: Policy, able: Sequence[Standing], targets: Mapping[str, Kind] | None
) -> Iterator[tuple[Standing, Standing]]:
    """Yield the rules that could close every target together; one that could alone is both."""
    forbidding = [one for one in able if one.rule.forbid]
    no_device = [one for one in forbidding if _closed(one.rule.forbid, Mode.ONLY_ON_DEVICE, targets)]
    no_remote = [one for one in forbidding if _closed(one.rule.forbid, Mode.ONLY_IN_CLOUD, targets)]
    for one in forbidding:
        if _closed(one.rule.forbid, one.rule.mode or policy.mode, targets):
            yield one, one
    for closing, mode in ((no_device, Mode.ONLY_ON_DEVICE), (no_remote, Mode.ONLY_IN_CLOUD)):
        giving = [one for one in able if one.rule.mode is mode]
        yield from ((one, other) for one, other in product(closing, giving) if one is not other)
    yield from ((one, other) for one, other in product(no_device, no_remote) if one is not other)


def _closed(forbidden: frozenset[str], mode: Mode, targets: Mapping[str, Kind] | None) -> bool:
    """Tell whether nothing is left that may answer in this mode."""
    device = Kind.DEVICE.value in forbidden
    if targets is None:
        remote = {Kind.FOG.value, Kind.CLOUD.value} <= forbidden
    else:
        remotes = {name: kind for name, kind in targets.items() if kind is not Kind.DEVICE}
        remote = bool(remotes) and all(name in forbidden or kind.value in forbidden for name, kind in remotes.items())
    if mode is Mode.ONLY_ON_DEVICE:
        return device
    return remote if mode is Mode.ONLY_IN_CLOUD else device and remote


def _in_force(
    one: Standing,
    other: Standing,
    own: Mode,
    giving: Iterable[Standing],
    point: Mapping[str, Value],
    targets: Mapping[str, Kind] | None,
) -> bool:
    """Tell whether the mode that is in force there leaves nothing that the two rules do not forbid."""
    first = _first(giving, point)
    mode = own if first is None else first.rule.mode
    return mode is not None and _closed(one.rule.forbid | other.rule.forbid, mode, targets)


def _nothing_left(
    policy: Policy,
    one: Standing,
    other: Standing,
    point: Mapping[str, Value],
    targets: Mapping[str, Kind] | None,
) -> Contradiction:
    later, earlier = (one, other) if one.index >= other.index else (other, one)
    path = f"rules[{later.index}].{'forbid' if later.rule.forbid else 'mode'}"
    at = f" at {_at(point)}" if point else ""
    if later is not earlier:
        message = f'contradicts rule "{earlier.rule.name}": nothing may answer where both hold{at}'
    elif _closed(one.rule.forbid, Mode.AUTO, targets):
        message = f"nothing may answer where it holds{at}: it forbids every target"
    else:
        mode = f"its own mode is {one.rule.mode}" if one.rule.mode is not None else f"the mode is {policy.mode}"
        message = f"nothing may answer where it holds{at}: {mode}"
    return Contradiction(path, message, point)


# -- points ------------------------------------------------------------------------------------------------------------


def _common(one: Standing, other: Standing) -> dict[str, Value] | None:
    """Return values of the facts at which both rules hold; None where none were found, or one cannot be sure."""
    for mine in (one.boxes or ())[:_MAX_BOXES]:
        for theirs in (other.boxes or ())[:_MAX_BOXES]:
            box = meet(mine.box, theirs.box)
            if box is not None and not _entangled(box):
                return {name: room.example() for name, room in box.items()}
    return None


def _entangled(box: Box) -> bool:
    """Tell whether a signal stands beside the same one of a particular target: the two may be one and the same."""
    return any("." in name and name.partition(".")[0] in box for name in box)


def _at(point: Mapping[str, Value]) -> str:
    return ", ".join(f"{name} = {_written(value)}" for name, value in point.items()) or "any values"


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
