"""What a device is connected with: two directions of capacity, a round trip, and the radio behind it. Pure.

Each direction carries one transfer after the other, in the order in which they were ready. The round trip is the way
to the network's edge and back; a server adds its own distance."""

from __future__ import annotations

import math
from dataclasses import dataclass

from router.simulate.capacity import Capacity
from router.simulate.chance import Keyed
from router.simulate.curve import Steps
from router.simulate.radio import Radio, RadioModel

__all__ = ["Link", "LinkModel"]


@dataclass(frozen=True, slots=True)
class LinkModel:
    """See the scenario document's links."""

    name: str
    up: Capacity
    down: Capacity
    rtt_s: Steps
    jitter: float
    """Standard deviation of a round trip's logarithm."""
    radio: RadioModel


class Link:
    """A link in use: who has its directions, and its radio."""

    __slots__ = ("_chance", "_down_behind", "_up_behind", "model", "radio")

    def __init__(self, model: LinkModel, seed: int) -> None:
        self.model = model
        self.radio = Radio(model.radio, Keyed(seed, f"radio/{model.name}"))
        self._chance = Keyed(seed, f"round trip/{model.name}")
        self._up_behind = self._down_behind = 0.0

    def upload(self, start: float, size_bytes: float) -> float:
        """Return when a message that is ready at `start` has left the device; infinity: never."""
        end, self._up_behind = self.model.up.carry(start, size_bytes, self._up_behind)
        return end

    def download(self, start: float, size_bytes: float) -> float:
        """Return when an answer that has reached the network at `start` is on the device; infinity: never."""
        end, self._down_behind = self.model.down.carry(start, size_bytes, self._down_behind)
        return end

    def round_trip_s(self, now: float, key: int) -> float:
        """Return how long a round trip to the network's edge takes now, of a radio that is awake."""
        rtt_s = self.model.rtt_s.at(now)
        return rtt_s * math.exp(self.model.jitter * self._chance.normal(key)) if self.model.jitter else rtt_s
