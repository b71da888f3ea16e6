"""The sources of the machine that this runs on."""

from __future__ import annotations

from edge_agent.signals.battery import Battery
from edge_agent.signals.memory import Memory
from edge_agent.signals.processor import Processor
from edge_agent.signals.source import Source
from edge_agent.signals.temperature import Temperature

__all__ = ["machine_sources"]


def machine_sources(
    *, battery_s: float = 30.0, processor_s: float = 1.0, memory_s: float = 3.0, temperature_s: float = 3.0
) -> list[Source]:
    """Return them all, each with the interval at which it is read."""
    return [
        Battery(interval_s=battery_s),
        Processor(interval_s=processor_s),
        Memory(interval_s=memory_s),
        Temperature(interval_s=temperature_s),
    ]
