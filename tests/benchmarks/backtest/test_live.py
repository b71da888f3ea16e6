"""The simulator against reality: a cloud service in a process of its own, agents behind proxies, half a minute of life.

Bounds are wide, for machines with other work to do; each term that the simulator knows is wanted for keeping them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.backtest.agreement import SEEDS, Foretold
from benchmarks.backtest.contenders import AUTO, RULES, SWAPPED, contenders
from benchmarks.backtest.digits import prepare
from benchmarks.backtest.figures import Compared, Runs, compared, swap
from benchmarks.backtest.living import Lived, live, simulated
from benchmarks.backtest.networks import sleeping_soon
from benchmarks.backtest.scene import CLOUD, Machine, Scene, a_scene
from edge_agent.demo.cloud import CloudProcess, serve_command
from router.simulate.capacity import Rates
from router.simulate.curve import Curve, Steps
from router.types import DEVICE
from tests.router.simulate.worlds import link

pytestmark = [pytest.mark.slow, pytest.mark.wide]

SECONDS = 30.0
# So slow and so far that what a busy machine adds is little beside it.
AIR = sleeping_soon(link(up=Rates([(0.0, 2.0)]), down=Rates([(0.0, 20.0)]), rtt_s=Steps([(0.0, 0.12)]), jitter=0.2))
ALWAYS_DEVICE, ALWAYS_CLOUD = (rule.name for rule in RULES[:2])


@dataclass(frozen=True)
class Day:
    """What was lived, and all that is needed to simulate it."""

    scene: Scene
    machine: Machine
    lived: dict[str, Lived]

    def foreseen(self, name: str, scene: Scene | None = None, machine: Machine | None = None) -> Runs:
        return simulated(self.lived[name], scene or self.scene, machine or self.machine, range(SEEDS))

    def compared(self, name: str, scene: Scene | None = None, machine: Machine | None = None) -> Compared:
        return compared(name, self.lived[name].seen, self.foreseen(name, scene, machine))


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder: Path = tmp_path_factory.mktemp("back-test")
    prepared = prepare(folder)
    scene = a_scene(folder / "scene", AIR, prepared.examples, seconds=SECONDS, seed=1, deadline_ms=4000.0)
    wanted = [one for one in contenders(SECONDS) if one.name in (AUTO, SWAPPED, ALWAYS_DEVICE, ALWAYS_CLOUD)]
    with CloudProcess(serve_command(prepared.repository)) as cloud:
        lived, machine = live(scene, wanted, prepared, cloud.grpc, folder / "scene", seed=1)
    return Day(scene, machine, {one.contender.name: one for one in lived})


def _far(told: Foretold) -> bool:
    """Tell whether it came half as much again above what was simulated with any chance, or as far below."""
    return not told.low / 1.5 <= told.came <= told.high * 1.5


def _disagreements(told: Compared) -> list[str]:
    """Return in what the simulator was wrong of a contender that only asks the cloud."""
    wrong = [figure for figure in ("p50_s", "p95_s") if _far(told.figures[figure])]
    return wrong if 0.75 <= told.coverage[0.9] <= 1.0 else [*wrong, "coverage"]


def test_nothing_but_the_scene_had_a_hand_in_it(day: Day) -> None:
    for lived in day.lived.values():
        assert lived.problems == ()
        assert len(lived.seen) == len(day.scene.asked)


def test_calls_take_as_long_as_was_simulated(day: Day) -> None:
    assert _disagreements(day.compared(ALWAYS_CLOUD)) == []


FORGOTTEN: dict[str, Callable[[Day], tuple[Scene, Machine]]] = {
    "the radio's sleep": lambda day: (_on(day, radio=replace(AIR.radio, wake_s=Curve([(0.0, 0.0)]))), day.machine),
    "the round trip": lambda day: (_on(day, rtt_s=Steps([(0.0, 0.0)])), day.machine),
    "the uplink's pace": lambda day: (_on(day, up=Rates([(0.0, 5000.0)])), day.machine),
}


def _on(day: Day, **changed: object) -> Scene:
    air = replace(AIR, **changed)  # type: ignore[arg-type]  # LinkModel's own fields
    return replace(day.scene, link=air, described=replace(day.scene.described, connections=((0.0, air),)))


@pytest.mark.parametrize("forgotten", FORGOTTEN.values(), ids=FORGOTTEN)
def test_a_simulator_that_forgot_a_term_would_be_found_out(
    day: Day, forgotten: Callable[[Day], tuple[Scene, Machine]]
) -> None:
    assert _disagreements(day.compared(ALWAYS_CLOUD, *forgotten(day))) != []


def test_runs_on_the_device_take_as_long_as_was_simulated(day: Day) -> None:
    assert not _far(day.compared(ALWAYS_DEVICE).figures["p50_s"])


def test_each_target_answers_the_share_of_requests_that_was_simulated(day: Day) -> None:
    for name in day.lived:
        told = day.compared(name).figures[CLOUD]
        assert told.low - 0.1 <= told.came <= told.high + 0.1, (name, told)


def test_a_replaced_policy_changes_what_it_was_said_to_change(day: Day) -> None:
    told = swap(
        day.lived[AUTO].seen,
        day.foreseen(AUTO),
        day.lived[SWAPPED].seen,
        day.foreseen(SWAPPED),
        SECONDS / 2,
    )
    # A policy for which a second is dear asks the cloud less often, sends less, and costs more by the old one's worth.
    for figure, sign in ((CLOUD, -1), ("kilobytes", -1), ("cost", 1)):
        assert told.figures[figure].median * sign > 0, figure
        assert told.figures[figure].came * sign > 0, figure


def test_what_is_asked_for_a_picture_is_answered_as_the_examples_say(day: Day) -> None:
    """Both sides would be wrong alike if the live models answered otherwise than the examples that are simulated."""
    for name, target in ((ALWAYS_DEVICE, DEVICE), (ALWAYS_CLOUD, CLOUD)):
        assert {seen.target for seen in day.lived[name].seen} == {target}
        assert all(seen.right == seen.asked.truth.right[target] for seen in day.lived[name].seen)
