"""The first runs of a model: what they teach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from edge_agent.device.warmup import warm_up
from edge_agent.device.watchdog import Watchdog
from edge_agent.runtimes import OutOfMemory
from edge_agent.testing import FakeClock, FakeRuntime, fake_release
from tests.builders.keepers import kept
from tests.builders.scenes import answering


def _taken_s(*runs_s: float) -> list[float]:
    clock, left = FakeClock(), list(runs_s)

    def answer(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        clock.advance(left.pop(0) if len(left) > 1 else left[0])
        return dict(answering(1, 0, 0)(inputs))

    release, keeper = fake_release("tiny", FakeRuntime(answer)), kept(FakeRuntime(answer), clock)
    return [round(taken_s, 6) for taken_s in warm_up(release, clock, keeper, Watchdog(clock))]


def test_the_cold_run_teaches_nothing_about_those_to_come() -> None:
    assert _taken_s(0.02, 0.001) == [0.001] * 7


def test_what_goes_wrong_is_told_to_the_keeper() -> None:
    def starve(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        raise OutOfMemory("no memory")

    clock, runtime = FakeClock(), FakeRuntime(starve)
    keeper = kept(runtime, clock)
    assert warm_up(fake_release("tiny", runtime), clock, keeper, Watchdog(clock)) == []
    assert keeper.metrics.counts().device_troubles == {("tiny", "out_of_memory", "open_anew"): 1}


def test_how_long_the_longest_run_took_is_told_to_the_keeper() -> None:
    clock = FakeClock()
    keeper = kept(FakeRuntime({}), clock)

    def answer(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        clock.advance(0.01)
        return dict(answering(1, 0, 0)(inputs))

    warm_up(fake_release("tiny", FakeRuntime(answer)), clock, keeper, Watchdog(clock))
    assert keeper.notable_s == pytest.approx(0.01)


def test_a_model_too_slow_for_a_second_run_is_believed_to_take_as_long_as_its_first() -> None:
    """Where nothing was learnt, a model that no deadline suffices for was asked for ever."""
    assert _taken_s(0.8) == [0.8]


def test_a_slow_model_has_one_warm_run() -> None:
    """What the cold one took was believed, and a device that is quick enough was passed over for the first minute."""
    assert _taken_s(0.3, 0.08) == [0.08]
