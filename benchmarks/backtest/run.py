"""`python -m benchmarks backtest`: some minutes of real time, a table, and JSON where it is asked for."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from benchmarks.backtest.agreement import SEEDS
from benchmarks.backtest.contenders import AUTO, EXPLORES, RULES, SWAPPED, contenders, hasty
from benchmarks.backtest.digits import Prepared, prepare
from benchmarks.backtest.figures import Runs, SceneFigures, compared, rivals, swap
from benchmarks.backtest.lane import compiled
from benchmarks.backtest.living import Lived, live, simulated
from benchmarks.backtest.logged import from_log
from benchmarks.backtest.networks import Network, networks
from benchmarks.backtest.requests import Seen, after
from benchmarks.backtest.scene import a_scene
from benchmarks.backtest.table import lines, summary
from edge_agent.demo.cloud import CloudProcess, serve_command
from router.cli.progress import Progress

__all__ = ["backtest", "main"]

_LEAST_S: Final = 20.0
_MORE_S: Final = 4.0
"""A scene begins a little late, and its last requests end after it."""


def main(arguments: Sequence[str]) -> int:
    """See the package."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks backtest", description=__doc__)
    parser.add_argument("--seconds", type=_seconds, default=60.0, help="how long each network is lived on (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the requests, and of what the proxies draw (1)")
    parser.add_argument("--json", type=Path, help="write all figures there too")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = backtest(Path(folder), networks(), given.seconds, given.seed)
    for line in summary(found):
        print(line)
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(scene) for scene in found], indent=2) + "\n", encoding="utf-8")
    return 0


def backtest(folder: Path, played: Sequence[Network], seconds: float, seed: int) -> list[SceneFigures]:
    """Live and simulate every network, and print each as it is done."""
    found: list[SceneFigures] = []
    prepared = prepare(folder)
    with CloudProcess(serve_command(prepared.repository)) as cloud:
        for number, network in enumerate(played):
            with Progress(sys.stderr, round(seconds + _MORE_S) + len(contenders(seconds))) as progress:
                place = folder / f"scene-{number}"
                found.append(_scene(place, network, prepared, cloud.grpc, seconds, seed, progress.step))
            for line in lines(found[-1]):
                print(line)
            print(flush=True)
    return found


def _scene(
    folder: Path,
    network: Network,
    prepared: Prepared,
    cloud: tuple[str, int],
    seconds: float,
    seed: int,
    step: Callable[[str], None],
) -> SceneFigures:
    scene = a_scene(folder, network.link, prepared.examples, seconds=seconds, seed=seed)
    lived, machine = live(
        scene,
        contenders(seconds),
        prepared,
        cloud,
        folder,
        seed=seed,
        each_second=lambda: step(f"{network.name}: live"),
    )
    seen: dict[str, Sequence[Seen]] = {}
    foreseen: dict[str, Runs] = {}
    for one in lived:
        step(f"{network.name}: {one.contender.name}, simulated {SEEDS} times")
        seen[one.contender.name] = one.seen
        foreseen[one.contender.name] = _of_those_that_came(one, simulated(one, scene, machine, range(SEEDS)))
    return SceneFigures(
        network.name,
        machine,
        tuple(compared(name, seen[name], foreseen[name]) for name in seen),
        swap(seen[AUTO], foreseen[AUTO], seen[SWAPPED], foreseen[SWAPPED], seconds / 2),
        rivals(seen[AUTO], foreseen[AUTO], {rule.name: (seen[rule.name], foreseen[rule.name]) for rule in RULES}, seed),
        from_log(_since(lived, seconds / 2), compiled(hasty()), after(seen[SWAPPED], seconds / 2), seed),
        tuple(f"{one.contender.name}: {problem}" for one in lived for problem in one.problems),
    )


def _since(lived: Sequence[Lived], at: float) -> Sequence[str]:
    """Return the records of the one that explores, of the requests from `at` on. They are in the order of their ends;
    a few around `at` make no difference."""
    explored = next(one for one in lived if one.contender.name == EXPLORES)
    return explored.records[-len(after(explored.seen, at)) :]


def _of_those_that_came(lived: Lived, runs: Runs) -> Runs:
    """Leave out what was simulated of requests that something else than the scene ended."""
    came = {one.asked.number for one in lived.seen}
    return [[one for one in run if one.asked.number in came] for run in runs]


def _seconds(text: str) -> float:
    seconds = float(text)
    if not _LEAST_S <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"from {_LEAST_S:g} to 3600: less holds too few bursts to tell anything")
    return seconds
