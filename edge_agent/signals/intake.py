"""From what a source said to readings. Pure.

A value is taken only if the signal can have it: a finite number within its range, a flag where a flag is meant, or one
of the texts that there are.
Everything else becomes unknown and is counted, so that a broken sensor is never mistaken for a measurement. Whether a
credible value is to be believed after those before it is doubt.py's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edge_agent.errors import ConfigError
from router.naming import did_you_mean
from router.types import SIGNALS, Reading, Value, signal

__all__ = ["check_names", "take", "unknown"]


def check_names(names: Sequence[str], source: str) -> None:
    """Raises ConfigError: naming the first of `names` that is no signal."""
    for name in names:
        if signal(name) is None:
            raise ConfigError(name, f"no such signal{did_you_mean(name, SIGNALS)}", document=source)


def take(
    said: Mapping[str, object], names: Sequence[str], source: str, at: float
) -> tuple[dict[str, Reading], tuple[str, ...]]:
    """Return a reading for each of `names`, and those whose value was refused. Other names in `said` are ignored."""
    readings: dict[str, Reading] = {}
    refused: tuple[str, ...] = ()
    for name in names:
        given = said.get(name)
        value = _credible(name, given)
        if value is None and given is not None:
            refused += (name,)
            readings[name] = Reading(name, None, f"{source} (value refused)", at)
        else:
            readings[name] = Reading(name, value, source, at)
    return readings, refused


def unknown(names: Sequence[str], source: str, error: BaseException, at: float) -> dict[str, Reading]:
    """Return unknown readings for a source that raised. Only the error's type is told: its text may hold anything."""
    told = f"{source} ({type(error).__name__})"
    return {name: Reading(name, None, told, at) for name in names}


def _credible(name: str, given: object) -> Value | None:
    described = signal(name)
    assert described is not None, "check_names ran"
    if not described.can_be(given):
        return None
    return given if isinstance(given, bool | str) else float(given)
