"""What the runs take on this machine, measured while a scene is lived: the numbers of the simulator's documents.

It measures with agents of its own, over a proxy that only hands on, at the pace of the scene, each in a thread of its
own: a machine that has nothing to do is slower to answer than one in use, one that others use is slower than both, and
what the proxy takes is no network's."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.backtest.digits import MODEL, Prepared
from benchmarks.backtest.lane import agent_at
from benchmarks.backtest.scene import Machine
from edge_agent import Agent, AgentError, Sent
from edge_agent.testing import FaultyLink
from router.types import Value

__all__ = ["Gauge"]

_EVERY_S: Final = 0.25
_LEAST: Final = 3
_DEADLINE_MS: Final = 5000.0
# Of a normal distribution, between its tenth and its ninetieth percentile.
_DEVIATIONS: Final = 2.563


class Gauge:
    """Runs the device's model and calls the cloud in turns, until told to stop."""

    def __init__(self, prepared: Prepared, cloud: tuple[str, int], folder: Path) -> None:
        self._prepared = prepared
        self._cloud = cloud
        self._folder = folder
        self._device_s: list[float] = []
        self._service_s: list[float] = []
        self._sent: Sent | None = None

    def measure(self, stop: threading.Event) -> None:
        """Measure until `stop` is set."""
        readings: dict[str, Value | None] = {"link": "ethernet", "metered": True}
        self._folder.mkdir(parents=True, exist_ok=True)
        with FaultyLink(self._cloud) as link, ExitStack() as stack:
            asked: list[tuple[Agent, list[float]]] = []
            for mode, into in (("only_on_device", self._device_s), ("only_in_cloud", self._service_s)):
                policy = self._folder / f"{mode}.toml"
                policy.write_text(f'schema = 1\nname = "gauge"\nversion = 1\nmode = "{mode}"\n', encoding="utf-8")
                asked.append((stack.enter_context(agent_at(link.address, self._prepared, policy, readings)), into))
            for turn in count():
                if stop.wait(_EVERY_S):
                    return
                agent, into = asked[turn % len(asked)]
                # As the requests of a lane do: a thread that has just begun waits less for its processor.
                thread = threading.Thread(target=self._ask, args=(agent, turn, into), name="gauge")
                thread.start()
                thread.join()

    def machine(self) -> Machine:
        """Return what was measured, without the first of each, which was cold. Raises ValueError: it was too little."""
        if self._sent is None:
            raise ValueError("no call of the cloud could be measured: none was answered")
        return Machine(
            *_fitted(self._device_s[1:], "run on the device"),
            *_fitted(self._service_s[1:], "call of the cloud"),
            self._sent.size_bytes,
            self._sent.received_bytes,
        )

    def _ask(self, agent: Agent, turn: int, into: list[float]) -> None:
        example = self._prepared.examples[turn % len(self._prepared.examples)]
        started = time.monotonic()
        try:
            result = agent.infer(MODEL, {"pixels": example.pixels}, deadline_ms=_DEADLINE_MS, privacy="public")
        except AgentError:
            return
        into.append(time.monotonic() - started)
        self._sent = next(iter(result.receipt.sent), self._sent)


def _fitted(seconds: Sequence[float], what: str) -> tuple[float, float]:
    if len(seconds) < _LEAST:
        raise ValueError(f"no {what} could be measured: {len(seconds)} of at least {_LEAST}")
    tenths = statistics.quantiles(seconds, n=10)
    return statistics.median(seconds), math.log(tenths[-1] / tenths[0]) / _DEVIATIONS
