"""Whether heat slows the processor down, as Linux tells it: by the processor's own count of such times, and by what the
kernel has it cooled with. macOS and Windows tell it to their own programs only; there it is unknown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge_agent.signals.kernel_files import folders, number_in, text_in
from router.types import Value

__all__ = ["Throttling"]

# What cools by making the processor slower; a fan does not.
_SLOWING: Final = ("processor", "cpufreq", "thermal-cpufreq", "intel_powerclamp")
_COUNTERS: Final = ("core_throttle_count", "package_throttle_count")
# Every core of a package counts what slows the package: some of them say it all, and hundreds would be dear to read.
_MOST_CORES: Final = 8
# Drivers and cores come and go, seldom: some minutes at the usual interval.
_LOOK_AGAIN: Final = 100


class Throttling:
    """Files under /sys; `root` stands in for it."""

    names = ("throttled",)
    demand = None

    def __init__(self, *, interval_s: float = 3.0, root: Path = Path("/sys")) -> None:
        self.interval_s = interval_s
        self.describe = f"{root}/class/thermal, {root}/devices/system/cpu/*/thermal_throttle"
        self._root = root
        self._reads = 0
        self._coolers: list[Path] = []
        self._counters: list[Path] = []
        self._counted: dict[Path, int] = {}

    def read(self) -> Mapping[str, Value | None]:
        if self._reads % _LOOK_AGAIN == 0:
            self._look()
        self._reads += 1
        states = [number_in(cooler / "cur_state") for cooler in self._coolers]
        counted = {file: count for file in self._counters if (count := number_in(file)) is not None}
        before, self._counted = self._counted, counted
        told = [state > 0 for state in states if state is not None]
        # A count alone says nothing: what is compared is there from the second reading on.
        told += [count > before[file] for file, count in counted.items() if file in before]
        return {"throttled": any(told) if told else None}

    def _look(self) -> None:
        coolers = folders(self._root / "class/thermal", "cooling_device")
        self._coolers = [cooler for cooler in coolers if _slows(cooler)]
        cores = folders(self._root / "devices/system/cpu", "cpu")
        found = [core / "thermal_throttle" / name for core in cores for name in _COUNTERS]
        self._counters = [file for file in found if number_in(file) is not None][: _MOST_CORES * len(_COUNTERS)]


def _slows(cooler: Path) -> bool:
    return (text_in(cooler / "type") or "").lower().startswith(_SLOWING)
