"""How many requests wait for a run on the device: with `isolate`, and in the asynchronous agent. Others run at once, in
the thread of whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edge_agent.signals.source import Demand
from router.types import Value

__all__ = ["DeviceQueue"]


class DeviceQueue:
    """Tells `device_queue`; `waiting` counts the runs that have not begun."""

    names = ("device_queue",)
    describe = "the agent's own queue"
    interval_s = 1.0
    demand: Demand | None = None

    def __init__(self, waiting: Callable[[], int]) -> None:
        self._waiting = waiting

    def read(self) -> Mapping[str, Value | None]:
        """See signals.Source."""
        return {"device_queue": float(self._waiting())}
