"""How much energy a call takes, in joules: by a profile of the device and its radio, or as it was measured. Pure.

    device:  P_cpu · t
    remote:  (P_connected + P_moved · pace) · t  +  P_tail · min(idle, T_tail)  +  E_wake if it was asleep

after Huang et al. (2012): an exchange draws a base while it lasts and so much more for each bit; when it is over the
radio stays up for its tail. A call that comes within the tail of an earlier one only prolongs it by the time between
them, which is why the tail is paid by how long the radio had been idle. Nothing here knows what the rest of the phone
draws: these are the joules that a call adds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["Basis", "EnergyTerms", "RadioPower", "device_j", "extra_j", "remote_j"]

Basis = Literal["measured", "profile"]
"""Where a number of joules is from."""


@dataclass(frozen=True, slots=True)
class RadioPower:
    """What one kind of link draws. See document.RadioPart."""

    connected_w: float
    up_w_per_mbps: float
    down_w_per_mbps: float
    tail_s: float
    tail_w: float
    wake_j: float

    def asleep(self, idle_s: float) -> bool:
        """Tell whether a radio that was last used `idle_s` ago has gone to sleep, if it is one that does."""
        return idle_s >= self.tail_s


# A link that is none of the kinds that a profile knows, such as no link at all: nothing is known of what it draws.
_NOTHING: Final = RadioPower(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class EnergyTerms:
    """See document.EnergyPart: a profile, with what the policy says otherwise."""

    profile: str
    cpu_w: float
    assumed_link: str
    links: Mapping[str, RadioPower]

    def power_of(self, link: str | None) -> RadioPower:
        """Return what the link draws that requests go over; None: nobody knows which one that is."""
        return self.links.get(self.assumed_link if link is None else link, _NOTHING)


def device_j(terms: EnergyTerms, seconds: float, measured_w: float | None) -> float:
    """Return the joules of a device run. `measured_w` is what runs were seen to draw; None: by the profile."""
    return (terms.cpu_w if measured_w is None else measured_w) * seconds


def extra_j(radio: RadioPower, upload_bytes: int, download_bytes: int, idle_s: float) -> float:
    """Return what a call takes beside the power that is drawn while it is under way.

    `idle_s` is how long the radio was not used before; infinity where it never was."""
    tail_j = radio.tail_w * min(idle_s, radio.tail_s)
    wake_j = radio.wake_j if radio.asleep(idle_s) else 0.0
    # A watt for each Mbit/s is a joule for each Mbit, at whatever pace.
    moved_j = (radio.up_w_per_mbps * upload_bytes + radio.down_w_per_mbps * download_bytes) * 8e-6
    return moved_j + tail_j + wake_j


def remote_j(
    radio: RadioPower, seconds: float, upload_bytes: int, download_bytes: int, idle_s: float = math.inf
) -> float:
    """Return the joules of a call that was under way for `seconds`."""
    return radio.connected_w * seconds + extra_j(radio, upload_bytes, download_bytes, idle_s)
