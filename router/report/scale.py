"""From a quantity to a place on an axis, and the round numbers that stand beside it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from router.values import value

__all__ = ["Scale", "linear", "logarithmic", "nearby"]

_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@value
class Scale:
    """`low` stands at 0 and `high` at 1."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def at(self, quantity: float) -> float:
        """Return where it stands: beyond 0 and 1 for what is beyond the ends."""
        if self.log:
            quantity = math.log(max(quantity, 1e-12))
            return (quantity - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (quantity - self.low) / (self.high - self.low)


def nearby(step: float) -> float:
    """Return the round number at or above a positive one."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(power * one for one in _ROUND if power * one >= step * (1 - 1e-9))


def linear(quantities: Iterable[float], *, ticks: int = 5, from_zero: bool = False) -> Scale:
    """Return a scale that holds all quantities, with a little room at its ends, and some `ticks` round numbers."""
    known = [quantity for quantity in quantities if math.isfinite(quantity)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(1.0, abs(high)):
        high = low + (abs(low) * 0.2 if abs(low) > 1e-6 else 1.0)
    room = (high - low) * 0.04
    bottom = low if from_zero and low == 0.0 else low - room
    bottom = max(0.0, bottom) if low >= 0 else bottom
    top = high + room
    step = nearby((top - bottom) / ticks)
    first = math.ceil(bottom / step - 1e-9)
    last = math.floor(top / step + 1e-9)
    return Scale(bottom, top, tuple(round(number * step, 12) for number in range(first, last + 1)))


def logarithmic(quantities: Iterable[float]) -> Scale:
    """Return such a scale on which equal factors are equally far; for what is above 0."""
    known = [quantity for quantity in quantities if 0 < quantity < math.inf]
    low, high = min(known, default=1.0), max(known, default=10.0)
    low, high = low / 1.15, max(high * 1.15, low * 2)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 10) if len(powers) > 3 else (1, 2, 5)
    ticks = sorted({10.0**power * step for power in powers for step in steps})
    return Scale(low, high, tuple(tick for tick in ticks if low <= tick <= high), log=True)
