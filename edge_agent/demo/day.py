"""The day: what each phase is like. Values alone; play.py makes them happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_agent.testing.faults import Faults

__all__ = ["DAY", "DEADLINE_MS", "GOOD_NETWORK", "ORDINARY", "USUAL_BATTERY_PCT", "USUAL_CPU_LOAD", "Phase"]

# A person who waits for a camera's answer begins to notice at some 100 to 200 ms.
DEADLINE_MS: Final = 150.0

ORDINARY: Final = "internal"
"""The privacy label of a request that the cloud may see."""

USUAL_BATTERY_PCT: Final = 80.0
USUAL_CPU_LOAD: Final = 0.2

# A near data centre over Wi-Fi, and a crowded cell, whose round trip is longer than the deadline.
GOOD_NETWORK: Final = Faults(latency_s=0.003)
_SLOW_NETWORK: Final = Faults(latency_s=0.2, bandwidth_bytes_s=16_000)


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase. `network` None: there is none. Battery and load hold where they are scripted; it never charges."""

    name: str
    network: Faults | None = GOOD_NETWORK
    battery_pct: float = USUAL_BATTERY_PCT
    cpu_load: float = USUAL_CPU_LOAD
    label: str = ORDINARY
    sudden: bool = False
    """The network changes under the requests, and the agent has to find out; otherwise it has had time to."""
    depends_on_sensors: bool = False
    """What it is about is a reading of the device itself."""

    def in_words(self, *, scripted: bool) -> str:
        """Return what sets the phase apart; readings count only where they are `scripted`."""
        parts = [_network_in_words(self.network)]
        if self.sudden:
            parts.append("and nobody tells the agent")
        if scripted and self.battery_pct != USUAL_BATTERY_PCT:
            parts.append(f"battery at {self.battery_pct:.0f} %")
        if scripted and self.cpu_load != USUAL_CPU_LOAD:
            parts.append(f"load {self.cpu_load:.0%}")
        if self.depends_on_sensors and not scripted:
            parts.append("the rest depends on this machine")
        if self.label != ORDINARY:
            parts.append(f'label "{self.label}"')
        return ", ".join(parts)


DAY: Final = (
    Phase("good network"),
    Phase("battery low", battery_pct=12.0, depends_on_sensors=True),
    Phase("network slow", network=_SLOW_NETWORK, sudden=True),
    Phase("device busy", cpu_load=0.97, depends_on_sensors=True),
    Phase("cloud gone", network=None, sudden=True),
    # On a good network: that nothing is sent proves something only where it could be.
    Phase("secret", label="secret"),
    Phase("cloud back"),
)


def _network_in_words(network: Faults | None) -> str:
    if network is None:
        return "no network"
    words = f"{network.latency_s * 1000:.0f} ms each way"
    if network.bandwidth_bytes_s is not None:
        words += f" at {network.bandwidth_bytes_s / 1000:.0f} kB/s"
    return words
