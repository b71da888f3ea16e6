"""Conditions over readings and request facts, in three-valued logic. Pure.

A fact is known or None. A comparison with an unknown fact is unknown; `all`, `any` and `not` follow Kleene: a false
part makes `all` false and a true part makes `any` true, whatever is unknown beside it. Nothing here turns unknown into
a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from router.types import Value

__all__ = [
    "FACTS",
    "NUMERIC",
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Compare",
    "Fact",
    "Facts",
    "Not",
    "Predicate",
    "comparisons",
    "parts_of",
]

Facts = Callable[[str], Value | None]
"""Looks a fact up by name; None where it is unknown."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a condition may speak of, beside the signals."""

    holds: str
    about: str


FACTS: Final[Mapping[str, Fact]] = {
    "model": Fact("text", "the model that the app named"),
    "label": Fact("text", "the request's privacy label"),
    "time_left_ms": Fact("number", "time to the request's deadline, in milliseconds"),
    "upload_bytes": Fact("number", "bytes that would cross the network, the most over the remote targets"),
}

NUMERIC: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "greater_than": lambda fact, bound: fact > bound,
    "less_than": lambda fact, bound: fact < bound,
    "at_least": lambda fact, bound: fact >= bound,
    "at_most": lambda fact, bound: fact <= bound,
}
OPERATORS: Final = (*NUMERIC, "equals", "one_of")


class Predicate(Protocol):
    """A condition."""

    def holds(self, facts: Facts) -> bool | None:
        """True, False, or None where it depends on something unknown."""

    def names(self) -> Iterator[str]:
        """The facts it speaks of."""


@dataclass(frozen=True, slots=True)
class Compare:
    """One fact against one value (for `one_of`: a tuple of values)."""

    name: str
    operator: str
    value: Value | tuple[Value, ...]

    def holds(self, facts: Facts) -> bool | None:
        fact = facts(self.name)
        if fact is None:
            return None
        if self.operator == "equals":
            return fact == self.value
        if self.operator == "one_of":
            assert isinstance(self.value, tuple)
            return fact in self.value
        assert not isinstance(fact, str) and not isinstance(self.value, str | tuple)
        return NUMERIC[self.operator](fact, self.value)

    def names(self) -> Iterator[str]:
        yield self.name

    def __str__(self) -> str:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return f"{self.name} {self.operator.replace('_', ' ')} {_in_words(value)}"


def _in_words(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every part is; an empty one always is."""

    parts: tuple[Predicate, ...]

    def holds(self, facts: Facts) -> bool | None:
        outcome: bool | None = True
        for part in self.parts:
            held = part.holds(facts)
            if held is False:
                return False
            if held is None:
                outcome = None
        return outcome

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()

    def __str__(self) -> str:
        return " and ".join(_inside(part) for part in self.parts) or "always"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where at least one part is."""

    parts: tuple[Predicate, ...]

    def holds(self, facts: Facts) -> bool | None:
        outcome: bool | None = False
        for part in self.parts:
            held = part.holds(facts)
            if held is True:
                return True
            if held is None:
                outcome = None
        return outcome

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.names()

    def __str__(self) -> str:
        return " or ".join(_inside(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite; the opposite of unknown is unknown."""

    part: Predicate

    def holds(self, facts: Facts) -> bool | None:
        held = self.part.holds(facts)
        return None if held is None else not held

    def names(self) -> Iterator[str]:
        yield from self.part.names()

    def __str__(self) -> str:
        return f"not ({self.part})"


def comparisons(condition: Predicate) -> Iterator[Compare]:
    """Yield every comparison in a condition, from left to right."""
    if isinstance(condition, Compare):
        yield condition
    for part in parts_of(condition):
        yield from comparisons(part)


def parts_of(condition: Predicate) -> tuple[Predicate, ...]:
    """Return what a condition is made of; nothing for a comparison."""
    if isinstance(condition, AllOf | AnyOf):
        return condition.parts
    return (condition.part,) if isinstance(condition, Not) else ()


def _inside(part: Predicate) -> str:
    return f"({part})" if isinstance(part, AllOf | AnyOf) else str(part)
