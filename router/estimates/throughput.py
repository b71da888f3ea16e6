"""How fast a network carries bytes, lately."""

from __future__ import annotations

import math
from typing import Final

from router.estimates.settings import EstimateSettings

__all__ = ["Throughput"]


class Throughput:
    """Bytes a second that the uplink carries: the harmonic mean of recent transfers large enough to tell.

    A transfer's time is what its call took beyond the round trip; small ones are all round trip and teach nothing."""

    # Below this the transfer fits the initial congestion window of ten segments and takes one round trip.
    MEASURABLE_BYTES: Final = 16_384

    __slots__ = ("_keep", "_last_at", "_seconds_per_byte", "_settings")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        self._keep = 1.0 - 1.0 / max(2, settings.memory_samples)
        self._seconds_per_byte = 0.0
        self._last_at = -math.inf

    def observe(self, sent_bytes: int, taken_s: float, now: float) -> None:
        """Learn that `sent_bytes` took `taken_s` to cross."""
        if sent_bytes < self.MEASURABLE_BYTES or not taken_s > 0:
            return
        pace = taken_s / sent_bytes
        known = self.seconds_per_byte(now)
        self._seconds_per_byte = pace if known is None else known * self._keep + pace * (1 - self._keep)
        self._last_at = now

    @property
    def forgotten_at(self) -> float:
        """The instant after which nothing is known."""
        return self._last_at + self._settings.forget_after_s

    def seconds_per_byte(self, now: float) -> float | None:
        """Return the pace, or None where no recent transfer told."""
        if now - self._last_at > self._settings.forget_after_s:
            return None
        return self._seconds_per_byte
