"""A radio that falls asleep when it is not used: how long it takes to wake, and what it draws. Pure.

The power model is that of Huang et al. (2012): power while sending or receiving is a base plus so much for each Mbit/s;
after the last exchange the radio stays up for its tail, at the tail's power, and then sleeps. What a sleeping radio
draws belongs to the phone, not to any request. Joules are above that."""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.simulate.chance import Keyed
from router.simulate.curve import Curve

__all__ = ["Radio", "RadioModel"]


@dataclass(frozen=True, slots=True)
class RadioModel:
    """See the catalogue's radio documents."""

    kind: str
    """What the operating system calls such a link: wifi, cellular, ethernet."""
    metered: bool
    wake_s: Curve
    """Seconds since the last use -> median seconds that the next exchange waits for the radio."""
    wake_spread: float
    """Standard deviation of the wake-up's logarithm."""
    wake_w: float
    tail_s: float
    tail_w: float
    connected_w: float
    """While an exchange is under way, whatever its pace."""
    up_w_per_mbps: float
    down_w_per_mbps: float


class Radio:
    """One radio's state: when it was last used, and until when its power is paid for."""

    __slots__ = ("_awake_from", "_chance", "_last_used", "_paid_until", "model")

    def __init__(self, model: RadioModel, chance: Keyed) -> None:
        self.model = model
        self._chance = chance
        self._last_used = -math.inf
        self._awake_from = -math.inf
        self._paid_until = -math.inf

    def idle_s(self, now: float) -> float:
        """Return the seconds since the radio was last used; infinity where it never was."""
        return max(0.0, now - self._last_used)

    def wake(self, now: float, key: int) -> tuple[float, float]:
        """Use the radio from `now` on. Return when it is awake, and the joules of its tail till now and of waking.

        `key` is the request's, whose chance it is."""
        if now < self._awake_from:
            return self._awake_from, 0.0
        idle_s = self.idle_s(now)
        model = self.model
        wake_s = model.wake_s.at(idle_s)
        if wake_s > 0 and model.wake_spread > 0:
            wake_s *= math.exp(model.wake_spread * self._chance.normal(key))
        self._awake_from = now + wake_s
        joules = self.tail_j(now) + wake_s * model.wake_w
        self._last_used = self._paid_until = max(self._paid_until, self._awake_from)
        return self._awake_from, joules

    def moved_j(self, up_bytes: float, down_bytes: float) -> float:
        """Return the joules that sending and receiving so much add to the connection's own."""
        return (self.model.up_w_per_mbps * up_bytes + self.model.down_w_per_mbps * down_bytes) * 8e-6

    def used_until(self, end: float) -> float:
        """Note that an exchange lasted until `end`. Return the joules of the connection not yet paid for."""
        joules = 0.0
        if end > self._paid_until:
            joules = (end - max(self._paid_until, self._awake_from)) * self.model.connected_w
            self._paid_until = end
        self._last_used = max(self._last_used, end)
        return joules

    def tail_j(self, now: float) -> float:
        """Return the joules of the tail from the last use until `now`."""
        if self._last_used == -math.inf:
            return 0.0
        return min(self.idle_s(now), self.model.tail_s) * self.model.tail_w
