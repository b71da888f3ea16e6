"""Memory that can be had without swapping, of the whole machine: a container's own limit is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from edge_agent.signals.psutil_door import psutil_function
from router.types import Value

__all__ = ["Memory", "MemoryState"]


class MemoryState(Protocol):
    """What psutil tells of the memory."""

    @property
    def available(self) -> int: ...


class Memory:
    """psutil's memory in use; `sensor` stands in for `psutil.virtual_memory`."""

    names = ("memory_free_mb",)
    describe = "psutil.virtual_memory"
    demand = None

    def __init__(self, *, interval_s: float = 3.0, sensor: Callable[[], MemoryState] | None = None) -> None:
        self.interval_s = interval_s
        self._sensor = sensor

    def read(self) -> Mapping[str, Value | None]:
        sensor = self._sensor or psutil_function("virtual_memory")
        return {"memory_free_mb": sensor().available / 1e6} if sensor is not None else {}
