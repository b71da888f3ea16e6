"""How fast a network carries bytes one way, lately."""

from __future__ import annotations

from typing import Final

from router.estimates.recency import Recency
from router.estimates.settings import EstimateSettings

__all__ = ["Throughput"]

_HAIR: Final = 0.1


class Throughput:
    """Bytes a second: the harmonic mean of recent transfers large enough to tell.

    A transfer's time is what its call took beyond the round trip; small ones are all round trip and teach nothing. The
    pace that is told stays until what is known differs from it by a hair: what moves by less need not have everything
    predicted and weighed again."""

    # Below this the transfer fits the initial congestion window of ten segments and takes one round trip.
    MEASURABLE_BYTES: Final = 16_384

    __slots__ = ("_keep", "_pace", "_recency", "_settings", "_told")

    def __init__(self, settings: EstimateSettings) -> None:
        self._settings = settings
        self._keep = 1.0 - 1.0 / max(2, settings.memory_samples)
        self._pace = self._told = 0.0
        self._recency = Recency()

    def observe(self, size_bytes: int, taken_s: float, now: float) -> bool:
        """Learn that `size_bytes` took `taken_s` to cross. Returns whether another pace is told by now."""
        if size_bytes < self.MEASURABLE_BYTES or not taken_s > 0:
            return False
        pace = taken_s / size_bytes
        forgotten = self._recency.seen(now)
        self._pace = pace if forgotten or not self._pace else self._pace * self._keep + pace * (1 - self._keep)
        if not forgotten and abs(self._pace - self._told) <= _HAIR * self._told:
            return False
        self._told = self._pace
        return True

    def look(self, size_bytes: int, now: float) -> bool:
        """Look at it for a transfer that may not be made: where those that would tell are not made for long, because
        the pace looks bad, it is forgotten. Returns whether it is from now on."""
        if size_bytes >= self.MEASURABLE_BYTES and self._pace:
            return self._recency.look(now, self._settings.forget_after_s)
        return False

    def asked(self) -> None:
        """A transfer is under way."""
        self._recency.asked()

    def changes_at(self, now: float) -> float:
        """Return when time alone makes it forgotten; inf where it does not."""
        return self._recency.changes_at(now, self._settings.forget_after_s)

    @property
    def seconds_per_byte(self) -> float | None:
        """The pace, or None where no transfer told, or it is forgotten."""
        return None if not self._told or self._recency.forgotten else self._told

    def age_s(self, now: float) -> float:
        """Return how long ago a transfer told."""
        return self._recency.age_s(now)

    def merge(self, pace: float, seen_at: float) -> None:
        """Take over what another one knows; the mean of both where both know."""
        self._pace = self._told = (self._pace + pace) / 2 if self._pace else pace
        self._recency.restore(seen_at)
