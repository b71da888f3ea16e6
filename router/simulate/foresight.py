"""What each request of a scenario meets at best: how soon the device and every remote target could answer it. Pure.

Everything that chance does to a request is known here, because it is drawn by the request's number; what the world does
to it is taken at its best from its coming until its deadline. A device is cool, charged, and as little loaded as it
will be; a link carries nothing else, at its shortest round trip; a server is as little busy and as quick as it will be,
and nobody of ours waits there; a fault that a call may outlast is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from router.rules.policy import Policy
from router.simulate.chance import Keyed
from router.simulate.curve import Steps
from router.simulate.faults import Fault
from router.simulate.link import LinkModel
from router.simulate.server import ServerModel, behind_others_s
from router.simulate.way import Way
from router.simulate.workload import Arrival
from router.simulate.world import Setting, World
from router.types import DEVICE, Kind
from router.values import value

__all__ = ["Ahead", "Run", "foresee"]

# A call that finds no network fails after a millisecond, and has not used the radio.
_AT_ONCE_S: Final = 0.0015
_RADIO_STEP: Final = 1 / 48


@value
class Run:
    """A run on the device."""

    run_s: float
    joules: float
    p_wrong: float


@value
class Ahead:
    """One request, and what can come of it. `queues`: the device does one run after the other.

    `ways` are those that may bring an answer, `tries` one for each link that a call may go over, also one to a server
    that answers nobody."""

    at: float
    deadline: float
    next_at: float
    run: Run | None
    ways: tuple[Way, ...]
    tries: tuple[Way, ...]
    queues: bool
    tail_j: float
    """Of the link whose tail takes least."""
    forgets_after_s: float
    """After so long it makes no difference any more when the radio was used."""

    @property
    def used_step_s(self) -> float:
        """The steps in which it is followed when the radio was used."""
        return max(self.forgets_after_s, self.deadline - self.at) * _RADIO_STEP

    @property
    def next_comes_at_once(self) -> bool:
        return self.next_at - self.at <= _AT_ONCE_S

    @property
    def wakings(self) -> Iterator[Way]:
        """The tries that wake a radio, where it sleeps."""
        return (way for way in self.tries if way.sleeps)


def foresee(setting: Setting, policy: Policy, seed: int, attempts: int) -> Iterator[Ahead]:
    """Return what each request of the scenario meets, in the order in which they come."""
    ahead = _Foresight(setting, policy, seed, attempts)
    before: Arrival | None = None
    for number, arrival in enumerate(ahead.world.arrivals()):
        if before is not None:
            yield ahead.of(before, number, arrival.at)
        before = arrival
    if before is not None:
        yield ahead.of(before, number + 1, math.inf)


class _Foresight:
    def __init__(self, setting: Setting, policy: Policy, seed: int, attempts: int) -> None:
        self.world = World(setting, seed)
        self._setting = setting
        self._policy = policy
        self._attempts = attempts
        self._runs = Keyed(seed, "device runs")
        self._services = {server.name: Keyed(seed, f"service/{server.name}") for server in setting.servers}
        links = {link.name: link for _, link in setting.connections if link is not None}
        self._wakes = {name: Keyed(seed, f"radio/{name}") for name in links}
        self._round_trips = {name: Keyed(seed, f"round trip/{name}") for name in links}
        self._lowest = {name: link.radio.wake_s.lowest() for name, link in links.items()}
        radios = [link.radio for link in links.values()]
        tail_s = max((radio.tail_s for radio in radios), default=0.0)
        self._tail_j = min((radio.tail_s * radio.tail_w for radio in radios), default=0.0)
        levels = [lowest.level_from for lowest in self._lowest.values()]
        self._forgets_after_s = max([tail_s, *levels])
        # A device at its coolest: no run is quicker.
        self._slowdown = setting.device.thermal.slowdown.lowest().at(-math.inf)

    def of(self, arrival: Arrival, number: int, next_at: float) -> Ahead:
        """Foresee one request, whose number counts from 1."""
        key = self.world.salt + number
        return Ahead(
            arrival.at,
            arrival.at + arrival.deadline_s,
            next_at,
            self._run(arrival, key),
            tuple(self._ways(arrival, key)),
            tuple(self._tries(arrival, key)),
            self._setting.device.runs_at_once == 1,
            self._tail_j,
            self._forgets_after_s,
        )

    def _run(self, arrival: Arrival, key: int) -> Run | None:
        run_s, device = self._setting.models[arrival.model].device_s, self._setting.device
        if run_s is None or not self._policy.permits(arrival.label, DEVICE, Kind.DEVICE):
            return None
        if device.spread:
            run_s *= math.exp(device.spread * self._runs.normal(key))
        load = _least(self._setting.outside.load, arrival.at, arrival.at + arrival.deadline_s)
        run_s *= self._slowdown / device.speed / (1 - device.contention * load)
        return Run(run_s, run_s * device.run_w, 1 - arrival.truth.p_right[DEVICE])

    def _ways(self, arrival: Arrival, key: int) -> Iterator[Way]:
        for server in self._servers(arrival):
            for link, start in self._links(arrival):
                starts = _sound_from(self._setting.faults.get(server.name, ()), start, arrival.at + arrival.deadline_s)
                if starts is not None:
                    yield self._way(arrival, key, server, link, starts)

    def _tries(self, arrival: Arrival, key: int) -> Iterator[Way]:
        # What waking the radio takes is the link's affair, whoever is called.
        for server in islice(self._servers(arrival), 1):
            for link, start in self._links(arrival):
                yield self._way(arrival, key, server, link, start)

    def _servers(self, arrival: Arrival) -> Iterator[ServerModel]:
        """Return the servers that have the model, and that the label permits."""
        served = self._setting.models[arrival.model].service_s
        for server in self._setting.servers:
            if server.name in served and self._policy.permits(arrival.label, server.name, server.kind):
                yield server

    def _links(self, arrival: Arrival) -> Iterator[tuple[LinkModel, float]]:
        connections, ends = self._setting.connections, arrival.at + arrival.deadline_s
        for index, (start, link) in enumerate(connections):
            until = connections[index + 1][0] if index + 1 < len(connections) else math.inf
            if link is not None and start <= ends and until > arrival.at:
                yield link, max(start, arrival.at)

    def _way(self, arrival: Arrival, key: int, server: ServerModel, link: LinkModel, start: float) -> Way:
        ends = arrival.at + arrival.deadline_s
        keys = [key + (again << 48) for again in range(self._attempts)]
        service_s = self._setting.models[arrival.model].service_s[server.name] / server.speed
        service_s *= _least_slow(self._setting.faults.get(server.name, ()), start, ends)
        busy, chance = _least(server.busy, start, ends), self._services[server.name]
        served_s = min(_served_s(server, service_s, busy, chance, each) for each in keys)
        jitter, trips = link.jitter, self._round_trips[link.name]
        round_trip_s = _least(link.rtt_s, start, ends) * _least_factor(jitter, trips.normal, keys)
        return Way(
            arrival,
            link,
            self._lowest[link.name],
            start,
            back_s=round_trip_s + server.rtt_s + served_s,
            wake_factor=_least_factor(link.radio.wake_spread, self._wakes[link.name].normal, keys),
            usd=server.usd_per_request,
            p_wrong=1 - arrival.truth.p_right[server.name],
        )


def _served_s(server: ServerModel, service_s: float, busy: float, chance: Keyed, key: int) -> float:
    if server.spread:
        service_s *= math.exp(server.spread * chance.normal(key))
    return service_s + (behind_others_s(server.workers, busy, service_s, chance, key) if busy > 0 else 0.0)


def _least_factor(spread: float, normal: Callable[[int], float], keys: Sequence[int]) -> float:
    return math.exp(spread * min(map(normal, keys))) if spread else 1.0


def _least(steps: Steps, start: float, end: float) -> float:
    """Return the least value from `start` to `end`."""
    least, until = steps.at(start), steps.holds_until(start)
    while until < end:
        least = min(least, steps.at(until))
        until = steps.holds_until(until)
    return least


def _sound_from(faults: Sequence[Fault], start: float, end: float) -> float | None:
    """Return the first moment from `start` to `end` at which a call may be answered; None where there is none."""
    while start < end:
        lost = [fault.end for fault in faults if fault.start <= start < fault.end and fault.black_hole]
        if not lost:
            return None if _fails_until(faults, start) >= end else start
        start = max(lost)
    return None


def _fails_until(faults: Sequence[Fault], start: float) -> float:
    """Return until when a server that is reached from `start` on fails every call."""
    until = start
    while lost := [fault.end for fault in faults if fault.start <= until < fault.end and fault.error_share >= 1]:
        until = max(lost)
    return until


def _least_slow(faults: Sequence[Fault], start: float, end: float) -> float:
    """Return by what factor a server is slow at the least, from `start` to `end`."""
    edges = [start, *(edge for fault in faults for edge in (fault.start, fault.end) if start < edge < end)]
    return min(math.prod(fault.slow for fault in faults if fault.start <= at < fault.end) for at in edges)
