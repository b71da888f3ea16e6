"""The radio of one link, used for a request whatever comes of that: what it takes, and for how long. Pure."""

from __future__ import annotations

import math
from typing import Final

from router.simulate.curve import Curve
from router.simulate.radio import RadioModel

__all__ = ["NEVER", "Use"]

NEVER: Final = -math.inf
"""When a radio was last used that never was."""


class Use:
    """Calls that come to nothing, audits, or a wake: none brings an answer, and each leaves the radio awake."""

    __slots__ = ("_least_wake_j", "_lowest", "_radio", "_start", "used_until")

    def __init__(
        self, radio: RadioModel, lowest: Curve, start: float, *, wake_factor: float, used_until: float
    ) -> None:
        """`lowest` is the radio's wake-up where it is never less for being idle longer, `wake_factor` the least that
        chance makes of it. `start`: before it the radio cannot be used for the request, `used_until`: nor after it."""
        self._radio = radio
        self._lowest = lowest
        self._start = start
        self._least_wake_j = lowest.at(math.inf) * wake_factor * radio.wake_w
        self.used_until = used_until

    @property
    def pays(self) -> bool:
        """Whether any request to come may gain from it: by not having to wake the radio, or where its tail draws more
        than its use."""
        return self._lowest.at(math.inf) > 0 or self._radio.tail_w > self._radio.connected_w

    def joules(self, used_at: float) -> float:
        """Return what it takes at the least, where the radio was last used at `used_at`."""
        idle_s = max(0.0, self._start - used_at)
        tail_s = 0.0 if used_at == NEVER else min(idle_s, self._radio.tail_s)
        wakes = used_at < self._start and idle_s >= self._lowest.level_from
        return tail_s * self._radio.tail_w + (self._least_wake_j if wakes else 0.0)
