"""Charge of the battery, and whether external power is connected. A machine without a battery knows neither."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from edge_agent.signals.psutil_door import psutil_function
from router.types import Value

__all__ = ["Battery", "BatteryState"]


class BatteryState(Protocol):
    """What psutil tells of a battery."""

    @property
    def percent(self) -> float: ...

    @property
    def power_plugged(self) -> bool | None: ...


class Battery:
    """psutil's battery; `sensor` stands in for `psutil.sensors_battery`."""

    names = ("battery_pct", "charging")
    describe = "psutil.sensors_battery"
    demand = None

    def __init__(self, *, interval_s: float = 30.0, sensor: Callable[[], BatteryState | None] | None = None) -> None:
        # A battery loses a percent in minutes at the fastest; half a minute is often enough.
        self.interval_s = interval_s
        self._sensor = sensor

    def read(self) -> Mapping[str, Value | None]:
        sensor = self._sensor or psutil_function("sensors_battery")
        state: BatteryState | None = sensor() if sensor is not None else None
        if state is None:
            return {}
        return {"battery_pct": state.percent, "charging": state.power_plugged}
