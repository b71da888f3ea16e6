"""A source whose values are set by hand, for demonstrations, tests and "what if the battery were low?".

Placed behind real sources it overrides them: a value of None makes a signal unknown, and `clear` lets the real one
show again. Its readings name "scripted" as their source, so that nobody takes them for measured ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_agent.signals.intake import check_names
from router.types import Value

__all__ = ["Scripted"]

_NONE: Final[Mapping[str, Value | None]] = MappingProxyType({})


class Scripted:
    """Set from one thread; read from any. A change is seen at the next reading: `sampler.sample_now(scripted)`."""

    describe = "scripted"
    demand = None

    def __init__(self, values: Mapping[str, Value | None] = _NONE, *, interval_s: float = 1.0) -> None:
        """Raises ConfigError: a name is no signal."""
        self.interval_s = interval_s
        self._values: dict[str, Value | None] = {}
        self.set(values)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._values)

    def set(self, values: Mapping[str, Value | None] = _NONE, /, **more: Value | None) -> None:
        """Set some values and keep the others: `set(battery_pct=12)`, or `set({"rtt_ms.cloud": 80})`.

        Raises ConfigError: a name is no signal."""
        check_names([*values, *more], self.describe)
        self._values = {**self._values, **values, **more}

    def clear(self, *names: str) -> None:
        """Script these signals no longer; none given: no signal at all."""
        self._values = {name: value for name, value in self._values.items() if names and name not in names}

    def read(self) -> Mapping[str, Value | None]:
        return self._values
