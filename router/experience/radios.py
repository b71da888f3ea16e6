"""The radios of the device: when each was last used, and how long it takes to wake. Pure.

They belong to the device and not to a target: whichever call comes after a silence pays for it, and whichever comes
next finds the radio awake."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from router.estimates import Wakes, next_silence_s, silence
from router.types import Radio, Reading

__all__ = ["UNKNOWN", "Radios", "link_kind"]

UNKNOWN: Final = "unknown"
_SLEEPLESS: Final = "ethernet"
_KINDS: Final = frozenset({_SLEEPLESS, "wifi", "cellular"})


def link_kind(readings: Mapping[str, Reading], stale_after_s: float, now: float) -> str:
    """Return what the device's link is, or UNKNOWN."""
    reading = readings.get("link")
    if reading is None or now - reading.at > stale_after_s or reading.value not in _KINDS:
        return UNKNOWN
    return str(reading.value)


class Radios:
    """One agent's. Holds no clock."""

    __slots__ = ("_used_at", "_wakes")

    def __init__(self) -> None:
        self._used_at: dict[str, float] = {}
        self._wakes: dict[str, Wakes] = {}

    def used(self, kind: str, now: float) -> None:
        """Remote traffic went over it."""
        self._used_at[kind] = max(now, self._used_at.get(kind, -math.inf))

    def used_at(self, kind: str) -> float | None:
        """Return when that was last, or None."""
        return self._used_at.get(kind)

    def silence(self, kind: str, now: float) -> int:
        """Return how long it was silent: see estimates.silence. One that was never used is fast asleep."""
        if kind == _SLEEPLESS:
            return 0
        used_at = self._used_at.get(kind)
        return silence(kind, math.inf if used_at is None else now - used_at)

    def next_silence_at(self, kind: str, now: float) -> float:
        """Return an instant before which `silence` is what it is now, unless the radio is used."""
        used_at = self._used_at.get(kind)
        if kind == _SLEEPLESS or used_at is None:
            return math.inf
        # One step towards the past: the sum is rounded, and so is the difference that tells silences apart.
        return math.nextafter(used_at + next_silence_s(kind, now - used_at), -math.inf)

    def sleeps(self, kind: str) -> bool:
        """Tell whether a radio of this kind can sleep at all."""
        return kind != _SLEEPLESS

    def wakes(self, kind: str) -> Wakes:
        """Return what is known of its wake-ups."""
        known = self._wakes.get(kind)
        if known is None:
            known = self._wakes[kind] = Wakes(kind)
        return known

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of which something was learnt, or may have been."""
        return tuple(self._wakes)

    def seen(self, kind: str, gaps_s: tuple[float, ...]) -> Radio:
        """Return the radio as a decision sees it."""
        wakes = () if kind == _SLEEPLESS else self.wakes(kind).after
        return Radio(None if kind == UNKNOWN else kind, self._used_at.get(kind), gaps_s, wakes)
