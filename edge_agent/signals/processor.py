"""Share of all cores that was busy since the last reading, and how much of it was this process's own. The first reading
has nothing to compare with: unknown.

Works on psutil.cpu_times rather than cpu_percent, which remembers its last reading by calling thread: asked for from
another thread, the next one would be a "first" again, and 0.0."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
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
    own_s: float


class Processor:
    """psutil's processor times; `sensor` stands in for `psutil.cpu_times`, `own` for what this process has used.

    A model in a process of its own (`device.process`) is everybody else."""

    names = ("cpu_load", "cpu_own", "cpu_others")
    describe = "psutil.cpu_times, time.process_time"
    demand = None

    def __init__(
        self,
        *,
        interval_s: float = 1.0,
        sensor: Callable[[], CpuTimes] | None = None,
        own: Callable[[], float] = time.process_time,
    ) -> None:
        self.interval_s = interval_s
        self._sensor = sensor
        self._own = own
        self._before: _Spent | None = None
        self._shares: Mapping[str, float] = _UNKNOWN

    def read(self) -> Mapping[str, Value | None]:
        sensor = self._sensor or psutil_function("cpu_times")
        if sensor is None:
            return {}
        spent = _spent(sensor(), self._own())
        before = self._before
        if before is None or spent.total_s < before.total_s:  # the counters ran backwards: a restored virtual machine
            self._before, self._shares = spent, _UNKNOWN
        elif spent.total_s - before.total_s >= SHORTEST_S:
            passed_s = spent.total_s - before.total_s
            # Ticks are rounded one by one, so the parts may exceed the whole by one of them.
            load = _share(spent.busy_s - before.busy_s, passed_s)
            own = min(load, _share(spent.own_s - before.own_s, passed_s))
            self._before, self._shares = spent, {"cpu_load": load, "cpu_own": own, "cpu_others": load - own}
        return self._shares


_UNKNOWN: Final[Mapping[str, float]] = MappingProxyType({})


def _share(part_s: float, whole_s: float) -> float:
    return min(1.0, max(0.0, part_s / whole_s))


def _spent(times: CpuTimes, own_s: float) -> _Spent:
    # Linux counts the time of guests also under "user" and "nice", and waiting for a disk apart from "idle".
    guests_s: float = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    total_s = sum(times) - guests_s
    waiting_s: float = getattr(times, "iowait", 0.0)
    return _Spent(total_s - times.idle - waiting_s, total_s, own_s)
