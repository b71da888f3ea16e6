"""What would have changed decisions, over a few of each kind: found by deciding again. Pure.

One decision tells one value; some of the same kind tell how far apart these are, and whether it is so for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from router.choosing.engine import Decision
from router.report.words import plain
from router.rules.policy import Policy
from router.simulate.recording import Group
from router.telling.counterfactual import Change, changes, done, where, written
from router.types import Value
from router.values import value

__all__ = ["Turn", "Turned", "turned"]

_LOOKED_AT = 5
"""Decisions of each group: each takes a tenth of a second, because each is made again some hundred times."""


@value
class Turn:
    """Were `name` so (`were`), while it was `now`, requests would have gone `instead`; in `count` of the decisions."""

    name: str
    were: str
    now: str
    instead: str
    count: int


@value
class Turned:
    """A group, one decision of it to look at, and what would have changed those looked at; the most frequent first."""

    group: Group
    goes: str
    example: Decision
    looked_at: int
    turns: tuple[Turn, ...]


def turned(policy: Policy, group: Group) -> Turned:
    """Decide again around some of a group's decisions."""
    kept = group.decisions
    step = max(1, len(kept) / _LOOKED_AT)
    chosen = [kept[int(place * step)] for place in range(min(len(kept), _LOOKED_AT))]
    found: dict[tuple[str, str, str], list[Change]] = {}
    for decision in chosen:
        seen: set[tuple[str, str, str]] = set()
        for change in changes(policy, decision):
            key = change.name, _how(change), done(change.instead)
            if key not in seen:
                seen.add(key)
                found.setdefault(key, []).append(change)
    turns = _merged([_turn(name, instead, several) for (name, _, instead), several in found.items()])
    return Turned(group, done(chosen[0]), chosen[len(chosen) // 2], len(chosen), turns)


def _merged(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Put values of one thing that all lead to the same together: "a" or "b"."""
    kept: dict[tuple[str, str, str, int], Turn] = {}
    for turn in turns:
        key = turn.name, turn.now, turn.instead, turn.count
        before = kept.get(key)
        kept[key] = turn if before is None else replace(before, were=f"{before.were} or {turn.were}")
    return tuple(kept.values())


def _how(change: Change) -> str:
    """Return what makes changes of one name alike: the side; where one value is meant, that value."""
    return where(change) if change.side == "is" or change.strict else change.side


def _turn(name: str, instead: str, several: Sequence[Change]) -> Turn:
    first = several[0]
    were = where(first)
    if first.side != "is" and not first.strict and len(several) > 1:
        way = "at least" if first.side == "above" else "at most"
        were = f"{way} {_between([change.at for change in several], first.unit)}"
    return Turn(name, were, _between([change.now for change in several], first.unit), instead, len(several))


def _between(values: Sequence[Value | None], unit: str) -> str:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return ", ".join(dict.fromkeys(written(value, unit) for value in values))
    low, high = plain(min(numbers)), plain(max(numbers))
    return f"{low} {unit}".strip() if low == high else f"{low} to {high} {unit}".strip()
