"""The round trip to an endpoint and how far it strays, from one measurement after the other. Pure.

Smoothed as TCP smooths its own (RFC 6298): the mean moves by an eighth, the deviation by a quarter. What TCP need not
do is to believe a changed network soon: where two in a row lie far off to the same side, the mean goes there."""

from __future__ import annotations

from typing import Final

__all__ = ["RoundTrip", "around"]

_MEAN: Final = 1 / 8
_DEVIATION: Final = 1 / 4
# RFC 6298 holds an answer for lost beyond four deviations.
_OUTLIES: Final = 4.0
# A link that has answered alike for minutes has next to no deviation; a tenth more is not another network.
_LEAST: Final = 0.1
# What moves by less need not have everything predicted again.
_HAIR: Final = 0.05

# The normal distribution's quantiles in mean deviations from the middle: its standard deviation is 1.2533 of them.
_FAR: Final = 2.06
_NEAR: Final = 0.85
# No packet is back before it was sent; and what was never seen in less than half of the mean is rare.
_AT_LEAST: Final = 0.5

Times = tuple[float, float, float, float, float]


def around(mean_s: float, deviation_s: float) -> Times:
    """Return the times at types.QUANTILES of what strays from a mean by `deviation_s` in the mean."""
    floor_s = mean_s * _AT_LEAST
    low_s, lower_s = max(floor_s, mean_s - _FAR * deviation_s), max(floor_s, mean_s - _NEAR * deviation_s)
    return (low_s, lower_s, mean_s, mean_s + _NEAR * deviation_s, mean_s + _FAR * deviation_s)


class RoundTrip:
    """Seconds. Holds no clock."""

    __slots__ = ("_far", "deviation_s", "mean_s", "times_s")

    def __init__(self) -> None:
        self.mean_s: float | None = None
        self.deviation_s = 0.0
        self.times_s: Times | None = None
        """At types.QUANTILES: the same until it has changed by more than a hair; None before there was a measurement.
        The one in the middle is what to predict with."""
        self._far = 0

    def observe(self, round_trip_s: float) -> None:
        """Learn of one measurement."""
        if not round_trip_s > 0:
            return
        mean = self.mean_s
        if mean is None:
            self._begin(round_trip_s)
            return
        apart = round_trip_s - mean
        # As many times less is as far off as so many times more: no difference below the mean exceeds the mean.
        far = 1 + _OUTLIES * max(self.deviation_s / mean, _LEAST)
        if round_trip_s > mean * far or round_trip_s * far < mean:
            side = 1 if apart > 0 else -1
            if self._far == side:
                self._begin(round_trip_s)
                return
            # One alone is a hiccup: it must not make the next look near.
            self._far = side
        else:
            self._far = 0
            self.deviation_s += _DEVIATION * (abs(apart) - self.deviation_s)
        self.mean_s = mean = mean + _MEAN * apart
        told = self.times_s
        if told is None or abs(mean - told[2]) > _HAIR * told[2]:
            self.times_s = around(mean, self.deviation_s)

    def _begin(self, round_trip_s: float) -> None:
        self.mean_s = round_trip_s
        self.deviation_s = round_trip_s / 2
        self.times_s = around(round_trip_s, self.deviation_s)
        self._far = 0

    def restart(self) -> None:
        """Begin anew with the next measurement: the last is long ago."""
        self.mean_s = self.times_s = None

    def merge(self, mean_s: float, deviation_s: float) -> None:
        """Take over what another one knows; the mean of both where both know."""
        if self.mean_s is not None:
            mean_s, deviation_s = (self.mean_s + mean_s) / 2, (self.deviation_s + deviation_s) / 2
        self.mean_s, self.deviation_s = mean_s, deviation_s
        self.times_s = around(mean_s, deviation_s)
