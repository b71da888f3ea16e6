"""A scenario cut in two: a stretch to look at, and the rest, in which nobody has looked. Pure.

The rest begins anew: by the clock it starts where the first stretch ends, with the battery that a device would have
that had done nothing, and chance of its own, so that no draw of the first stretch comes again. Where everything from
outside is level or comes again, as it mostly does in a scenario that somebody made up, the rest is the same stretch
once more, but for chance: what holds there may still not hold on another network. `repeats` tells."""

from __future__ import annotations

import math
from dataclasses import replace

from router.simulate.arriving import AtRandom, Recorded
from router.simulate.capacity import Capacity
from router.simulate.chance import Chance
from router.simulate.device import Device, Outside
from router.simulate.link import LinkModel
from router.simulate.workload import Stream
from router.simulate.world import Setting

__all__ = ["apart", "first", "repeats", "rest"]


def apart(seed: int, purpose: str) -> int:
    """Return a seed of its own for a purpose."""
    return int(Chance(seed, f"apart/{purpose}").uniform() * 2**53)


def first(setting: Setting, until_s: float) -> Setting:
    """Return what happens up to `until_s`."""
    return replace(setting, duration_s=until_s)


def rest(setting: Setting, from_s: float) -> Setting:
    """Return what happens from `from_s` on, counted from there."""
    outside = setting.outside
    idle = Device(setting.device, outside, 0, setting.battery_share)
    idle.advance(from_s)
    left_pct = idle.battery_pct()
    return replace(
        setting,
        duration_s=max(0.0, setting.duration_s - from_s),
        outside=Outside(
            load=outside.load.later(from_s),
            screen=outside.screen.later(from_s),
            charger_w=outside.charger_w.later(from_s),
            ambient_c=outside.ambient_c.later(from_s),
        ),
        battery_share=setting.battery_share if left_pct is None else left_pct / 100,
        connections=_connections(setting, from_s),
        servers=tuple(replace(server, busy=server.busy.later(from_s)) for server in setting.servers),
        faults={
            target: tuple(later for fault in faults if (later := fault.later(from_s)) is not None)
            for target, faults in setting.faults.items()
        },
        streams=tuple(replace(stream, arriving=stream.arriving.later(from_s)) for stream in setting.streams),
    )


def _connections(setting: Setting, from_s: float) -> tuple[tuple[float, LinkModel | None], ...]:
    links: dict[str, LinkModel] = {}
    for _, link in setting.connections:
        if link is not None and link.name not in links:
            links[link.name] = replace(
                link, up=link.up.later(from_s), down=link.down.later(from_s), rtt_s=link.rtt_s.later(from_s)
            )
    used = [(at, None if link is None else links[link.name]) for at, link in setting.connections]
    begun = [link for at, link in used if at <= from_s]
    return ((0.0, begun[-1]), *((at - from_s, link) for at, link in used if at > from_s))


def repeats(setting: Setting, from_s: float) -> bool:
    """Tell whether nothing from outside is there after `from_s` that was not there before it as well."""
    outside = setting.outside
    steps = [outside.load, outside.screen, outside.charger_w, outside.ambient_c]
    steps += [server.busy for server in setting.servers]
    capacities: list[Capacity] = []
    for _, link in setting.connections:
        if link is not None:
            steps.append(link.rtt_s)
            capacities += [link.up, link.down]
    if any(at >= from_s for at, _ in setting.connections[1:]):
        return False
    for faults in setting.faults.values():
        if any(fault.every_s == math.inf and fault.end > from_s for fault in faults):
            return False
    steps += [stream.arriving.per_s for stream in setting.streams if isinstance(stream.arriving, AtRandom)]
    if any(_goes_on(stream, from_s) for stream in setting.streams):
        return False
    ends = [series.news_until_s for series in steps] + [capacity.news_until_s for capacity in capacities]
    return max(ends) <= from_s


def _goes_on(stream: Stream, from_s: float) -> bool:
    return isinstance(stream.arriving, Recorded) and any(at >= from_s for at in stream.arriving.instants)
