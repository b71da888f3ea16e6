"""One call to a remote target, from the radio's waking to the answer. Pure.

    begun ──upload, half a round trip──► at the server ──queue, run──► served ──half a round trip, download──► done

A refusal takes the way back as an answer does. A server that is down refuses the connection: that takes a round trip,
and nothing is sent. Into a black hole nothing ever comes of it. Where the device goes over to another network, or to
none, what was under way is lost at that moment, as a connection is."""

from __future__ import annotations

import math
from typing import Final, Protocol

from router.simulate.connections import Connections
from router.simulate.job import Job
from router.simulate.link import Link
from router.simulate.server import Refusal, Server

__all__ = ["Call", "Pays"]


class Pays(Protocol):
    """Whoever pays for the radio."""

    def pay(self, joules: float) -> None:
        """Note what a call drew."""
        ...


_NO_NETWORK_S: Final = 0.001
"""Measured: a connection that the system refuses fails after a millisecond."""
_NOBODY_THERE: Final = Refusal("UNAVAILABLE", "nobody takes connections there")
_UNDERWAY, _AT_SERVER, _DROPPED, _RUNNING, _COMING_BACK = range(5)


class Call(Job):
    """See the module. Times are seconds of the parts that it is made of, as far as it got."""

    __slots__ = (
        "_arrived_at",
        "_breaks_at",
        "_due_at",
        "_link",
        "_pays",
        "_phase",
        "_refusal",
        "_server",
        "connect_s",
        "download_bytes",
        "download_s",
        "idle_s",
        "key",
        "pushback_s",
        "queue_s",
        "reached",
        "round_trip_s",
        "run_s",
        "sent_bytes",
        "service_s",
        "told_queue_s",
        "told_stay_local_s",
        "unsent",
        "until",
        "upload_bytes",
        "upload_s",
        "wake_s",
    )

    def __init__(
        self,
        target: str,
        server: Server,
        service_s: float,
        up: int,
        down: int,
        now: float,
        key: int,
        *,
        link: Link | None,
        connections: Connections,
        breaks_at: float,
        until: float,
        pays: Pays,
    ) -> None:
        """Begin a call now. `service_s` is what the model takes there on a server of speed 1; what chance does to it is
        drawn by `key`. `until` is the deadline that the server is told, `breaks_at` when the link goes out of use."""
        super().__init__(target, now)
        self._link = link
        self._server = server
        self._pays = pays
        self._phase = _UNDERWAY
        self._refusal: Refusal | None = None
        self._arrived_at = now
        self._breaks_at = breaks_at
        self._due_at = math.inf
        self.key = key
        self.service_s = service_s
        self.until = until
        self.upload_bytes, self.download_bytes = up, down
        self.sent_bytes = 0
        """Bytes that were handed to the network."""
        self.reached = False
        """Whether the server got it, or will, whoever still waits for it: only then it costs money."""
        self.unsent = False
        """Whether it has failed for want of a connection, so that its caller knows that nothing was sent."""
        self.idle_s = math.inf
        """For how long the radio had not been used before."""
        self.wake_s = self.connect_s = self.upload_s = self.round_trip_s = self.queue_s = self.run_s = (
            self.download_s
        ) = 0.0
        self.pushback_s = 0.0
        """When the server says to come again; infinity: not again."""
        self.told_queue_s: float | None = None
        """How long the server says that calls wait; None where it does not say."""
        self.told_stay_local_s = 0.0
        if link is None:
            self.next_at = self._due_at = now + _NO_NETWORK_S
            return
        radio = link.radio
        self.idle_s = radio.idle_s(now)
        awake_at, self.energy_j = radio.wake(now, key)
        self.wake_s = awake_at - now
        trouble = server.faults.at(now)
        self.round_trip_s = link.round_trip_s(now, key) + server.model.rtt_s + trouble.delay_s
        if trouble.down:
            connections.ended(server.model)
            self._phase, self._refusal = _COMING_BACK, _NOBODY_THERE
            self._put(awake_at + self.round_trip_s)
            return
        ready_at = awake_at
        if not trouble.black_hole:
            ready_at = connections.ready_at(server.model, awake_at, self.round_trip_s)
        self.connect_s = ready_at - awake_at
        sent_at = link.upload(ready_at, up)
        self.upload_s = sent_at - ready_at
        self._put(math.inf if trouble.black_hole else sent_at + self.round_trip_s / 2)

    def starts(self, at: float, ends: float) -> None:
        """The server begins with it at `at`, and will be done at `ends`."""
        self.queue_s = at - self._arrived_at
        self.run_s = ends - at
        self._phase = _RUNNING
        self._put(ends)

    def dropped(self) -> None:
        """The server will not run it, and it waits there no longer; its caller will find out at its deadline."""
        self._phase = _DROPPED

    def proceed(self, now: float) -> Job | None:
        """See Job."""
        if self.done or now < self.next_at:
            return None
        if now < self._due_at:
            return self._stop(now, "UNAVAILABLE", "the network changed")
        phase = self._phase
        if phase == _RUNNING:
            other = self._server.leave(now)
            self._server.served += 1
            self._come_back(now, self.download_bytes)
            return other
        if phase == _COMING_BACK:
            self._settle(now, self.sent_bytes, 0 if self._refusal else self.download_bytes)
            if self._refusal is None:
                self._end()
            else:
                self.unsent = not self.sent_bytes and self._refusal is _NOBODY_THERE
                self.pushback_s = self._refusal.pushback_s
                self._end(self._refusal.code, self._refusal.detail)
        elif self._link is None:
            self.unsent = True
            self._end("UNAVAILABLE", "no network")
        else:
            self._arrive(now)
        return None

    def cancel(self, now: float) -> Job | None:
        """See Job."""
        return None if self.done else self._stop(now, "CANCELLED", "")

    def _arrive(self, now: float) -> None:
        self._phase = _AT_SERVER
        self._arrived_at = now
        self.sent_bytes = self.upload_bytes
        if self._server.faults.at(now).down:  # since it was sent
            self._phase, self._refusal = _COMING_BACK, _NOBODY_THERE
            self._put(now + self.round_trip_s / 2)
            return
        self.reached = True
        self._put(math.inf)
        self._refusal = self._server.arrive(self, now)
        if self._refusal is not None:
            self._come_back(now, 0)

    def _come_back(self, now: float, size_bytes: int) -> None:
        assert self._link is not None
        self._phase = _COMING_BACK
        server = self._server
        if server.model.tells_load:
            self.told_queue_s = server.wait_s()
            self.told_stay_local_s = server.stay_local_s(now)
        reached_at = now + self.round_trip_s / 2
        ends_at = self._link.download(reached_at, size_bytes) if size_bytes else reached_at
        self.download_s = ends_at - reached_at
        self._put(ends_at)

    def _put(self, due_at: float) -> None:
        self._due_at = due_at
        self.next_at = due_at if due_at < self._breaks_at else self._breaks_at

    def _stop(self, now: float, failure: str, detail: str) -> Job | None:
        phase = self._phase
        if self._link is not None:
            if phase == _UNDERWAY and self._is_handed_over(now):
                self.sent_bytes = self.upload_bytes
                self.reached = self._due_at < self._breaks_at
            self._settle(now, self.sent_bytes, 0)
        self._end(failure, detail)
        if phase == _AT_SERVER:
            self._server.gone()
        return self._server.leave(now) if phase == _RUNNING else None

    def _settle(self, now: float, up: float, down: float) -> None:
        assert self._link is not None
        radio = self._link.radio
        self.energy_j += radio.used_until(now) + radio.moved_j(up, down)
        self._pays.pay(self.energy_j)

    def _is_handed_over(self, now: float) -> bool:
        """Tell whether the network was given it by then, and will carry it whoever still waits for it: what is written
        to a connection cannot be taken back. Before there is one, nothing is."""
        return self.connect_s == 0 or now >= self.started_at + self.wake_s + self.connect_s
