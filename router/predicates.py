"""Conditions over readings and request facts, in three-valued logic. Pure.

A fact is known or None. A comparison with an unknown fact is unknown; `all`, `any` and `not` follow Kleene: a false
part makes `all` false and a true part makes `any` true, whatever is unknown beside it. Nothing here turns unknown into
a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from router.errors import Fault, PolicyError
from router.naming import did_you_mean, shown
from router.types import SIGNALS, Signal, Value, signal

__all__ = [
    "FACTS",
    "OPERATORS",
    "AllOf",
    "AnyOf",
    "Compare",
    "Facts",
    "Not",
    "Predicate",
    "comparisons",
    "parse",
    "parts_of",
]

Facts = Callable[[str], Value | None]
"""Looks a fact up by name; None where it is unknown."""

MAX_DEPTH: Final = 16
MAX_CONDITIONS: Final = 256


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

_NUMERIC: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "greater_than": lambda fact, bound: fact > bound,
    "less_than": lambda fact, bound: fact < bound,
    "at_least": lambda fact, bound: fact >= bound,
    "at_most": lambda fact, bound: fact <= bound,
}
OPERATORS: Final = (*_NUMERIC, "equals", "one_of")


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
        return _NUMERIC[self.operator](fact, self.value)

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


def parse(table: object, path: str, *, targets: frozenset[str] = frozenset()) -> Predicate:
    """Read a condition from a document's table, such as `{battery_pct = {less_than = 20}, charging = false}`.

    Several keys in one table are all wanted. `targets` are the names that `rtt_ms.NAME` and its like may speak of.
    Raises PolicyError: with every fault, at the path of the table that holds it."""
    faults: list[Fault] = []
    read = _parse(table, path, targets, MAX_DEPTH, [MAX_CONDITIONS], faults)
    if faults:
        raise PolicyError.of(faults, "condition")
    return read


def _parse(
    table: object, path: str, targets: frozenset[str], depth: int, budget: list[int], faults: list[Fault]
) -> Predicate:
    if not isinstance(table, dict):
        raise PolicyError(
            path,
            f"a condition is a table such as {{ cpu_load = {{ greater_than = 0.8 }} }}, not {_kind(table)}",
        )
    if depth == 0:
        raise PolicyError(path, f"conditions are nested more than {MAX_DEPTH} deep")
    if budget[0] < 0:
        return AllOf(())  # told already
    # An empty table counts too: every part is looked at again for every request.
    budget[0] -= max(1, len(table))
    if budget[0] < 0:
        raise PolicyError(path, f"more than {MAX_CONDITIONS} conditions in one rule")
    parts: list[Predicate] = []
    for key, value in table.items():
        try:
            if key in ("all", "any"):
                inner = tuple(
                    _parse(part, f"{path}.{key}[{i}]", targets, depth - 1, budget, faults)
                    for i, part in enumerate(_listed(value, f"{path}.{key}", "condition"))
                )
                parts.append(AllOf(inner) if key == "all" else AnyOf(inner))
            elif key == "not":
                parts.append(Not(_parse(value, f"{path}.not", targets, depth - 1, budget, faults)))
            else:
                parts.extend(_comparisons(key, value, path, targets, faults))
        except PolicyError as error:
            faults.extend(error.faults)  # the keys beside it are looked at all the same
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _comparisons(name: str, value: object, path: str, targets: frozenset[str], faults: list[Fault]) -> list[Predicate]:
    known = _known(name, path, targets)
    here = f"{path}.{name}"
    if not isinstance(value, dict):
        return [Compare(name, "equals", _value(value, known, here))]
    if not value:
        raise PolicyError(here, f"an operator is wanted: {', '.join(OPERATORS)}")
    comparisons: list[Predicate] = []
    for operator, operand in value.items():
        try:
            comparisons.append(_comparison(name, operator, operand, known, here))
        except PolicyError as error:
            faults.extend(error.faults)
    return comparisons


def _comparison(name: str, operator: str, operand: object, known: Signal | Fact, here: str) -> Compare:
    if operator not in OPERATORS:
        problem = f'unknown key "{shown(operator)}"{did_you_mean(operator, OPERATORS)}'
        raise PolicyError(here, problem, key=operator)
    path = f"{here}.{operator}"
    if operator in _NUMERIC and known.holds != "number":
        raise PolicyError(path, f"{name} is a {known.holds}; use equals or one_of")
    if operator != "one_of":
        return Compare(name, operator, _value(operand, known, path))
    listed = _listed(operand, path, "value")
    if len(listed) > MAX_CONDITIONS:
        raise PolicyError(path, f"more than {MAX_CONDITIONS} values")
    return Compare(name, operator, tuple(_value(one, known, f"{path}[{i}]") for i, one in enumerate(listed)))


def _listed(value: object, path: str, noun: str) -> list[object]:
    if not isinstance(value, list) or not value:
        raise PolicyError(path, f"a list of at least one {noun} is wanted")
    return value


def _known(name: str, path: str, targets: frozenset[str]) -> Signal | Fact:
    if (fact := FACTS.get(name)) is not None:
        return fact
    described = signal(name)
    if described is not None:
        _, per_target, target = name.partition(".")
        if not per_target or target in targets:
            return described
        problem = f'unknown target "{shown(target)}" in "{shown(name)}"{did_you_mean(target, targets)}'
        raise PolicyError(path, problem, key=name)
    known_names = [*SIGNALS, *FACTS, "all", "any", "not"]
    raise PolicyError(path, f'unknown key "{shown(name)}"{did_you_mean(name, known_names)}', key=name)


def _value(value: object, known: Signal | Fact, path: str) -> Value:
    holds = known.holds
    if holds == "flag" and isinstance(value, bool):
        return value
    if holds == "text" and isinstance(value, str):
        if isinstance(known, Signal) and value not in known.one_of:
            # It would never hold, and nobody would be told.
            raise PolicyError(path, f'{known.name} is never "{shown(value)}"{did_you_mean(value, known.one_of)}')
        return value
    if holds == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        # Comparisons with NaN are all false, which would be a silent change of routing.
        if value != value or value in (float("inf"), float("-inf")) or abs(value) > 1e15:
            # Python refuses to write down an integer of more than 4300 digits.
            given = value if isinstance(value, float) else "an integer that large"
            raise PolicyError(path, f"{given} is not a usable number; give a finite one below 1e15")
        return float(value)
    raise PolicyError(path, f"a {holds} is wanted, not {_kind(value)}")


def _kind(value: object) -> str:
    names = {bool: "a flag", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    return names.get(type(value), f"a {type(value).__name__}")
