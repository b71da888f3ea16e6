"""What the app says of the device: where only its operating system's own interfaces tell, as on a phone, it hands in
what they say. Its readings name the app as their source, and never take the place of what the agent has measured.

Two ways: a SignalSource is asked at an interval; `Reported` holds what the app said of its own accord. Names are
checked here, before anything starts; values like those of any sensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from edge_agent.errors import ConfigError, SignalError
from edge_agent.signals.intake import check_names, take
from edge_agent.signals.source import Demand
from nearfar_wire.errors import kind_of
from router.naming import did_you_mean
from router.signals import SIGNALS, signal
from router.types import Value

__all__ = ["Claim", "Reported", "SignalSource", "checked_claims"]

REPORTED: Final = "the app"
LONGEST_S: Final = 86_400.0


class SignalSource(Protocol):
    """Something of the app's that tells signals. `read` is called in a thread of its own, may take its time, and may
    raise: then its signals are unknown."""

    @property
    def names(self) -> Sequence[str]:
        """The signals it tells: see the reference of policies."""

    @property
    def interval_s(self) -> float:
        """The time from one reading to the next; no longer than a reading counts for."""

    def read(self) -> Mapping[str, Value | None]:
        """Return values by signal. One that is missing or None is unknown."""


class Claim:
    """A SignalSource, as a source of readings."""

    demand: Demand | None = None

    def __init__(self, source: SignalSource, names: tuple[str, ...], interval_s: float) -> None:
        self.names = names
        self.interval_s = interval_s
        self.describe = f"{REPORTED} ({type(source).__name__})"
        self._source = source

    def read(self) -> Mapping[str, Value | None]:
        return self._source.read()


def checked_claims(sources: Sequence[SignalSource], targets: Collection[str]) -> list[Claim]:
    """Return what the app handed in as sources of readings.

    Raises ConfigError: one has no names or no usable interval, or tells something that is no signal here."""
    if not isinstance(sources, Sequence):
        raise ConfigError("signal_sources", f"a list of sources is wanted, not {kind_of(sources)}")
    return [_checked(source, f"signal_sources[{index}]", targets) for index, source in enumerate(sources)]


def _checked(source: SignalSource, document: str, targets: Collection[str]) -> Claim:
    if not callable(getattr(source, "read", None)):
        raise ConfigError("read", f"a SignalSource has a method of that name, {kind_of(source)} has none",
                          document=document)  # fmt: skip
    names, interval_s = getattr(source, "names", None), getattr(source, "interval_s", None)
    if isinstance(names, str) or not isinstance(names, Collection) or not names:
        raise ConfigError("names", "the names of the signals that it tells are wanted", document=document)
    if not all(isinstance(name, str) for name in names):
        raise ConfigError("names", "names of signals are text", document=document)
    check_names(list(names), document)
    for name in names:
        _check_target(name, targets, document)
    shortest_s = min(described.stale_after_s for name in names if (described := signal(name)) is not None)
    if isinstance(interval_s, bool) or not isinstance(interval_s, int | float) or not 0 < interval_s <= shortest_s:
        problem = f"a number of seconds is wanted, at most {shortest_s:g}: so long does a reading count"
        raise ConfigError("interval_s", problem, document=document)
    return Claim(source, tuple(names), float(interval_s))


def _check_target(name: str, targets: Collection[str], document: str) -> None:
    _, of_target, target = name.partition(".")
    if of_target and target not in targets:
        raise ConfigError(name, f"no such target{did_you_mean(target, targets)}", document=document)


class Reported:
    """What the app said of its own accord, for as long as it holds."""

    describe = REPORTED
    interval_s = 1.0
    """How soon what no longer holds is seen to be unknown."""

    def __init__(self, targets: Collection[str], clock: Callable[[], float]) -> None:
        self.demand = Demand()  # before the app has said anything there is nothing to read
        self._targets = targets
        self._clock = clock
        self._said: dict[str, tuple[Value | None, float]] = {}
        """By signal: the value, and until when it holds. Replaced, never changed: other threads read it."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._said)

    def say(self, values: Mapping[str, object], holds_s: float | None) -> None:
        """Take what the app says of some signals; all of it, or nothing. None: the app does not know any more.

        `holds_s`: for how long it is so, unless it says otherwise; None: for as long as a reading counts.
        Raises SignalError: for what is no signal here, or is nothing that the signal can be."""
        if holds_s is not None and (
            isinstance(holds_s, bool) or not isinstance(holds_s, int | float) or not 0 < holds_s <= LONGEST_S
        ):
            raise SignalError("holds_s", f"a number of seconds up to {LONGEST_S:g} is wanted")
        now = self._clock()
        said: dict[str, tuple[Value | None, float]] = {}
        for name, value in values.items():
            described = signal(name) if isinstance(name, str) else None
            if described is None:
                raise SignalError(str(name), f"no such signal{did_you_mean(str(name), SIGNALS)}")
            _, of_target, target = name.partition(".")
            if of_target and target not in self._targets:
                raise SignalError(name, f"no such target{did_you_mean(target, self._targets)}")
            readings, refused = take({name: value}, (name,), REPORTED, now)
            if refused:
                raise SignalError(name, f"{described.may_be} is wanted, or None where it is not known")
            said[name] = readings[name].value, now + (described.stale_after_s if holds_s is None else holds_s)
        self._said = {**self._said, **said}
        self.demand.at = math.inf

    @property
    def holds_until(self) -> float:
        """See Pushed."""
        now = self._clock()
        return min((until for _, until in self._said.values() if now <= until), default=math.inf)

    def read(self) -> Mapping[str, Value | None]:
        now = self._clock()
        return {name: value if now <= until else None for name, (value, until) in self._said.items()}
