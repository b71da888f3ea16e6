"""How often something is so, lately."""

from __future__ import annotations

import math

from router.estimates.settings import EstimateSettings

__all__ = ["Share"]


class Share:
    """A fading share of yes among yes and no: of failures, of escalations. None before there was anything.

    With a share that is `believed`, the first answers are weighed against it as if half of the memory had told it: one
    yes of one must not pass for "always", which would have a target left alone that then could not show otherwise."""

    __slots__ = ("_believed", "_keep", "_last_at", "_settings", "_total", "_yes")

    def __init__(self, settings: EstimateSettings, *, believed: float | None = None) -> None:
        self._settings = settings
        self._believed = believed
        self._keep = 1.0 - 1.0 / max(2, settings.memory_samples)
        self._last_at = -math.inf
        self._clear()

    def _clear(self) -> None:
        self._total = 0.0 if self._believed is None else self._settings.memory_samples / 2
        self._yes = self._total * (self._believed or 0.0)

    @property
    def settled(self) -> bool:
        """Whether another no would change next to nothing: there was no yes lately, and many a no."""
        return self._yes == 0.0 and self._total * (1.0 - self._keep) > 0.99

    def touch(self, now: float) -> None:
        """Learn a no that changes nothing, because it is `settled`."""
        self._last_at = now

    def observe(self, yes: bool, now: float) -> None:
        """Learn one outcome."""
        if now - self._last_at > self._settings.forget_after_s:
            self._clear()
        self._yes = self._yes * self._keep + yes
        self._total = self._total * self._keep + 1.0
        self._last_at = now

    @property
    def forgotten_at(self) -> float:
        """The instant after which nothing is known."""
        return self._last_at + self._settings.forget_after_s

    def value(self, now: float) -> float | None:
        """Return the share, or None where nothing recent is known."""
        if now - self._last_at > self._settings.forget_after_s:
            return None
        return self._yes / self._total
