"""A scene lived by several agents side by side, and the machine measured meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.backtest.calibration import Gauge
from benchmarks.backtest.digits import Prepared
from benchmarks.backtest.foresight import foresee
from benchmarks.backtest.lane import Lane
from benchmarks.backtest.requests import Seen
from benchmarks.backtest.scene import Machine, Scene
from router.rules.policy import Policy
from router.simulate.baselines import Baseline

__all__ = ["Contender", "Lived", "live", "simulated"]

# Agents that all began at once would run their models at once: each comes a little after the one before it.
_APART_S: Final = 0.13
_SOON_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A policy, or several one after the other, each from its instant on; or a rule in their place."""

    name: str
    policies: tuple[tuple[float, str], ...]
    rule: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a scene under one contender."""

    contender: Contender
    policies: tuple[tuple[float, Policy], ...]
    seen: tuple[Seen, ...]
    records: tuple[str, ...]
    problems: tuple[str, ...]


def live(
    scene: Scene,
    contenders: Sequence[Contender],
    prepared: Prepared,
    cloud: tuple[str, int],
    folder: Path,
    *,
    seed: int,
    each_second: Callable[[], None] = lambda: None,
) -> tuple[list[Lived], Machine]:
    """Live through the scene with every contender at a time; return what came of it, and the machine that it was."""
    gauge, stop, measured = Gauge(prepared, cloud, folder / "gauge"), threading.Event(), threading.Event()
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(
                Lane(
                    each.name,
                    each.policies,
                    scene,
                    prepared,
                    cloud,
                    folder / each.name,
                    seed=seed + number,
                    rule=each.rule,
                )
            )
            for number, each in enumerate(contenders)
        ]
        began = time.monotonic() + _SOON_S
        threads = [threading.Thread(target=gauge.measure, args=(measured,), name="gauge")]
        threads += [
            threading.Thread(target=lane.live, args=(began + number * _APART_S, stop), name=lane.name)
            for number, lane in enumerate(lanes)
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads[1:]):
                each_second()
                time.sleep(1.0)
        finally:  # also when somebody interrupts it
            stop.set()
            measured.set()
            for thread in threads:
                thread.join()
    lived = [
        Lived(each, tuple(lane.policies), tuple(lane.seen), tuple(lane.records()), tuple(lane.problems))
        for each, lane in zip(contenders, lanes, strict=True)
    ]
    return lived, gauge.machine()


def simulated(lived: Lived, scene: Scene, machine: Machine, seeds: Sequence[int]) -> list[list[Seen]]:
    """Return the same scene as it is simulated, once for each seed."""
    return [foresee(scene.setting(machine), lived.policies, scene.asked, seed, lived.contender.rule) for seed in seeds]
