"""What a model's runs draw, from what the whole device was seen to draw. Pure.

Nobody meters one process on a phone; the battery tells what everything takes together, every half minute or so. Between
two such readings the model ran for some share of the time: the slope of power over that share is what running adds, and
what the screen and the rest take is in the constant. Told only when the slope stands well above its own error."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["DevicePower"]

_KEEP: Final = 1 - 1 / 100  # of readings: some hours of what the device is used for
_ENOUGH: Final = 12.0
_STANDS_OUT: Final = 3.0  # times its standard error
_HAIR: Final = 0.1
# A reading long after the last tells of an instant that the share in between says little of.
_WINDOW_S: Final = (1.0, 300.0)


class DevicePower:
    """One device's, over all its models. Holds no clock."""

    __slots__ = ("_at", "_busy_s", "_n", "_x", "_xx", "_xy", "_y", "_yy", "watts")

    def __init__(self) -> None:
        self._at: float | None = None
        self._busy_s = 0.0
        self._n = self._x = self._y = self._xx = self._xy = self._yy = 0.0
        self.watts: float | None = None
        """What running draws beyond what the device draws anyway; None where that is not known."""

    def ran(self, seconds: float) -> None:
        """A run took so long."""
        self._busy_s += seconds

    def read(self, watts: float | None, at: float) -> None:
        """The whole device draws `watts`; None: it cannot tell, or is being charged."""
        began, self._at = self._at, at if watts is not None else None
        busy_s, self._busy_s = self._busy_s, 0.0
        if began is None or watts is None or not _WINDOW_S[0] <= at - began <= _WINDOW_S[1]:
            return
        share = min(1.0, busy_s / (at - began))
        self._n = self._n * _KEEP + 1
        self._x = self._x * _KEEP + share
        self._y = self._y * _KEEP + watts
        self._xx = self._xx * _KEEP + share * share
        self._xy = self._xy * _KEEP + share * watts
        self._yy = self._yy * _KEEP + watts * watts
        told = self._slope()
        if told is None or self.watts is None or abs(told - self.watts) > _HAIR * self.watts:
            self.watts = told

    def knows(self, at: float) -> bool:
        """Tell whether the reading of this instant was heard."""
        return self._at is not None and at <= self._at

    def _slope(self) -> float | None:
        n = self._n
        if n < _ENOUGH:
            return None
        across = self._xx - self._x * self._x / n
        along = self._xy - self._x * self._y / n
        if across <= 1e-9 or along <= 0:
            return None
        slope = along / across
        left = max(0.0, self._yy - self._y * self._y / n - slope * along)
        error = math.sqrt(left / (n - 2) / across)
        return slope if slope > _STANDS_OUT * error else None
