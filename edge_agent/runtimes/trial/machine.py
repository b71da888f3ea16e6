"""What this machine is, as far as a model's answers and a driver's faults depend on it.

State folders are copied: with a backup to a new device, or with an image to a whole fleet. What was found out elsewhere
says nothing here."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Final

__all__ = ["describe"]

_CPUINFO: Final = Path("/proc/cpuinfo")
# x86 has the first one; Arm tells its kind by the other two. int8 kernels are chosen by what these can do.
_TELLING: Final = ("model name", "CPU implementer", "CPU part")


def describe(cpuinfo: Path = _CPUINFO) -> str:
    """Return the operating system and its version, with which drivers come, and the processor; the same each time."""
    return f"{platform.system()} {platform.release()} {platform.machine()} {_processor(cpuinfo)}".strip()


def _processor(cpuinfo: Path) -> str:
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        return platform.processor()  # Windows and macOS tell more here than Linux does
    told = {value.strip() for name, _, value in (line.partition(":") for line in lines) if name.strip() in _TELLING}
    return ", ".join(sorted(told))[:200]  # a phone has cores of several kinds
