"""The sources of the machine that this runs on: psutil's wherever it runs, and the kernel's own files on Linux, which
tell more."""

from __future__ import annotations

import sys

from edge_agent.signals.battery import Battery
from edge_agent.signals.discharge import Discharge
from edge_agent.signals.link import Interfaces, Link
from edge_agent.signals.memory import Memory
from edge_agent.signals.pressure import Pressure
from edge_agent.signals.processor import Processor
from edge_agent.signals.source import Source
from edge_agent.signals.temperature import Temperature
from edge_agent.signals.throttling import Throttling

__all__ = ["machine_sources"]


def machine_sources(
    *,
    battery_s: float = 30.0,
    processor_s: float = 1.0,
    memory_s: float = 3.0,
    temperature_s: float = 3.0,
    link_s: float = 1.0,
    platform: str = sys.platform,
) -> list[Source]:
    """Return them all, each with the interval at which it is read."""
    everywhere: list[Source] = [
        Battery(interval_s=battery_s),
        Processor(interval_s=processor_s),
        Memory(interval_s=memory_s),
        Temperature(interval_s=temperature_s),
    ]
    if platform not in ("linux", "android"):
        return [*everywhere, Interfaces(interval_s=link_s)]
    return [
        *everywhere,
        Discharge(interval_s=battery_s),
        Throttling(interval_s=temperature_s),
        Pressure(interval_s=memory_s),
        Link(interval_s=link_s),
    ]
