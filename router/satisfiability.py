"""Whether a condition can hold at all, and whether one holds wherever another does. Pure; for lint.py only.

A condition is spread out into alternatives, each of which wants several comparisons at once; an alternative is
possible if every fact it speaks of has a value left. Where there would be too many alternatives the answer is "may
be": nothing is called impossible that was not shown to be. Facts are taken as known, and as independent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Final

from router.predicates import AllOf, AnyOf, Compare, Not, Predicate
from router.types import Value, signal

__all__ = ["always", "implies", "never"]

MAX_ALTERNATIVES: Final = 512

_OPPOSITE: Final = {
    "greater_than": "at_most",
    "at_most": "greater_than",
    "less_than": "at_least",
    "at_least": "less_than",
}
Labels = Iterable[str]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A comparison, or (`no`) its opposite where no operator says that."""

    comparison: Compare
    no: bool = False


_Alternative = tuple[_Wanted, ...]


class _TooMany(Exception):
    """More than MAX_ALTERNATIVES."""


def never(condition: Predicate, labels: Labels) -> bool:
    """Tell whether no values of the facts let it hold; `labels` are those that a request may bear."""
    return _impossible(condition, labels, opposite=False)


def always(condition: Predicate, labels: Labels) -> bool:
    """Tell whether it holds whatever the facts are, once they are known."""
    return _impossible(condition, labels, opposite=True)


def implies(one: Predicate, other: Predicate, labels: Labels) -> bool:
    """Tell whether `other` holds wherever `one` does."""
    return never(AllOf((one, Not(other))), labels)


def _impossible(condition: Predicate, labels: Labels, *, opposite: bool) -> bool:
    known = frozenset(labels)
    try:
        return not any(_possible(alternative, known) for alternative in _alternatives(condition, opposite))
    except _TooMany:
        return False


def _alternatives(condition: Predicate, opposite: bool) -> list[_Alternative]:
    """Spread out a condition, or its opposite."""
    if isinstance(condition, Not):
        return _alternatives(condition.part, not opposite)
    if isinstance(condition, AllOf | AnyOf):
        parts = [_alternatives(part, opposite) for part in condition.parts]
        # The opposite of "all of these" is "any of the opposites", and the other way round.
        if isinstance(condition, AllOf) is not opposite:
            if math.prod(len(part) for part in parts) > MAX_ALTERNATIVES:
                raise _TooMany
            return [tuple(_flattened(chosen)) for chosen in product(*parts)]
        return [alternative for part in parts for alternative in part]
    assert isinstance(condition, Compare)
    if not opposite:
        return [(_Wanted(condition),)]
    if (operator := _OPPOSITE.get(condition.operator)) is not None:
        return [(_Wanted(Compare(condition.name, operator, condition.value)),)]
    return [(_Wanted(condition, no=True),)]


def _flattened(chosen: Iterable[_Alternative]) -> Iterator[_Wanted]:
    for alternative in chosen:
        yield from alternative


@dataclass(slots=True)
class _Room:
    """What values a fact has left: those between two bounds, of a given few or of all, without some."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    of: set[Value] | None = None
    without: set[Value] = field(default_factory=set)

    def keep(self, values: Iterable[Value]) -> None:
        self.of = set(values) if self.of is None else self.of & set(values)

    def above(self, bound: float, *, beyond: bool) -> None:
        if (bound, beyond) > (self.low, self.low_open):
            self.low, self.low_open = bound, beyond

    def below(self, bound: float, *, beyond: bool) -> None:
        if (-bound, beyond) > (-self.high, self.high_open):
            self.high, self.high_open = bound, beyond

    def _between(self, value: Value) -> bool:
        if isinstance(value, str | bool):
            return True
        over = value > self.low if self.low_open else value >= self.low
        return over and (value < self.high if self.high_open else value <= self.high)

    @property
    def empty(self) -> bool:
        if self.of is not None:
            return not any(value not in self.without and self._between(value) for value in self.of)
        if self.low == self.high:
            return self.low_open or self.high_open or self.low in self.without
        return self.low > self.high


def _possible(alternative: _Alternative, labels: frozenset[str]) -> bool:
    rooms: dict[str, _Room] = {}
    for wanted in alternative:
        comparison = wanted.comparison
        room = rooms.setdefault(comparison.name, _room(comparison.name, labels))
        _narrow(room, comparison, no=wanted.no)
    return not any(room.empty for room in rooms.values())


def _room(name: str, labels: frozenset[str]) -> _Room:
    if name == "label":
        return _Room(of=set(labels))
    if name in ("time_left_ms", "upload_bytes"):
        return _Room(low=0.0)
    described = signal(name)
    if described is None:
        return _Room()  # a text that may be anything
    if described.holds == "flag":
        return _Room(of={True, False})
    if described.holds == "text":
        return _Room(of=set(described.one_of))
    return _Room(low=described.low, high=described.high)


def _narrow(room: _Room, comparison: Compare, *, no: bool) -> None:
    value = comparison.value
    if comparison.operator in ("equals", "one_of"):
        values = value if isinstance(value, tuple) else (value,)
        if no:
            room.without.update(values)
        else:
            room.keep(values)
        return
    assert not isinstance(value, str | tuple)
    if comparison.operator in ("greater_than", "at_least"):
        room.above(value, beyond=comparison.operator == "greater_than")
    else:
        room.below(value, beyond=comparison.operator == "less_than")
