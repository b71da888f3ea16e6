"""The first runs of a model: what they teach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_agent.testing import FakeClock, FakeRuntime, fake_release
from edge_agent.warmup import warm_up
from tests.builders.scenes import answering


def _taken_s(*runs_s: float) -> list[float]:
    clock, left = FakeClock(), list(runs_s)

    def answer(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        clock.advance(left.pop(0) if len(left) > 1 else left[0])
        return dict(answering(1, 0, 0)(inputs))

    return [round(taken_s, 6) for taken_s in warm_up(fake_release("tiny", FakeRuntime(answer)), clock)]


def test_the_cold_run_teaches_nothing_about_those_to_come() -> None:
    assert _taken_s(0.02, 0.001) == [0.001] * 7


def test_a_model_too_slow_for_a_second_run_is_believed_to_take_as_long_as_its_first() -> None:
    """Where nothing was learnt, a model that no deadline suffices for was asked for ever."""
    assert _taken_s(0.08) == [0.08]
