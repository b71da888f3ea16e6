"""What values a fact has left, and what a condition leaves of several facts at once. Pure.

A room is a set of values of one fact: numbers between two bounds, or some of a few values, or all texts but some. A box
is a room for each of some facts, taken as independent; a fact that it does not name may be anything, or unknown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from router.rules.predicates import Compare
from router.types import Value, signal

__all__ = ["ANYTHING", "Box", "Room", "Universe", "meet", "minus", "narrowed"]

_NONE: Final[frozenset[Value]] = frozenset()


@dataclass(frozen=True, slots=True)
class Room:
    """The values in `of`, where it is given; else those from `low` to `high`, without some."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    of: frozenset[Value] | None = None
    without: frozenset[Value] = _NONE

    @property
    def empty(self) -> bool:
        if self.of is not None:
            return not self.of
        if self.low == self.high:
            return self.low_open or self.high_open or self.low in self.without
        return self.low > self.high

    def has(self, value: Value) -> bool:
        if self.of is not None:
            return value in self.of
        return value not in self.without and self._between(value)

    def _between(self, value: Value) -> bool:
        if isinstance(value, str | bool):
            return True
        over = value > self.low if self.low_open else value >= self.low
        return over and (value < self.high if self.high_open else value <= self.high)

    def only(self, values: Iterable[Value]) -> Room:
        return Room(of=frozenset(value for value in values if self.has(value)))

    def but(self, values: Iterable[Value]) -> Room:
        if self.of is not None:
            return Room(of=self.of - frozenset(values))
        return replace(self, without=self.without | {value for value in values if self.has(value)})

    def above(self, bound: float, *, beyond: bool) -> Room:
        if self.of is not None:
            return self.only(
                v for v in self.of if not isinstance(v, str) and (v > bound or (v == bound and not beyond))
            )
        return replace(self, low=bound, low_open=beyond) if (bound, beyond) > (self.low, self.low_open) else self

    def below(self, bound: float, *, beyond: bool) -> Room:
        if self.of is not None:
            return self.only(
                v for v in self.of if not isinstance(v, str) and (v < bound or (v == bound and not beyond))
            )
        return replace(self, high=bound, high_open=beyond) if (-bound, beyond) > (-self.high, self.high_open) else self

    def meet(self, other: Room) -> Room:
        """Return the values that are in both."""
        if self.of is not None:
            return other.only(self.of)
        if other.of is not None:
            return self.only(other.of)
        met = self.above(other.low, beyond=other.low_open).below(other.high, beyond=other.high_open)
        return met.but(other.without) if other.without else met

    def touches(self, other: Room) -> bool:
        """Tell whether the two may have a value in common; quicker than `meet`, and True where only points are left."""
        if self.of is not None:
            return any(map(other.has, self.of))
        if other.of is not None:
            return any(map(self.has, other.of))
        return self.low <= other.high and other.low <= self.high

    def inside(self, other: Room) -> bool:
        """Tell whether each value is in `other`, too."""
        if self is other:
            return True
        if self.of is not None:
            return all(map(other.has, self.of))
        if other.of is not None:
            return self.empty or (self.low == self.high and other.has(self.low))
        if (self.low, self.low_open) < (other.low, other.low_open):
            return False
        if (-self.high, self.high_open) < (-other.high, other.high_open):
            return False
        return not any(map(self.has, other.without))

    def minus(self, other: Room) -> Iterator[Room]:
        """Yield rooms that together hold what is in this one and not in `other`."""
        if self.of is not None:
            yield self.only(value for value in self.of if not other.has(value))
        elif other.of is not None:
            yield self.but(other.of)
        else:
            yield self.below(other.low, beyond=not other.low_open)
            yield self.above(other.high, beyond=not other.high_open)
            yield self.only(other.without)

    def corner(self, *, high: bool) -> Value | None:
        """Return the value at one end of the numbers in a room that has no other bounds; None where there is none."""
        end = self.high if high else self.low
        if self.of is not None or not math.isfinite(end):
            return None
        if self.high_open if high else self.low_open:
            end = math.nextafter(end, -math.inf if high else math.inf)
        return end if self.has(end) else None

    def example(self) -> Value:
        """Return a value of a room that is not empty; a round one, where there is one."""
        if self.of is not None:
            return min(self.of, key=lambda value: (str(type(value)), str(value)))
        bounded = math.isfinite(self.low) and math.isfinite(self.high)
        if not bounded and self.low == -math.inf and self.high == math.inf:
            others = (f"other{i or ''}" for i in range(len(self.without) + 1))
            return next(text for text in others if text not in self.without)  # only texts have no bounds
        low = self.low if math.isfinite(self.low) else self.high - 100
        high = self.high if math.isfinite(self.high) else self.low + 100
        wishes = [float(round((low + high) / 2)), float(math.floor(low) + 1), low, high, (low + high) / 2]
        wishes += [low + (high - low) * share / 997 for share in range(1, 997)]
        return next((wish for wish in wishes if self.has(wish)), low)


ANYTHING: Final = Room()


@dataclass(frozen=True, slots=True)
class Universe:
    """What a request may bear: the policy's labels, and the models that there are, where they are known."""

    labels: frozenset[str]
    models: frozenset[str] | None = None

    def room(self, name: str) -> Room:
        """Return all values that the fact or signal may have."""
        if name == "label":
            return Room(of=frozenset(self.labels))
        if name == "model":
            return ANYTHING if self.models is None else Room(of=frozenset(self.models))
        if name in ("time_left_ms", "upload_bytes"):
            return Room(low=0.0)
        described = signal(name)
        if described is None:
            return ANYTHING
        if described.holds == "flag":
            return Room(of=frozenset((True, False)))
        if described.holds == "text":
            return Room(of=frozenset(described.one_of))
        return Room(low=described.low, high=described.high)


Box = Mapping[str, Room]


def narrowed(room: Room, comparison: Compare, *, no: bool = False) -> Room:
    """Return what of `room` a comparison, or (`no`) its opposite, leaves."""
    value = comparison.value
    if comparison.operator in ("equals", "one_of"):
        values = value if isinstance(value, tuple) else (value,)
        return room.but(values) if no else room.only(values)
    assert not isinstance(value, str | tuple)
    upwards = comparison.operator in ("greater_than", "at_least")
    strict = comparison.operator in ("greater_than", "less_than")
    if upwards is not no:
        return room.above(value, beyond=strict is not no)
    return room.below(value, beyond=strict is not no)


def meet(one: Box, other: Box) -> Box | None:
    """Return what both leave; None where that is nothing."""
    if _apart(one, other):
        return None
    met = dict(one)
    for name, room in other.items():
        there = met.get(name)
        both = room if there is None else there.meet(room)
        if both.empty:
            return None
        met[name] = both
    return met


def minus(one: Box, other: Box, universe: Universe) -> list[Box]:
    """Return boxes that together hold what is in `one` and not in `other`."""
    if _apart(one, other):
        return [one]
    left: list[Box] = []
    rest = dict(one)
    for name, room in other.items():
        here = rest.get(name) or universe.room(name)
        for piece in here.minus(room):
            if not piece.empty:
                left.append({**rest, name: piece})
        both = here.meet(room)
        if both.empty:
            return [one]
        rest[name] = both
    return left


def _apart(one: Box, other: Box) -> bool:
    return any(name in one and not one[name].touches(room) for name, room in other.items())
