"""All of it put together: what can be done in a simulated world, and what a device's sensors say of it. Pure.

    world = World(setting, seed=1)
    for arrival in world.arrivals(): ...
    world.readings(now)                      # what the agent's sensors would say
    world.run_device(model, now, number)     # a Job: see job.py
    world.call(target, model, now, number)   # a Job, with all its times

Time does not go back. Two worlds of equal settings and seeds in which the same is done are equal; one in which
something else is done still has the same arrivals, answers, links and faults. Servers may be shared by many worlds,
which then must be driven by one agenda."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from router.simulate.call import Call
from router.simulate.chance import Chance
from router.simulate.connections import Connections
from router.simulate.device import Device, DeviceModel, Outside, Run
from router.simulate.faults import Fault
from router.simulate.link import Link, LinkModel
from router.simulate.server import Server, ServerModel
from router.simulate.workload import Arrival, ModelFacts, Stream, arrivals
from router.types import Reading

__all__ = ["Setting", "World", "servers_of"]

SAMPLED_EVERY_S: Final = 2.0
"""How often the sensors are read; between two samples readings stay what they were."""
MEASURED_EVERY_S: Final = 3.0
"""How often it is looked whether a request came for which the round trips ought to be measured, as agents do."""
_SOURCE: Final = "simulated"
_THROTTLED: Final = 1.05
"""A device that is slower than so many times is one that heat slows down."""
# As edge_agent/device/warmup.py has them; of the runs the first, which is cold, is not counted.
_WARM_RUNS: Final = 8
_WARM_BUDGET_S: Final = 0.05
_PROBE_BYTES: Final = 200
"""What a round trip to the endpoint carries each way, with its headers."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A scenario, ready to be run: scenario.py makes it from a document."""

    duration_s: float
    device: DeviceModel
    outside: Outside
    battery_share: float
    connections: tuple[tuple[float, LinkModel | None], ...]
    """(from when, the link that is then in use; None: no network), rising, the first at 0."""
    servers: tuple[ServerModel, ...]
    faults: Mapping[str, tuple[Fault, ...]]
    models: Mapping[str, ModelFacts]
    streams: tuple[Stream, ...]


def servers_of(setting: Setting, seed: int) -> dict[str, Server]:
    """Return the setting's servers, to be shared by the worlds of a fleet."""
    return {model.name: Server(model, seed, setting.faults.get(model.name, ())) for model in setting.servers}


