"""What the agent's own calls tell, as a source of readings: paces, queues, the silence of the radio. Asks nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edge_agent.signals.source import Demand
from router.types import Value

__all__ = ["Traffic"]

_PER_TARGET = ("up_mbps", "down_mbps", "queue_ms")


class Traffic:
    """Tells `up_mbps.TARGET`, `down_mbps.TARGET` and `queue_ms.TARGET`, those of the first remote target by their short
    names as well, and `radio_idle_s`. `tell` is what was learnt of the calls: see router/experience/traffic.py."""

    interval_s = 1.0
    demand: Demand | None = None
    describe = "the agent's own calls"

    def __init__(self, targets: Sequence[str], tell: Callable[[], Mapping[str, float | None]]) -> None:
        self._first = targets[0]
        self._tell = tell
        own = [f"{name}.{target}" for target in targets for name in _PER_TARGET]
        self.names: tuple[str, ...] = ("radio_idle_s", *_PER_TARGET, *own)

    def read(self) -> Mapping[str, Value | None]:
        """See signals.Source."""
        told = self._tell()
        return {**told, **{name: told.get(f"{name}.{self._first}") for name in _PER_TARGET}}
