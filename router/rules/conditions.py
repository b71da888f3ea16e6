"""Conditions as their author writes them, read into predicates, or every fault in them with its path. Pure."""

from __future__ import annotations

import re
from typing import Final

from router.errors import Fault, PolicyError
from router.naming import did_you_mean, reads_as_plain, shown
from router.rules.predicates import FACTS, NUMERIC, OPERATORS, AllOf, AnyOf, Compare, Fact, Not, Predicate
from router.types import SIGNALS, Signal, Value, signal

__all__ = ["parse"]

MAX_DEPTH: Final = 16
MAX_CONDITIONS: Final = 256
# How other languages call what OPERATORS have.
_OTHER_WORDS: Final = {
    **dict.fromkeys(("<", "lt", "below", "under", "less"), "less_than"),
    **dict.fromkeys((">", "gt", "above", "over", "greater", "more_than"), "greater_than"),
    **dict.fromkeys(("<=", "le", "lte", "max", "maximum", "less_equal"), "at_most"),
    **dict.fromkeys((">=", "ge", "gte", "min", "minimum", "greater_equal"), "at_least"),
    **dict.fromkeys(("=", "==", "eq", "is"), "equals"),
    **dict.fromkeys(("in", "any_of", "is_in"), "one_of"),
}
_ORDER: Final = re.compile(r"\s*(<=?|>=?|==?)")
# As the faults of form tell it: one document, one way to say what is wanted.
_HOLDS: Final = {"number": "a number", "flag": "true or false", "text": "text in quotes"}
_IS: Final = {"flag": "true or false", "text": "text"}


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
        meant = _OTHER_WORDS.get(operator.lower())
        hint = did_you_mean(operator, OPERATORS) if meant is None else f'; did you mean "{meant}"?'
        raise PolicyError(here, f'unknown key "{shown(operator)}"{hint}', key=operator)
    path = f"{here}.{operator}"
    if operator in NUMERIC and known.holds != "number":
        raise PolicyError(path, f"{name} is {_IS[known.holds]}; use equals or one_of")
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
    raise PolicyError(path, f"{_HOLDS[holds]} is wanted, not {_kind(value)}")


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and reads_as_plain(value):
        return "text: write it without quotes"
    if isinstance(value, str) and (order := _ORDER.match(value)) is not None:
        return f"text: an order is a table, {{ {_OTHER_WORDS[order[1]]} = ... }}"
    names = {int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}
    # TOML's others are dates and times.
    return names.get(type(value), "a time" if type(value).__name__ == "time" else "a date")
