"""A remote target asked over one link, at its best: when its answer is there, and what the radio takes. Pure."""

from __future__ import annotations

import math
from typing import Final

from router.simulate.curve import Curve
from router.simulate.link import LinkModel
from router.simulate.workload import Arrival

__all__ = ["Way"]

_NEVER: Final = -math.inf
# What only wakes the radio has a chance of its own: no better, and no worse, than one in a thousand has.
_EXTREME: Final = 3.0
# A deliberate wake is a round trip.
_PROBE_S: Final = 1.0


class Way:
    """A remote target asked over one link, from the first moment on at which it can be."""

    __slots__ = (
        "_at",
        "_back_s",
        "_download_bytes",
        "_link",
        "_lowest",
        "_lucky_s",
        "_upload_bytes",
        "_wake_factor",
        "megabytes",
        "moved_j",
        "p_wrong",
        "sleeps",
        "start",
        "usd",
        "used_until",
    )

    def __init__(
        self,
        arrival: Arrival,
        link: LinkModel,
        lowest: Curve,
        start: float,
        *,
        back_s: float,
        wake_factor: float,
        usd: float,
        p_wrong: float,
    ) -> None:
        """`lowest` is the radio's wake-up where it is never less for being idle longer. `back_s`: from the last byte up
        to the first byte down."""
        radio = link.radio
        self._at = arrival.at
        self._link = link
        self._lowest = lowest
        self._back_s = back_s
        self._wake_factor = wake_factor
        self._upload_bytes, self._download_bytes = arrival.upload_bytes, arrival.download_bytes
        spread = math.exp(_EXTREME * radio.wake_spread)
        self._lucky_s = lowest.at(math.inf) / spread
        self.start = start
        self.usd = usd
        self.p_wrong = p_wrong
        self.megabytes = (arrival.upload_bytes + arrival.download_bytes) / 1e6
        self.moved_j = (
            radio.up_w_per_mbps * arrival.upload_bytes + radio.down_w_per_mbps * arrival.download_bytes
        ) * 8e-6
        self.sleeps = lowest.at(math.inf) > 0
        wakes_s = radio.wake_s.bounds()[1] * spread + _PROBE_S if self.sleeps else 0.0
        self.used_until = arrival.at + max(arrival.deadline_s, wakes_s)
        """The latest at which the radio may have been used for this request."""

    def ends(self, start: float) -> float:
        """Return when the answer is there of a call whose radio is awake at `start`."""
        sent_at, _ = self._link.up.carry(start, self._upload_bytes, 0.0)
        if sent_at == math.inf:
            return math.inf
        ended_at, _ = self._link.down.carry(sent_at + self._back_s, self._download_bytes, 0.0)
        return ended_at

    def asked(self, used_at: float) -> tuple[float, float]:
        """Return when the answer is there, and the joules for it, where the radio was last used at `used_at`."""
        radio = self._link.radio
        idle_s = max(0.0, self.start - used_at)
        wake_s = self._lowest.at(idle_s) * self._wake_factor
        awake_at = self.start + wake_s
        ends = self.ends(awake_at)
        connected_s = max(0.0, ends - max(awake_at, used_at))
        tail_s = 0.0 if used_at == _NEVER else min(idle_s, radio.tail_s)
        joules = tail_s * radio.tail_w + wake_s * radio.wake_w + connected_s * radio.connected_w + self.moved_j
        return ends, joules

    def wakes_for_j(self, used_at: float) -> float:
        """Return the joules of only waking the radio."""
        radio = self._link.radio
        idle_s = max(0.0, self._at - used_at)
        tail_s = 0.0 if used_at == _NEVER else min(idle_s, radio.tail_s)
        wake_s = self._lucky_s if idle_s >= self._lowest.level_from else 0.0
        return tail_s * radio.tail_w + wake_s * radio.wake_w
