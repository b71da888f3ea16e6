"""A stretch of a device's life that is short enough to be lived: a network, and the very requests that come on it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.backtest.digits import Example
from benchmarks.backtest.requests import Asked
from router.cli.scenario_files import Beside
from router.simulate.answers import Truth
from router.simulate.arriving import Recorded
from router.simulate.chance import Chance
from router.simulate.link import LinkModel
from router.simulate.scenario import read_scenario
from router.simulate.workload import arrivals
from router.simulate.world import Setting
from router.types import DEVICE

__all__ = ["BETWEEN_BURSTS_S", "CLOUD", "Machine", "Scene", "a_scene"]

CLOUD: Final = "cloud"
# What does not stand here is measured, the network's own, or put in its place below.
_SCENARIO: Final = """
schema = 1
name = "stretch"
duration_s = {seconds}
seed = {seed}
device.model = "here.toml"
links.air = {{ radio = "ethernet", up = 1, down = 1, rtt_ms = 0 }}
targets.cloud.server = "served.toml"

[models.digits]
device_ms = 1
service_ms = {{ cloud = 1 }}
upload_bytes = 1
answers.examples = "examples.csv"

[[workload]]
name = "app"
model = "digits"
deadline_ms = {deadline_ms}
arrivals.every_s = 1
"""
_DEVICE: Final = f"""
schema = 1
name = "here"
# Each request runs in its caller's thread.
runs_at_once = {os.cpu_count() or 1}
run_w = 2
base_w = 1
load_w = 1
heat_c_per_w = 1
heat_j_per_c = 100
die_c_per_w = 1
slowdown = [[0, 1]]
"""
_SERVER: Final = f"""
schema = 1
name = "served"
workers = {os.cpu_count() or 1}
# Without TLS.
connect_round_trips = 2
"""
_FIRST_S: Final = 1.0
_BURST: Final = 6
_WITHIN_S: Final = (0.15, 0.9)
_SILENCE_S: Final = (3.5, 7.0)
BETWEEN_BURSTS_S: Final = 3.0
"""A longer gap than this is one between two bursts."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What was measured here: medians of what runs take, and the standard deviations of their logarithms."""

    device_s: float
    device_spread: float
    service_s: float
    """A call's whole time, but for the network."""
    service_spread: float
    upload_bytes: int
    download_bytes: int


@dataclass(frozen=True, slots=True)
class Scene:
    """See the module."""

    link: LinkModel
    seconds: float
    asked: tuple[Asked, ...]
    described: Setting

    def setting(self, machine: Machine) -> Setting:
        """Return the world in which just these requests come, on this machine. For one run: requests come once."""
        setting = self.described
        [server], [stream] = setting.servers, setting.streams
        model = replace(
            stream.model,
            device_s=machine.device_s,
            service_s={server.name: machine.service_s},
            upload_bytes=machine.upload_bytes,
            download_bytes=machine.download_bytes,
        )
        coming = replace(model, answers=_Replayed([one.truth for one in self.asked]))
        return replace(
            setting,
            device=replace(setting.device, spread=machine.device_spread),
            servers=(replace(server, spread=machine.service_spread),),
            models={model.name: model},
            streams=(replace(stream, model=coming, arriving=Recorded([one.at for one in self.asked])),),
        )


class _Replayed:
    """The truths of requests that are known, in their order. See router.simulate.answers.AnswerModel."""

    def __init__(self, truths: Sequence[Truth]) -> None:
        self._left = iter(truths)

    def draw(self, chance: Chance) -> Truth:
        """See AnswerModel."""
        del chance
        return next(self._left)


def a_scene(
    folder: Path,
    link: LinkModel,
    examples: Sequence[Example],
    *,
    seconds: float,
    seed: int,
    deadline_ms: float = 1000.0,
) -> Scene:
    """Write what a scenario of so many seconds on the link names into `folder`, and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [f"score,{DEVICE},{CLOUD}"]
    rows += [f"{one.score!r},{int(one.device_right)},{int(one.cloud_right)}" for one in examples]
    files = {
        "here.toml": _DEVICE,
        "served.toml": _SERVER,
        "examples.csv": "\n".join(rows) + "\n",
    }
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    text = _SCENARIO.format(seconds=seconds, seed=seed, deadline_ms=deadline_ms)
    setting = read_scenario(text.encode(), Beside(folder)).setting
    [stream] = setting.streams
    coming = replace(stream, arriving=Recorded(_times(Chance(seed, "bursts"), seconds)))
    setting = replace(setting, connections=((0.0, link),), streams=(coming,))
    return Scene(link, seconds, _asked(setting, examples, seed), setting)


def _times(chance: Chance, seconds: float) -> list[float]:
    now, times = _FIRST_S, list[float]()
    while now < seconds:
        times.append(now)
        low, high = _SILENCE_S if len(times) % _BURST == 0 else _WITHIN_S
        now += low + (high - low) * chance.uniform()
    return times


def _asked(setting: Setting, examples: Sequence[Example], seed: int) -> tuple[Asked, ...]:
    places: dict[tuple[float, bool, bool], list[int]] = defaultdict(list)
    for number, example in enumerate(examples):
        places[example.score, example.device_right, example.cloud_right].append(number)
    asked: list[Asked] = []
    for arrival in arrivals(setting.streams, seed, setting.duration_s):
        truth = arrival.truth
        # Pictures of one score and the same right answers are one to the simulator: they take turns.
        same = places[truth.score, truth.right[DEVICE], truth.right[CLOUD]]
        same.append(same.pop(0))
        asked.append(Asked(len(asked) + 1, arrival.at, same[-1], truth, arrival.deadline_s))
    return tuple(asked)
