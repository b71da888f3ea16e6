"""Temperature of the processor's hottest sensor. psutil knows them on Linux and FreeBSD; elsewhere it is unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from edge_agent.signals.psutil_door import psutil_function
from router.types import Value

__all__ = ["Temperature", "TemperatureSensor"]

# Drivers of processors by how their names begin: Intel, AMD, and the thermal zones of ARM boards. Not among them:
# "acpitz", the board's own zone, which on many machines is a constant; disks, radios and graphics cards.
PROCESSORS: Final = ("coretemp", "k10temp", "k8temp", "zenpower", "x86_pkg_temp", "cpu", "soc", "bigcore", "littlecore")

# Below: zero is what a sensor without a probe says. Above: the processor would have switched itself off.
COLDEST_C: Final = -40.0
HOTTEST_C: Final = 125.0


class TemperatureSensor(Protocol):
    """What psutil tells of one sensor."""

    @property
    def current(self) -> float | None: ...


class Temperature:
    """psutil's sensors; `sensors` stands in for `psutil.sensors_temperatures`."""

    names = ("temperature_c",)
    describe = "psutil.sensors_temperatures"
    demand = None

    def __init__(
        self,
        *,
        interval_s: float = 3.0,
        sensors: Callable[[], Mapping[str, Sequence[TemperatureSensor]]] | None = None,
    ) -> None:
        self.interval_s = interval_s
        self._sensors = sensors

    def read(self) -> Mapping[str, Value | None]:
        sensors = self._sensors or psutil_function("sensors_temperatures")
        if sensors is None:
            return {}
        credible = [
            sensor.current
            for driver, entries in sensors().items()
            if driver.lower().startswith(PROCESSORS)
            for sensor in entries
            if sensor.current is not None and COLDEST_C <= sensor.current < HOTTEST_C and sensor.current != 0
        ]
        return {"temperature_c": max(credible, default=None)}
