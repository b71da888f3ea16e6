"""What goes wrong with a target, and when: windows of time, replayed whatever is decided. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from router.simulate.chance import Keyed

__all__ = ["SOUND", "Fault", "Faults", "Trouble"]


@dataclass(frozen=True, slots=True)
class Fault:
    """See the scenario document's faults. In force from `start` until `end`."""

    start: float
    end: float
    black_hole: bool = False
    """What is sent there is never answered."""
    error_share: float = 0.0
    code: str = "UNAVAILABLE"
    slow: float = 1.0
    """Its models take so many times longer."""
    pushback_s: float | None = None
    """With the errors: when to come again; None says nothing, infinity not again."""
    delay_s: float = 0.0
    """More round trip."""
    every_s: float = math.inf
    """It comes again after so long, counted from start to start."""

    @property
    def downs(self) -> bool:
        """Whether it is the whole server that is down."""
        return self.error_share == 1 and self.code == "UNAVAILABLE" and self.pushback_s is None

    def active(self, now: float) -> bool:
        """Tell whether it is in force at `now`."""
        return now >= self.start and self._since(now) < self.end - self.start

    def changes_after(self, now: float) -> float:
        """Return the next instant at which it begins or ends; infinity where there is none."""
        if now < self.start:
            return self.start
        lasts_s, since_s = self.end - self.start, self._since(now)
        # From the distance, not from the clock: what is left of a period must not be lost to rounding.
        return now + (lasts_s - since_s if since_s < lasts_s else self.every_s - since_s)

    def later(self, by_s: float) -> Fault | None:
        """Return the fault as it is seen `by_s` later; None where it is over by then."""
        if self.every_s == math.inf and self.end <= by_s:
            return None
        rounds = (
            0.0 if self.every_s == math.inf else max(0, math.floor((by_s - self.start) / self.every_s)) * self.every_s
        )
        return replace(self, start=self.start + rounds - by_s, end=self.end + rounds - by_s)

    def _since(self, now: float) -> float:
        return now - self.start if self.every_s == math.inf else (now - self.start) % self.every_s


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong at one moment: the faults then in force, put together."""

    black_hole: bool = False
    failing: tuple[Fault, ...] = ()
    slow: float = 1.0
    delay_s: float = 0.0
    down: bool = False
    """Nobody is there who would take a connection: every call is UNAVAILABLE, and none is told when to come again."""


SOUND = Trouble()


class Faults:
    """One target's faults, looked up in time that does not go back."""

    __slots__ = ("_chance", "_faults", "_holds_until", "_now")

    def __init__(self, faults: Sequence[Fault], chance: Keyed) -> None:
        self._faults = tuple(faults)
        self._chance = chance
        self._now = SOUND
        self._holds_until = -math.inf

    def at(self, now: float) -> Trouble:
        """Return what is wrong at `now`."""
        if now >= self._holds_until:
            active = [fault for fault in self._faults if fault.active(now)]
            self._holds_until = min((fault.changes_after(now) for fault in self._faults), default=math.inf)
            self._now = SOUND
            if active:
                self._now = Trouble(
                    any(fault.black_hole for fault in active),
                    tuple(fault for fault in active if fault.error_share > 0),
                    math.prod(fault.slow for fault in active),
                    sum(fault.delay_s for fault in active),
                    any(fault.downs for fault in active),
                )
        return self._now

    def strikes(self, trouble: Trouble, key: int) -> Fault | None:
        """Draw whether the call with this key fails by it, and by which fault."""
        for number, fault in enumerate(trouble.failing):
            if self._chance.uniform(key + (number << 60)) < fault.error_share:
                return fault
        return None
