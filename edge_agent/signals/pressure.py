"""Share of the last ten seconds in which some work waited for memory: pressure stall information, which Linux tells
since 4.20 where it was built with it. Elsewhere unknown; `memory_free_mb` is known everywhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from edge_agent.signals.kernel_files import text_in
from router.types import Value

__all__ = ["Pressure"]

_SOME: Final = re.compile(r"some avg10=(\d{1,3}\.\d{1,2}) ")


class Pressure:
    """The kernel's file; `file` stands in for it. Told of the whole machine, a container's own is not looked at."""

    names = ("memory_pressure",)
    demand = None

    def __init__(self, *, interval_s: float = 3.0, file: Path = Path("/proc/pressure/memory")) -> None:
        self.interval_s = interval_s
        self.describe = str(file)
        self._file = file

    def read(self) -> Mapping[str, Value | None]:
        told = _SOME.match(text_in(self._file) or "")
        return {"memory_pressure": None if told is None else float(told[1]) / 100}
