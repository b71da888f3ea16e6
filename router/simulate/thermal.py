"""The temperature of a device: one body that power heats and air cools, and a die that is hotter while it works. Pure.

    capacity · dT/dt = power − (T − ambient) / resistance

The die follows its power in seconds, which is taken as at once: die = T + die resistance · power of the processor."""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.simulate.curve import Curve

__all__ = ["Body", "ThermalModel"]


@dataclass(frozen=True, slots=True)
class ThermalModel:
    """See the catalogue's device documents."""

    resistance_c_per_w: float
    capacity_j_per_c: float
    die_c_per_w: float
    slowdown: Curve
    """Die's temperature -> how many times longer a run takes."""


class Body:
    """One device's temperature."""

    __slots__ = ("_model", "die_c", "skin_c")

    def __init__(self, model: ThermalModel, start_c: float) -> None:
        self._model = model
        self.skin_c = self.die_c = start_c

    def advance(self, seconds: float, power_w: float, processor_w: float, ambient_c: float) -> None:
        """Let so much time pass at constant power; exact for any length."""
        model = self._model
        rests_at = ambient_c + power_w * model.resistance_c_per_w
        decay = math.exp(-seconds / (model.resistance_c_per_w * model.capacity_j_per_c))
        self.skin_c = rests_at + (self.skin_c - rests_at) * decay
        self.die_c = self.skin_c + model.die_c_per_w * processor_w

    def slowdown(self) -> float:
        """Return how many times longer a run takes than on a cool device."""
        return self._model.slowdown.at(self.die_c)
