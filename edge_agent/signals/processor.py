"""Share of all cores that was busy since the last reading. The first reading has nothing to compare with: unknown.

Works on psutil.cpu_times rather than cpu_percent, which remembers its last reading by calling thread: asked for from
another thread, the next one would be a "first" again, and 0.0."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from edge_agent.signals.psutil_door import psutil_function
from router.types import Value

__all__ = ["CpuTimes", "Processor"]

# The kernel counts in ticks of 10 ms (15.6 on Windows): over a shorter time a share would be mostly rounding.
SHORTEST_S: Final = 0.1


class CpuTimes(Protocol):
    """What psutil tells: seconds over all cores since the start, by what they were spent on. A tuple of its fields."""

    @property
    def idle(self) -> float: ...

    def __iter__(self) -> Iterator[float]: ...


class _Spent(NamedTuple):
    busy_s: float
    total_s: float


class Processor:
    """psutil's processor times; `sensor` stands in for `psutil.cpu_times`."""

    names = ("cpu_load",)
    describe = "psutil.cpu_times"
    demand = None

    def __init__(self, *, interval_s: float = 1.0, sensor: Callable[[], CpuTimes] | None = None) -> None:
        self.interval_s = interval_s
        self._sensor = sensor
        self._before: _Spent | None = None
        self._load: float | None = None

    def read(self) -> Mapping[str, Value | None]:
        sensor = self._sensor or psutil_function("cpu_times")
        if sensor is None:
            return {}
        spent = _spent(sensor())
        before = self._before
        if before is None or spent.total_s < before.total_s:  # the counters ran backwards: a restored virtual machine
            self._before, self._load = spent, None
        elif spent.total_s - before.total_s >= SHORTEST_S:
            # Ticks are rounded one by one, so the parts may exceed the whole by one of them.
            share = (spent.busy_s - before.busy_s) / (spent.total_s - before.total_s)
            self._before, self._load = spent, min(1.0, max(0.0, share))
        return {"cpu_load": self._load}


def _spent(times: CpuTimes) -> _Spent:
    # Linux counts the time of guests also under "user" and "nice", and waiting for a disk apart from "idle".
    guests_s: float = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    total_s = sum(times) - guests_s
    waiting_s: float = getattr(times, "iowait", 0.0)
    return _Spent(total_s - times.idle - waiting_s, total_s)
