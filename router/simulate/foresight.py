"""What each request of a scenario meets at best: how soon the device and every remote target could answer it. Pure.

Everything that chance does to a request is known here, because it is drawn by the request's number; what the world does
to it is taken at its best from its coming until its deadline. A device is cool, charged, and as little loaded as it
will be; a link carries nothing else, at its shortest round trip; a server is as little busy and as quick as it will be,
and nobody of ours waits there; a fault that a call may outlast is none."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from router.rules.policy import Policy
from router.simulate.chance import Keyed
from router.simulate.errands import AUDIT_S, AUDITS, WAKE_S
from router.simulate.link import LinkModel
from router.simulate.outage import least_delay_s, least_slow, may_be_unavailable, sound_from
from router.simulate.server import ServerModel, behind_others_s
from router.simulate.use import Use
from router.simulate.way import Way
from router.simulate.workload import Arrival
from router.simulate.world import Setting, World
from router.types import DEVICE, Kind
from router.values import value

__all__ = ["ROUNDING_S", "Ahead", "Run", "foresee"]

ROUNDING_S: Final = 1e-6
"""What is late by less, or breaks off so much too early, may be so by the rounding of sums alone."""
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

    `ways` are those that may bring an answer, `uses` one for each link that a call may go over, also one to a server
    that answers nobody."""

    at: float
    deadline: float
    next_at: float
    run: Run | None
    ways: tuple[Way, ...]
    uses: tuple[Use, ...]
    queues: bool
    tail_j: float
    """Of the link whose tail takes least."""
    forgets_after_s: float
    """After so long it makes no difference any more when the radio was used."""
    goes_at_once_s: float
    """So long calls take at most, one after the other, that find no network and use no radio."""

    @property
    def used_step_s(self) -> float:
        """The steps in which it is followed when the radio was used."""
        return max(self.forgets_after_s, self.deadline - self.at) * _RADIO_STEP

    @property
    def next_comes_at_once(self) -> bool:
        return 0.0 < self.goes_at_once_s >= self.next_at - self.at

    @property
    def wakings(self) -> Iterator[Use]:
        """The uses that a request to come may gain from."""
        return (use for use in self.uses if use.pays)


def foresee(setting: Setting, policies: Sequence[Policy], seed: int) -> Iterator[Ahead]:
    """Return what each request of the scenario meets, in the order in which they come, under whichever of the policies
    allows it most."""
    arrivals = list(World(setting, seed).arrivals())
    ahead = _Foresight(setting, policies, seed, len(arrivals))
    for number, arrival in enumerate(arrivals, start=1):
        yield ahead.of(arrival, number, arrivals[number].at if number < len(arrivals) else math.inf)


