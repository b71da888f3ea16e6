"""Values to put in the place of readings, to see what a decision would be: given by a person, or found in a policy.

Pure. A value that the signal could not have is refused here as the sampler refuses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from edge_agent.errors import ConfigError
from edge_agent.signals.intake import check_names, take
from router.naming import did_you_mean
from router.rules.policy import Policy
from router.rules.predicates import AllOf, AnyOf, Compare, Not, Predicate
from router.types import SIGNALS, Value, signal

__all__ = ["Values", "read_values", "scenarios", "with_twin"]

Values = Mapping[str, Value | None]
"""By signal; None is unknown."""

_FLAGS: Final = {"true": True, "false": False}
_HARD_TIMES: Final[Sequence[Values]] = (
    {"battery_pct": 5.0, "charging": False},
    {"rtt_ms": 5000.0},
    {"cpu_load": 0.99},
)


def read_values(given: Sequence[str], targets: Iterable[str]) -> Values:
    """Return what SIGNAL=VALUE texts say.

    Raises ConfigError: for what is no signal, no target, or no value that the signal can have."""
    values: dict[str, Value | None] = {}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(name, "a value is written SIGNAL=VALUE", document="--set")
        check_names([name], "--set")
        _, _, target = name.partition(".")
        if target and target not in targets:
            raise ConfigError(name, f"no such target{did_you_mean(target, targets)}", document="--set")
        values[name] = _value(name, value)
    return values


def _value(name: str, text: str) -> Value | None:
    if text == "unknown":
        return None
    try:
        said: object = _FLAGS[text] if text in _FLAGS else float(text)
    except ValueError:
        said = text
    readings, refused = take({name: said}, [name], "--set", 0.0)
    if refused:
        described = signal(name)
        assert described is not None
        raise ConfigError(name, f"{described.may_be} is wanted, or unknown", document="--set")
    return readings[name].value


def with_twin(values: Values, first_target: str | None) -> Values:
    """Return `values` with both names of each signal of the first remote target, where one of them is given."""
    if first_target is None:
        return values
    own = {name: f"{name}.{first_target}" for name, described in SIGNALS.items() if described.per_target}
    twins = {**own, **{long: short for short, long in own.items()}}
    return {**{twins[name]: value for name, value in values.items() if name in twins}, **values}


def scenarios(policy: Policy) -> Iterator[Values]:
    """Yield values that may change a decision: those that make a rule hold or not hold, rule by rule, then what is
    hard on devices in general."""
    for rule in policy.rules:
        for holds in (True, False):
            values = _making(rule.when, holds)
            if values:
                yield values
    yield from _HARD_TIMES


def _making(condition: Predicate, holds: bool) -> dict[str, Value | None]:
    """Return values of signals by which `condition` would hold, or not; what is no signal stays as it is."""
    if isinstance(condition, Not):
        return _making(condition.part, not holds)
    if isinstance(condition, AllOf | AnyOf):
        parts = (_making(part, holds) for part in condition.parts)
        if isinstance(condition, AllOf) is holds:
            return {name: value for part in parts for name, value in part.items()}
        return next((part for part in parts if part), {})
    assert isinstance(condition, Compare)
    return _comparing(condition, holds)


def _comparing(comparison: Compare, holds: bool) -> dict[str, Value | None]:
    name, wanted = comparison.name, comparison.value
    described = signal(name)
    if described is None:
        return {}
    if isinstance(wanted, tuple):
        wanted = wanted[0]
    if isinstance(wanted, bool):
        return {name: wanted is holds}
    if isinstance(wanted, str):
        refused = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
        other = next((text for text in described.one_of if text not in refused), None)
        return {name: wanted} if holds else {} if other is None else {name: other}
    lower = (comparison.operator in ("less_than", "at_most")) is holds
    if comparison.operator in ("equals", "one_of"):
        if holds:
            return {name: wanted}
        lower = wanted - described.low > described.high - wanted
    # Well beyond the bound, so that it is believed, and within what the signal can be.
    step = max(abs(wanted) / 2, 1.0)
    if lower:
        return {name: wanted - min(step, (wanted - described.low) / 2)}
    return {name: wanted + min(step, (described.high - wanted) / 2)}
