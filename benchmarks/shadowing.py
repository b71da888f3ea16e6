"""What a policy that only looks on costs a request: agents with and without one take turns, and each turn lasts long
enough for the shadow to look at what came in it. Told are the requests' own times, and the processor's."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.everything import FEATURES, LABEL, Phone, certify, clouds, configure
from benchmarks.releases import one_millisecond
from benchmarks.timing import spread
from edge_agent import Agent
from edge_agent.config import load_config
from edge_agent.core import Core

__all__ = ["main"]

_ROUNDS: Final = 15
_TURN: Final = 1000
_IMAGE: Final = {"image": np.random.default_rng(0).random((1, 3, 32, 32), np.float32)}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        release = one_millisecond(Path(folder) / "release")
        certify(release)
        addresses = {name: running.enter_context(cloud).address for name, cloud in clouds().items()}
        without = configure(Path(folder), "without", release, features=FEATURES, addresses=addresses)
        shadowed = without.with_name("shadowed.toml")
        policy = without.with_name("without.policy.toml").read_text("utf-8")
        without.with_name("policy-next.toml").write_text(policy.replace("below = 0.5", "below = 0.6"), "utf-8")
        shadowed.write_text(
            without.read_text("utf-8").replace("schema = 1", 'schema = 1\nshadow_policy = "policy-next.toml"'), "utf-8"
        )
        agents = {
            "without": running.enter_context(_agent(without)),
            "with a shadow": running.enter_context(_agent(shadowed)),
        }
        _measure(agents)


def _measure(agents: dict[str, Agent]) -> None:
    wall: dict[str, list[float]] = {name: [] for name in agents}
    busy: dict[str, list[float]] = {name: [] for name in agents}
    late: dict[str, list[float]] = {name: [] for name in agents}
    for turn in range(_ROUNDS):
        for name in sorted(agents, reverse=bool(turn % 2)):
            times_s, processor_s = _turn(agents[name])
            wall[name].append(statistics.median(times_s) * 1e6)
            late[name].append(statistics.quantiles(times_s, n=100)[98] * 1e6)
            busy[name].append(processor_s / _TURN * 1e6)
    print("a request that the device answers, three targets and everything on: microseconds")
    for title, told in (("median", wall), ("99th of a hundred", late), ("processor, all threads", busy)):
        for name in agents:
            print(f"    {title:24} {name:16} {spread(told[name]):.1f}")
        ratios = [mine / base for mine, base in zip(told["with a shadow"], told["without"], strict=True)]
        print(f"    {title:24} ratio            {spread(ratios):.3f}")
    summary = agents["with a shadow"].shadow()
    assert summary is not None
    print(f"    looked at {summary.compared} of {summary.compared + summary.dropped}")
    waiting = agents["with a shadow"].last(1)[0].decision
    parts = (waiting, waiting.situation, waiting.situation.request)
    print(f"    a request that waits holds some {sum(map(sys.getsizeof, parts))} bytes of its own")


def _turn(agent: Agent) -> tuple[list[float], float]:
    """Return the seconds of each request of a turn, and the processor's until the shadow has looked at all of them."""
    times_s: list[float] = []
    began = time.process_time()
    for _ in range(_TURN):
        at = time.perf_counter()
        agent.infer("images", _IMAGE, privacy=LABEL)
        times_s.append(time.perf_counter() - at)
    agent.shadow()
    return times_s, time.process_time() - began


@contextmanager
def _agent(document: Path) -> Iterator[Agent]:
    with Agent.over(Core(load_config(document), signal_sources=[Phone()])) as agent:
        agent.refresh()
        yield agent