class _Foresight:
    def __init__(self, setting: Setting, policies: Sequence[Policy], seed: int, requests: int) -> None:
        self._setting = setting
        self._policies = policies
        self._attempts = max(policy.retry.attempts for policy in policies)
        self._audits = any(policy.promise is not None and policy.promise.audit > 0 for policy in policies)
        self._wakes = any(policy.radio.wake for policy in policies)
        self._salt = World(setting, seed).salt
        self._runs = Keyed(seed, "device runs")
        self._services = {server.name: Keyed(seed, f"service/{server.name}") for server in setting.servers}
        links = {link.name: link for _, link in setting.connections if link is not None}
        self._wakings = {name: Keyed(seed, f"radio/{name}").normal for name in links}
        self._round_trips = {name: Keyed(seed, f"round trip/{name}").normal for name in links}
        self._lowest = {name: link.radio.wake_s.lowest() for name, link in links.items()}
        # A wake is no request's, and of any number up to theirs.
        probes = range(1, 1 + requests) if self._wakes else ()
        self._probes = {
            name: _extremes(link.radio.wake_spread, self._wakings[name], [self._salt - number for number in probes])
            for name, link in links.items()
        }
        radios = [link.radio for link in links.values()]
        tail_s = max((radio.tail_s for radio in radios), default=0.0)
        self._tail_j = min((radio.tail_s * radio.tail_w for radio in radios), default=0.0)
        levels = [lowest.level_from for lowest in self._lowest.values()]
        self._forgets_after_s = max([tail_s, *levels])
        # A device at its coolest: no run is quicker.
        self._slowdown = setting.device.thermal.slowdown.lowest().at(-math.inf)

    def of(self, arrival: Arrival, number: int, next_at: float) -> Ahead:
        """Foresee one request, whose number counts from 1."""
        key = self._salt + number
        links = list(self._links(arrival))
        servers = list(self._servers(arrival))
        uses = {link.name: self._use(arrival, key, link, start) for link, start, _ in reversed(links)}
        return Ahead(
            arrival.at,
            arrival.at + arrival.deadline_s,
            next_at,
            self._run(arrival, key),
            tuple(self._ways(arrival, key, servers, links, uses)),
            tuple(uses.values()) if servers else (),
            self._setting.device.runs_at_once == 1,
            self._tail_j,
            self._forgets_after_s,
            _AT_ONCE_S * len(servers),
        )

    def _permits(self, arrival: Arrival, name: str, kind: Kind) -> bool:
        return any(policy.permits(arrival.label, name, kind) for policy in self._policies)

    def _run(self, arrival: Arrival, key: int) -> Run | None:
        run_s, device = self._setting.models[arrival.model].device_s, self._setting.device
        if run_s is None or not self._permits(arrival, DEVICE, Kind.DEVICE):
            return None
        if device.spread:
            run_s *= math.exp(device.spread * self._runs.normal(key))
        load = self._setting.outside.load.least(arrival.at, arrival.at + arrival.deadline_s)
        run_s *= self._slowdown / device.speed / (1 - device.contention * load)
        return Run(run_s, run_s * device.run_w, 1 - arrival.truth.p_right[DEVICE])

    def _servers(self, arrival: Arrival) -> Iterator[ServerModel]:
        """Return the servers that have the model, and that the label permits."""
        served = self._setting.models[arrival.model].service_s
        for server in self._setting.servers:
            if server.name in served and self._permits(arrival, server.name, server.kind):
                yield server

    def _links(self, arrival: Arrival) -> Iterator[tuple[LinkModel, float, float]]:
        """Return each link that is in use before the deadline, from when on, and until when."""
        connections, ends = self._setting.connections, arrival.at + arrival.deadline_s
        for index in range(self._connection(arrival.at), len(connections)):
            start, link = connections[index]
            if start > ends:
                return
            until = connections[index + 1][0] if index + 1 < len(connections) else math.inf
            if link is not None:
                yield link, max(start, arrival.at), until

    def _connection(self, at: float) -> int:
        return max(0, bisect_right(self._setting.connections, at, key=_from_when) - 1)

    def _ways(
        self,
        arrival: Arrival,
        key: int,
        servers: Sequence[ServerModel],
        links: Sequence[tuple[LinkModel, float, float]],
        uses: Mapping[str, Use],
    ) -> Iterator[Way]:
        ends = arrival.at + arrival.deadline_s
        breaks = any(start > arrival.at or until < ends for _, start, until in links)
        for server in servers:
            faults = self._setting.faults.get(server.name, ())
            # A second call is another chance, and is made only where the first may find nobody there.
            again = breaks or may_be_unavailable(faults, arrival.at, ends)
            keys = [key + (nth << 48) for nth in range(self._attempts if again else 1)]
            for link, start, until in links:
                sound = sound_from(faults, start, ends)
                if sound is not None:
                    yield Way(
                        arrival,
                        link,
                        self._lowest[link.name],
                        sound,
                        radio_from=start,
                        until=until + ROUNDING_S,
                        back_s=self._back_s(arrival, keys, server, link, sound),
                        wake_factor=_extremes(link.radio.wake_spread, self._wakings[link.name], keys)[0],
                        usd=server.usd_per_request,
                        p_wrong=1 - arrival.truth.p_right[server.name],
                        # Where there are two links, the other's radio may have been used for longer.
                        used_until=uses[link.name].used_until if len(links) > 1 else ends,
                    )

    def _back_s(
        self, arrival: Arrival, keys: Sequence[int], server: ServerModel, link: LinkModel, start: float
    ) -> float:
        """Return what it takes at the least from the last byte up to the first byte down."""
        ends, faults = arrival.at + arrival.deadline_s, self._setting.faults.get(server.name, ())
        service_s = self._setting.models[arrival.model].service_s[server.name] / server.speed
        service_s *= least_slow(faults, start, ends)
        busy, chance = server.busy.least(start, ends), self._services[server.name]
        served_s = min(_served_s(server, service_s, busy, chance, key) for key in keys)
        jitter = _extremes(link.jitter, self._round_trips[link.name], keys)[0]
        return link.rtt_s.least(start, ends) * jitter + server.rtt_s + least_delay_s(faults, start, ends) + served_s

    def _use(self, arrival: Arrival, key: int, link: LinkModel, start: float) -> Use:
        radio, normal = link.radio, self._wakings[link.name]
        keys = [key + (nth << 48) for nth in range(self._attempts)]
        if self._audits:
            keys.append(key + (AUDITS << 48))
        least, most = _extremes(radio.wake_spread, normal, keys)
        if self._wakes:
            least, most = min(least, self._probes[link.name][0]), max(most, self._probes[link.name][1])
        lasts_s = radio.wake_s.bounds()[1] * most
        if self._wakes:
            lasts_s = max(lasts_s, WAKE_S)
        if self._audits:
            lasts_s = max(lasts_s, AUDIT_S)
        # Calls, audits and wakes begin before the deadline, or just at it.
        used_until = arrival.at + arrival.deadline_s + lasts_s
        return Use(radio, self._lowest[link.name], start, wake_factor=least, used_until=used_until)


def _served_s(server: ServerModel, service_s: float, busy: float, chance: Keyed, key: int) -> float:
    if server.spread:
        service_s *= math.exp(server.spread * chance.normal(key))
    return service_s + (behind_others_s(server.workers, busy, service_s, chance, key) if busy > 0 else 0.0)


def _extremes(spread: float, normal: Callable[[int], float], keys: Sequence[int]) -> tuple[float, float]:
    """Return the least and the largest factor that chance makes of a median, of these keys."""
    if not spread or not keys:
        return 1.0, 1.0
    drawn = [normal(key) for key in keys]
    return math.exp(spread * min(drawn)), math.exp(spread * max(drawn))


def _from_when(connection: tuple[float, LinkModel | None]) -> float:
    return connection[0]
