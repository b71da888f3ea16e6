"""The drivers, where what matters is the order in which things happen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from typing import Any

import pytest

from edge_agent import DeadlineExceeded, DeviceConfig
from edge_agent.executor import drive_async
from edge_agent.journal import Entry
from edge_agent.testing import FakeClock
from router.attempt import Ending
from tests.builders.scenes import Scene, X, answering

pytestmark = pytest.mark.wide


class _AtOnce(Executor):
    """A pool whose jobs are done before they were handed over."""

    def submit(self, job: Callable[..., Any], *given: Any) -> Future[Any]:  # type: ignore[override]
        done: Future[Any] = Future()
        done.set_result(job(*given))
        return done


def test_an_answer_that_is_there_is_taken_even_if_the_loop_comes_to_it_late(scene: Scene) -> None:
    """A loop that was kept busy until after the deadline dropped the answer that lay there."""

    async def infer() -> Ending:
        clock = FakeClock()
        async with scene.async_agent("only_on_device", clock=clock) as agent:

            def slow(inputs: Any) -> Any:
                clock.advance(0.2)
                return answering(1, 0, 0)(inputs)

            scene.device.answer = slow
            call = agent.core.dispatcher.open("tiny", X, 150, None)
            return (await drive_async(call, clock=clock, pool=_AtOnce())).ending

    assert asyncio.run(infer()) is Ending.ANSWERED


async def _asked_from_asyncio(scene: Scene) -> list[Entry]:
    async with scene.async_agent(policy=None) as agent:
        scene.device.hold()
        for _ in range(20):
            with suppress(DeadlineExceeded):
                await agent.infer("tiny", X, deadline_ms=60, privacy="internal")
        return agent.last(5)


def _asked_isolated(scene: Scene) -> list[Entry]:
    with scene.agent(policy=None, device=DeviceConfig(isolate=True)) as watched:
        scene.device.hold()
        for _ in range(20):
            with suppress(DeadlineExceeded):
                watched.infer("tiny", X, deadline_ms=60, privacy="internal")
        return watched.agent.last(5)


FRONTS = {"asyncio": lambda scene: asyncio.run(_asked_from_asyncio(scene)), "isolated": _asked_isolated}


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS)
def test_a_device_that_is_never_done_in_time_is_no_longer_asked(
    scene: Scene, front: Callable[[Scene], list[Entry]]
) -> None:
    """Its runs were stopped at the deadline, which taught nothing, and every request went the same way."""
    outcomes = [entry.outcome for entry in front(scene)]
    assert [outcome and (outcome.target, outcome.failures) for outcome in outcomes] == [("cloud", ())] * 5
