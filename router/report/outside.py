"""What happens outside whatever a policy does, in the slices of a recording: links, load, the charger. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from router.simulate.slices import Range
from router.simulate.world import Setting
from router.values import value

__all__ = ["Around", "around"]

_LOOKS = 4
"""In each slice: a pace that changes faster is seen in part."""


@value
class Around:
    """Lists have one entry a slice. `rtt_s` is the way to the first server and back, without the radio's waking;
    `offline` and `charging` are shares of the time."""

    rtt_s: Range
    up_mbps: Range
    down_mbps: Range
    load: Range
    offline: Sequence[float]
    charging: Sequence[float]


def around(setting: Setting, slices: int) -> Around:
    """Return the outside of a scenario."""
    rtt_s, up, down, load = (Range(slices) for _ in range(4))
    offline, charging = [0.0] * slices, [0.0] * slices
    starts = [start for start, _ in setting.connections]
    beyond_s = setting.servers[0].rtt_s  # a scenario has at least one
    for look in range(slices * _LOOKS):
        slice_, now = look // _LOOKS, (look + 0.5) * setting.duration_s / (slices * _LOOKS)
        load.see(slice_, setting.outside.load.at(now))
        charging[slice_] += (setting.outside.charger_w.at(now) > 0) / _LOOKS
        link = setting.connections[bisect_right(starts, now) - 1][1]
        if link is None:
            offline[slice_] += 1 / _LOOKS
            continue
        rtt_s.see(slice_, link.rtt_s.at(now) + beyond_s)
        up.see(slice_, link.up.mbps(now))
        down.see(slice_, link.down.mbps(now))
    return Around(rtt_s, up, down, load, offline, charging)
