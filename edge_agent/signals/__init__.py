"""What the device knows of itself, measured in the background: battery, load, memory, temperature, round trips.

A request reads one immutable snapshot and never a sensor. A signal that cannot be told is unknown, never a friendly
default. This folder is the only place that imports psutil."""

from __future__ import annotations

from edge_agent.signals.battery import Battery
from edge_agent.signals.machine import machine_sources
from edge_agent.signals.memory import Memory
from edge_agent.signals.processor import Processor
from edge_agent.signals.sampler import Sampler
from edge_agent.signals.scripted import Scripted
from edge_agent.signals.source import Demand, Source
from edge_agent.signals.status import SignalStatus, SourceHealth
from edge_agent.signals.temperature import Temperature

__all__ = [
    "Battery",
    "Demand",
    "Memory",
    "Processor",
    "Sampler",
    "Scripted",
    "SignalStatus",
    "Source",
    "SourceHealth",
    "Temperature",
    "machine_sources",
]
