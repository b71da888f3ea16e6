"""What is known of one model on one target."""

from __future__ import annotations

import math

from router.advice import Advice
from router.estimates import EstimateSettings, Ratios, Share

__all__ = ["Book"]


class Book:
    """See the module."""

    __slots__ = ("_blind_ratios", "absent_until", "advice", "failures", "ratios")

    def __init__(self, settings: EstimateSettings) -> None:
        self.ratios = Ratios(settings)
        self._blind_ratios = Ratios(settings)
        self.failures = Share(settings, believed=0.0)
        self.absent_until = -math.inf
        """Until then the target is taken at its word that it does not have the model."""
        self.advice = Advice()

    def ratios_where(self, measured: bool) -> Ratios:
        """Return the ratios to predictions that stand, or do not, on a measured round trip: two different measures."""
        return self.ratios if measured else self._blind_ratios

    def changes_at(self) -> tuple[float, ...]:
        """Return the instants at which time alone changes what is known."""
        forgotten = (self.ratios.forgotten_at, self._blind_ratios.forgotten_at, self.failures.forgotten_at)
        return (*forgotten, self.absent_until, *self.advice.changes_at())
