"""Sources of readings that do what a test says."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from edge_agent.signals import Demand
from edge_agent.testing import FakeClock

__all__ = ["Hanging", "Told"]


class Told:
    """Says `values`, or raises `error` while there is one. `takes_s` passes on `clock` at every reading."""

    def __init__(
        self,
        values: Mapping[str, Any],  # Any: also what a broken sensor might say
        *,
        interval_s: float = 1.0,
        demand: Demand | None = None,
        describe: str = "told",
        clock: FakeClock | None = None,
        takes_s: float = 0.0,
    ) -> None:
        self.values = values
        self.names = tuple(values)
        self.interval_s = interval_s
        self.demand = demand
        self.describe = describe
        self.error: Exception | None = None
        self.reads = 0
        self._clock = clock
        self._takes_s = takes_s

    def read(self) -> Mapping[str, Any]:  # Any: as above
        self.reads += 1
        if self._clock is not None:
            self._clock.advance(self._takes_s)
        if self.error is not None:
            raise self.error
        return self.values


class Hanging(Told):
    """Hangs in `read` until `release` is set."""

    def __init__(self, values: Mapping[str, Any], *, describe: str = "hanging") -> None:  # Any: as above
        super().__init__(values, describe=describe)
        self.entered = threading.Event()
        self.release = threading.Event()

    def read(self) -> Mapping[str, Any]:  # Any: as above
        self.entered.set()
        assert self.release.wait(30), "a test left a source hanging"
        return super().read()
