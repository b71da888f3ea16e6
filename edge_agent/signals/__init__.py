"""What the device knows of itself, measured in the background: battery, load, memory, heat, link, round trips.

A request reads one immutable snapshot and never a sensor. A signal that cannot be told is unknown, never a friendly
default. This folder is the only place that imports psutil."""

from __future__ import annotations

from edge_agent.signals.app import SignalSource
from edge_agent.signals.battery import Battery
from edge_agent.signals.discharge import Discharge
from edge_agent.signals.link import Interfaces, Link
from edge_agent.signals.machine import machine_sources
from edge_agent.signals.memory import Memory
from edge_agent.signals.pressure import Pressure
from edge_agent.signals.processor import Processor
from edge_agent.signals.sampler import Sampler
from edge_agent.signals.scripted import Scripted
from edge_agent.signals.source import Demand, Source
from edge_agent.signals.status import SignalStatus, SourceHealth
from edge_agent.signals.temperature import Temperature
from edge_agent.signals.throttling import Throttling

__all__ = [
    "Battery",
    "Demand",
    "Discharge",
    "Interfaces",
    "Link",
    "Memory",
    "Pressure",
    "Processor",
    "Sampler",
    "Scripted",
    "SignalSource",
    "SignalStatus",
    "Source",
    "SourceHealth",
    "Temperature",
    "Throttling",
    "machine_sources",
]
