"""What a request makes the interpreter do on the device's path, which is the same on every machine."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from benchmarks.counting import count
from benchmarks.everything import FEATURES, LABEL, Phone, certify, clouds, configure
from benchmarks.releases import one_millisecond
from benchmarks.stopwatch import PARTS, Stopwatch
from edge_agent import Agent
from edge_agent.config import load_config
from edge_agent.core import Core

IMAGE = {"image": np.random.default_rng(0).random((1, 3, 32, 32), np.float32)}


def _agent(folder: Path, addresses: dict[str, str], stopwatch: Stopwatch | None = None) -> Agent:
    release = one_millisecond(folder / "release")
    certify(release)
    document = configure(folder, "agent", release, features=FEATURES, addresses=addresses)
    return Agent.over(Core(load_config(document), clock=stopwatch, signal_sources=[Phone()]))


@pytest.mark.wide
def test_with_everything_on_a_request_makes_no_more_than_sixty_calls_in_python(tmp_path: Path) -> None:
    """There were 144 of them, and later 84; each is cold where a model has just run, and so is what it touches."""
    with ExitStack() as running:
        addresses = {name: running.enter_context(cloud).address for name, cloud in clouds().items()}
        agent = running.enter_context(_agent(tmp_path, addresses))
        agent.refresh()
        for _ in range(100):
            result = agent.infer("images", IMAGE, privacy=LABEL)
        counted = count(lambda: agent.infer("images", IMAGE, privacy=LABEL))
    assert (result.target, result.outcome.certified) == ("device", True)
    assert counted.calls <= 60
    assert max(counted.functions.values()) <= 4, counted.functions.most_common(3)


@pytest.mark.wide
def test_a_request_that_the_device_answers_tells_each_part_of_its_time(tmp_path: Path) -> None:
    stopwatch = Stopwatch()
    with _agent(tmp_path, {}, stopwatch) as agent:
        stopwatch.watch(agent.core, "images")
        laps = [stopwatch.lap(lambda: agent.infer("images", IMAGE, privacy="secret")) for _ in range(20)]
    told = [lap for lap in laps if lap is not None]
    assert told
    assert all(len(lap) == len(PARTS) and min(lap) >= 0 for lap in told)
    assert all(Stopwatch.added(lap) < sum(lap) for lap in told)