class World:
    """See the module."""

    def __init__(self, setting: Setting, seed: int, servers: Mapping[str, Server] | None = None) -> None:
        self.setting = setting
        self.servers = servers_of(setting, seed) if servers is None else servers
        self.device = Device(setting.device, setting.outside, seed, setting.battery_share)
        self._seed = seed
        self.salt = int(Chance(seed, "requests").uniform() * 2**53)
        """Added to a request's number it is the request's key: worlds that share their servers must not share the
        chance of their requests there."""
        self._probes = self._samples = 0
        self._links: dict[str, Link] = {}
        self._connections = Connections()
        self._connection = -1
        self._link: Link | None = None
        self._link_until = -math.inf
        self._readings: Mapping[str, Reading] = {}
        self._round_trips: Mapping[str, Reading] = {}
        self._measures_at = math.inf
        self._sampled_at = -math.inf
        self._link_at(0.0)

    def arrivals(self) -> Iterator[Arrival]:
        """Return what the app asks for, in order of time."""
        return arrivals(self.setting.streams, self._seed, self.setting.duration_s)

    def readings(self, now: float) -> Mapping[str, Reading]:
        """Return what the sensors said last, to a request that comes now: the same object until they are read again."""
        measures = now >= self._measures_at
        if measures:
            self._round_trips = self._measured(self._measures_at)
            self._measures_at = math.inf
        if measures or now - self._sampled_at >= SAMPLED_EVERY_S:
            self._sampled_at = now
            self._readings = {**self._sample(now), **self._round_trips}
        if self._measures_at == math.inf:
            self._measures_at = (now // MEASURED_EVERY_S + 1) * MEASURED_EVERY_S
        return self._readings

    def run_device(self, model: str, now: float, number: int = 0) -> Run:
        """Run `model`, which the device has, on the device, for the request of this number."""
        run_s = self.setting.models[model].device_s
        assert run_s is not None
        self.device.advance(now)
        return self.device.run(run_s, now, self.salt + number)

    def warm_up(self, model: str) -> list[float]:
        """Return what runs of `model` took that an agent makes before a request comes; none where the device does not
        have it."""
        run_s = self.setting.models[model].device_s
        if run_s is None or self.device.off:
            return []
        taken_s: list[float] = []
        while len(taken_s) < _WARM_RUNS and sum(taken_s) <= _WARM_BUDGET_S:
            # Requests count from 1 on, and probes count down from 0: numbers between them are nobody's.
            taken_s.append(self.device.takes_s(run_s, self.salt + (1 << 60) + len(taken_s), 0.0))
        return taken_s[1:] or taken_s

    def call(
        self,
        target: str,
        model: str,
        now: float,
        number: int = 0,
        again: int = 0,
        *,
        upload_bytes: int | None = None,
        until: float = math.inf,
    ) -> Call:
        """Put the request of this number, for `model`, which `target` serves, to `target`; `again` counts how often it
        was put there before. `upload_bytes` is the arrival's, or the model's own; `until` the deadline told with it."""
        facts = self.setting.models[model]
        up = facts.upload_bytes if upload_bytes is None else upload_bytes
        key = self.salt + number + (again << 48)
        return self._begin(target, facts.service_s[target], up, facts.download_bytes, now, key, until)

    def probe(self, target: str, now: float) -> Call:
        """Measure the round trip to `target`, or wake the radio: a call that no model runs for."""
        self._probes += 1
        return self._begin(target, 0.0, _PROBE_BYTES, _PROBE_BYTES, now, self.salt - self._probes, math.inf)

    def _begin(self, target: str, service_s: float, up: int, down: int, now: float, key: int, until: float) -> Call:
        link = self._link_at(now)
        return Call(
            target,
            self.servers[target],
            service_s,
            up,
            down,
            now,
            key,
            link=link,
            connections=self._connections,
            breaks_at=self._link_until,
            until=until,
            pays=self,
        )

    def link(self, now: float) -> Link | None:
        """Return the link that is in use; None where there is no network."""
        return self._link_at(now)

    def idle_s(self, now: float) -> float | None:
        """Return the seconds since the radio was last used; None where it never was, or there is none."""
        link = self._link_at(now)
        if link is None:
            return None
        idle_s = link.radio.idle_s(now)
        return None if idle_s == math.inf else idle_s

    def pay(self, joules: float) -> None:
        """See call.Pays."""
        self.device.spend(joules)

    def last_tail_j(self) -> float:
        """Return the tail behind each link's last call, which no successor pays for."""
        return sum(link.radio.tail_j(math.inf) for link in self._links.values())

    def _link_at(self, now: float) -> Link | None:
        while now >= self._link_until:
            self._connection += 1
            self._connections.lost()
            connections = self.setting.connections
            model = connections[self._connection][1]
            self._link = None
            if model is not None:
                link = self._links.get(model.name)
                if link is None:
                    link = self._links[model.name] = Link(model, self._seed)
                self._link = link
            after = self._connection + 1
            self._link_until = connections[after][0] if after < len(connections) else math.inf
        return self._link

    def _sample(self, now: float) -> Mapping[str, Reading]:
        device, link = self.device, self._link_at(now)
        device.advance(now)
        load, charging = device.load(), device.charging()
        said: dict[str, float | bool | str | None] = {
            "battery_pct": device.battery_pct(),
            "charging": charging,
            "discharge_w": None if device.model.battery_wh is None else 0.0 if charging else device.drawn_w,
            "cpu_load": load,
            "cpu_others": load,
            "memory_free_mb": device.model.memory_free_mb,
            "temperature_c": device.body.die_c,
            "throttled": device.body.slowdown() > _THROTTLED,
            "device_queue": float(device.waiting()),
            "link": "none" if link is None else link.model.radio.kind,
            "metered": None if link is None else link.model.radio.metered,
        }
        return {name: Reading(name, told, _SOURCE, now) for name, told in said.items()}

    def _measured(self, at: float) -> Mapping[str, Reading]:
        """Return what probes of each target's endpoint said at `at`, which also set up its connection; nothing where
        bytes cost, as agents measure nothing there.

        They draw nothing here and keep no radio awake: on such links that is little, and whoever simulates need not
        follow them."""
        link = self._link_at(at)
        if link is None or link.model.radio.metered:
            return {}
        self._samples += 1
        told: dict[str, float | None] = {}
        for name, server in self.servers.items():
            trouble = server.faults.at(at)
            rtt_s = link.round_trip_s(at, self._samples) + server.model.rtt_s + trouble.delay_s
            refused = any(fault.code == "UNAVAILABLE" and fault.error_share == 1 for fault in trouble.failing)
            answers = not (trouble.black_hole or refused)
            told[f"rtt_ms.{name}"] = rtt_s * 1000 if answers else None
            if answers:
                self._connections.ready_at(server.model, at, rtt_s)
        told["rtt_ms"] = next(iter(told.values()))
        return {name: Reading(name, rtt_ms, _SOURCE, at) for name, rtt_ms in told.items()}
