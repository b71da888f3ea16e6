"""A recorded network, played on real connections: pace both ways, round trip, and a radio that falls asleep.

It takes a link as the simulator's scenario has it, and knows bytes only: what a call is, how often it goes back and
forth and how its bytes are framed is gRPC's and the agent's affair. That is what makes a back-test of it. Lives in the
event loop of an edge_agent.testing.FaultyLink; `begin` may be called from any thread."""

from __future__ import annotations

import asyncio
import math
import random
import time
from typing import Final

from edge_agent.testing.carry import Carrier
from router.simulate.link import LinkModel

__all__ = ["Air"]

# Pieces that come closer than this belong to one exchange, and share its round trip.
_EXCHANGE_S: Final = 0.02
# TCP's handshake, and its last word before the server sees the connection.
_HANDSHAKE_ROUND_TRIPS: Final = 1.5


class Air(Carrier):
    """One device's link."""

    def __init__(self, model: LinkModel, seed: int) -> None:
        super().__init__()
        self._model = model
        self._chance = random.Random(seed)
        self._began = time.monotonic()
        self._used_at = self._awake_from = self._moved_at = -math.inf
        self._factor = 1.0
        self._behind = {True: 0.0, False: 0.0}

    def begin(self, at: float) -> None:
        """Let the recording begin at `at`, by the monotonic clock, with the radio asleep."""
        self._began = at
        self._used_at = self._awake_from = -math.inf
        self._behind = {True: 0.0, False: 0.0}

    async def carry(
        self,
        up: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        down: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        """See Carrier. On loopback a connection is there at once; over the air it takes a while."""
        now = self._now()
        awake_at = self._wake(now)
        round_trip_s = self._round_trip_s(now)
        self._use(awake_at + round_trip_s)
        await asyncio.sleep(awake_at - now + _HANDSHAKE_ROUND_TRIPS * round_trip_s)
        await super().carry(up, down)

    def due(self, size_bytes: int, upward: bool) -> float:
        """See Carrier."""
        now = self._now()
        half_s = self._round_trip_s(now) / 2
        # Up: the radio sends it, and it travels; down: it travels, and the radio receives it.
        ready = self._wake(now) if upward else now + half_s
        capacity = self._model.up if upward else self._model.down
        through, self._behind[upward] = capacity.carry(ready, size_bytes, self._behind[upward])
        self._use(through)
        return self._began + through + (half_s if upward else 0.0)

    def _now(self) -> float:
        # Before the recording begins nothing ought to move; what does sees its first moment.
        return max(0.0, time.monotonic() - self._began)

    def _round_trip_s(self, now: float) -> float:
        if now - self._moved_at > _EXCHANGE_S:
            self._factor = math.exp(self._model.jitter * self._chance.gauss(0.0, 1.0))
        self._moved_at = now
        return self._model.rtt_s.at(now) * self._factor

    def _wake(self, now: float) -> float:
        """Return when the radio is awake, which it is from then on."""
        if now >= self._awake_from:
            radio = self._model.radio
            wake_s = radio.wake_s.at(max(0.0, now - self._used_at))
            self._awake_from = now + wake_s * math.exp(radio.wake_spread * self._chance.gauss(0.0, 1.0))
            self._use(self._awake_from)
        return max(now, self._awake_from)

    def _use(self, until: float) -> None:
        if until < math.inf:
            self._used_at = max(self._used_at, until)
