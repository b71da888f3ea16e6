"""A remote target asked over one link, at its best: when its answer is there, and what the radio takes. Pure."""

from __future__ import annotations

import math

from router.simulate.curve import Curve
from router.simulate.link import LinkModel
from router.simulate.use import NEVER
from router.simulate.workload import Arrival

__all__ = ["Way"]


class Way:
    """A remote target asked over one link, from the first moment on at which it can be."""

    __slots__ = (
        "_back_s",
        "_download_bytes",
        "_least_s",
        "_link",
        "_lowest",
        "_radio_from",
        "_until",
        "_upload_bytes",
        "_wake_factor",
        "megabytes",
        "moved_j",
        "p_wrong",
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
        radio_from: float,
        until: float,
        back_s: float,
        wake_factor: float,
        usd: float,
        p_wrong: float,
        used_until: float,
    ) -> None:
        """`lowest` is the radio's wake-up where it is never less for being idle longer. `radio_from`: it may be woken
        by a call to somebody else, before `start`. `until`: the link is in use so long. `back_s`: from the last byte up
        to the first byte down. `used_until`: the radio is used no longer for this request."""
        radio = link.radio
        self._link = link
        self._lowest = lowest
        self._radio_from = radio_from
        self._until = until
        self._back_s = back_s
        self._wake_factor = wake_factor
        up, down = arrival.upload_bytes, arrival.download_bytes
        self._upload_bytes, self._download_bytes = up, down
        self.start = start
        self.usd = usd
        self.p_wrong = p_wrong
        self.megabytes = (up + down) / 1e6
        self.moved_j = (radio.up_w_per_mbps * up + radio.down_w_per_mbps * down) * 8e-6
        ends = min(until, arrival.at + arrival.deadline_s)
        self._least_s = link.up.least_s(up, start, ends) + back_s + link.down.least_s(down, start, ends)
        self.used_until = used_until

    def ends(self, start: float) -> float:
        """Return when the answer is there of a call whose radio is awake at `start`; infinity: never."""
        sent_at, _ = self._link.up.carry(start, self._upload_bytes, 0.0)
        if sent_at == math.inf:
            return math.inf
        ended_at, _ = self._link.down.carry(sent_at + self._back_s, self._download_bytes, 0.0)
        return ended_at if ended_at <= self._until else math.inf

    def asked(self, used_at: float) -> tuple[float, float]:
        """Return when the answer is there, and the joules for it, where the radio was last used at `used_at`."""
        radio = self._link.radio
        idle_s = max(0.0, self._radio_from - used_at)
        # While it is in use it is awake, or being woken by somebody else.
        wake_s = 0.0 if idle_s == 0 else self._lowest.at(idle_s) * self._wake_factor
        ends = self.ends(max(self.start, self._radio_from + wake_s))
        # Whoever calls later may be answered as soon, and pays for less of the wait.
        connected_s = max(0.0, min(self._least_s, ends - used_at))
        tail_s = 0.0 if used_at == NEVER else min(idle_s, radio.tail_s)
        joules = tail_s * radio.tail_w + wake_s * radio.wake_w + connected_s * radio.connected_w + self.moved_j
        return ends, joules
