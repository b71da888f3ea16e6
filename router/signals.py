"""The signals: everything that can be read of the device and its links, and what each may credibly say. Pure.

One table for the agent that measures, the rules that compare and the reference that is written from it. What is
declared here is what a value is held against: its kind, its range, how fast it can change. A value that the signal
cannot have is refused where it is read; how a doubtful change is confirmed is edge_agent/signals/doubt.py's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeGuard

__all__ = ["LINKS", "SIGNALS", "Signal", "signal"]

LINKS: Final = ("ethernet", "wifi", "cellular", "none")
"""How the device reaches the rest of the world; "none": not at all."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What can be read.

    `low` and `high` bound a number; `one_of` are the values of a text. A reading counts for `stale_after_s`."""

    name: str
    holds: Literal["number", "flag", "text"]
    unit: str
    low: float
    high: float
    stale_after_s: float
    about: str
    step: float = 0.0
    """By so much a number may change at once ..."""
    rate_per_s: float = math.inf
    """... and by so much more with each second since it was last told. A faster change is doubted until it is told
    again and again. Infinite: this may be anything at any time."""
    settles_s: float = 0.0
    """A flag or a text that changes is believed once it has been told for so long."""
    must_vary: bool = False
    """Whether a sensor that works tells a new value within an hour, whatever the device does."""
    per_target: bool = False
    """Whether NAME.TARGET is the signal of one remote target; NAME alone is that of the first one configured."""
    one_of: tuple[str, ...] = ()

    @property
    def may_be(self) -> str:
        """What its values are, in words."""
        if self.holds == "text":
            return f"one of {', '.join(self.one_of)}"
        return f"a number from {self.low:g} to {self.high:g}" if self.holds == "number" else "true or false"

    def can_be(self, value: object) -> TypeGuard[float | bool | str]:
        """Whether it can have this value. A flag is no number, though Python's arithmetic takes it for one."""
        if isinstance(value, bool):
            return self.holds == "flag"
        if isinstance(value, str):
            return self.holds == "text" and value in self.one_of
        # NaN is in no range, infinity in none of these.
        return self.holds == "number" and isinstance(value, int | float) and self.low <= value <= self.high


# Stale after: some five times the sampling interval of the agent, so that one late sample does not blind a rule.
#
# Rates: what physics or the sensor's own filter forbids, with room. A gauge of charge steps by a percent or two when it
# is calibrated anew, and no charger fills a battery in less than a quarter of an hour; a processor's die warms by tens
# of degrees in a second, and not by a hundred; the kernel's average over ten seconds follows within them. Loads,
# powers, times and paces may be anything from one moment to the next, and say so.
#
# Settling: a plug with a loose contact, and a governor at its limit, toggle faster than anybody should act on.
#
# Must vary: counters of ticks and bytes, and sensors of heat and current finer than what they measure is steady. Not a
# charge, which a resting phone keeps for an hour, nor what is counted of the agent's own work.
SIGNALS: Final[Mapping[str, Signal]] = {
    s.name: s
    for s in (
        Signal("battery_pct", "number", "%", 0, 100, 150, "charge left in the battery", step=2, rate_per_s=0.1),
        Signal("charging", "flag", "", 0, 1, 150, "whether external power is connected", settles_s=5),
        Signal("discharge_w", "number", "W", 0, 1000, 150, "power drawn from the battery", must_vary=True),
        Signal("cpu_load", "number", "share", 0, 1, 5, "share of all cores that was busy", must_vary=True),
        Signal("cpu_own", "number", "share", 0, 1, 5, "share of all cores that this process took"),
        Signal("cpu_others", "number", "share", 0, 1, 5, "share of all cores that everybody else took"),
        Signal("memory_free_mb", "number", "MB", 0, 1e9, 15, "memory that can be had without swapping", must_vary=True),
        Signal(
            "memory_pressure",
            "number",
            "share",
            0,
            1,
            15,
            "share of the last ten seconds in which work waited for memory",
            step=0.25,
            rate_per_s=0.1,
        ),
        Signal(
            "temperature_c",
            "number",
            "°C",
            -60,
            200,
            15,
            "hottest sensor of the processor",
            step=30,
            rate_per_s=10,
            must_vary=True,
        ),
        Signal("throttled", "flag", "", 0, 1, 15, "whether heat slows the processor down", settles_s=5),
        Signal("link", "text", "", 0, 0, 15, "how the device reaches the rest of the world", one_of=LINKS),
        Signal("metered", "flag", "", 0, 1, 60, "whether the link costs by the byte"),
        Signal("radio_idle_s", "number", "s", 0, 1e9, 5, "time since this agent last sent or received anything"),
        Signal(
            "rtt_ms",
            "number",
            "ms",
            0,
            600_000,
            15,
            "round trip to the remote target's own endpoint",
            must_vary=True,
            per_target=True,
        ),
        Signal(
            "up_mbps",
            "number",
            "Mbit/s",
            0,
            1e6,
            60,
            "pace at which requests went to the remote target lately",
            per_target=True,
        ),
        Signal(
            "down_mbps",
            "number",
            "Mbit/s",
            0,
            1e6,
            60,
            "pace at which answers came from the remote target lately",
            per_target=True,
        ),
        Signal(
            "queue_ms",
            "number",
            "ms",
            0,
            3_600_000,
            5,
            "how long calls wait at the remote target, as it says itself",
            per_target=True,
        ),
        Signal("device_queue", "number", "runs", 0, 1e6, 5, "requests that wait for a run on the device"),
    )
}


def signal(name: str) -> Signal | None:
    """Return the signal called `name`; of one that there is for each remote target, NAME.TARGET is another name."""
    known = SIGNALS.get(name)
    if known is None and "." in name:
        known = SIGNALS.get(name.partition(".")[0])
        return known if known is not None and known.per_target else None
    return known
