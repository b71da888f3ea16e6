"""The drivers, where what matters is the order in which things happen."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

import pytest

from edge_agent import AsyncAgent, DeadlineExceeded, DeviceConfig
from edge_agent.call.executor import drive_async
from edge_agent.device.pool import DevicePool
from edge_agent.telemetry.journal import Entry
from edge_agent.testing import FakeClock
from nearfar_wire.status import Code
from router.running.attempt import Ending
from tests.builders.scenes import Scene, X, answering
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide


class _AtOnce(DevicePool):
    """A pool whose runs are over before they were handed to it."""

    def submit(self, run: Callable[[], None], until: float) -> Future[None]:
        run()
        done: Future[None] = Future()
        done.set_result(None)
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
            return (await drive_async(call, clock=clock, pool=_AtOnce(1, clock))).ending

    assert asyncio.run(infer()) is Ending.ANSWERED


async def _asked_from_asyncio(scene: Scene) -> list[Entry]:
    async with scene.async_agent(policy=None) as agent:
        scene.device.hold()
        for _ in range(20):
            with suppress(DeadlineExceeded):
                await agent.infer("tiny", X, deadline_ms=200, privacy="internal")
        return agent.last(5)


def _asked_isolated(scene: Scene) -> list[Entry]:
    with scene.agent(policy=None, device=DeviceConfig(isolate=True)) as watched:
        scene.device.hold()
        for _ in range(20):
            with suppress(DeadlineExceeded):
                watched.infer("tiny", X, deadline_ms=200, privacy="internal")
        return watched.agent.last(5)


FRONTS = {"asyncio": lambda scene: asyncio.run(_asked_from_asyncio(scene)), "isolated": _asked_isolated}


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS)
def test_a_device_that_is_never_done_in_time_is_no_longer_asked(
    scene: Scene, front: Callable[[Scene], list[Entry]]
) -> None:
    """Its runs were stopped at the deadline, which taught nothing, and every request went the same way."""
    outcomes = [entry.outcome for entry in front(scene)]
    ended = [outcome and (outcome.target, outcome.failures) for outcome in outcomes]
    # On a busy machine a call to the cloud may be late for once, and the device asked after it.
    assert ended.count(("cloud", ())) >= 3


def test_more_than_the_device_can_do_in_time_is_answered_by_the_cloud(scene: Scene) -> None:
    """It waited for a worker until its deadline, then kept the workers busy for nobody."""

    async def one(agent: AsyncAgent) -> str | None:
        return await late_at(agent, 500)

    async def late_at(agent: AsyncAgent, deadline_ms: float) -> str | None:
        with suppress(DeadlineExceeded):
            return (await agent.infer("tiny", X, deadline_ms=deadline_ms, privacy="internal")).target
        return None

    async def rounds() -> list[Counter[str | None]]:
        async with scene.async_agent(policy=None) as agent:
            scene.device.hold()
            held = asyncio.create_task(one(agent))
            await asyncio.to_thread(eventually, lambda: scene.device.running)
            missed = await asyncio.gather(*(one(agent) for _ in range(50)))
            await held
            assert agent.core.pool.waiting == 0
            runs = scene.device.runs
            scene.device.let_go()
            # The device looks slow by now; whether the cloud is quick is the machine's affair.
            answered = [await late_at(agent, 60_000) for _ in range(3)]
            assert scene.device.runs - runs <= 3, "what nobody wants any more was run"
            return [Counter(missed), Counter(answered)]

    missed, answered = asyncio.run(rounds())
    # Where the machine is busy the last of them are decided after the first were given up, and know better.
    assert missed[None] + missed["cloud"] == 50
    assert missed[None] > 0
    assert answered == {"cloud": 3}


def test_a_device_with_too_many_runs_before_it_leaves_the_request_to_the_cloud(scene: Scene) -> None:
    """Instead of letting it wait for a worker until its deadline."""

    class Full(DevicePool):
        def submit(self, run: Callable[[], None], until: float) -> None:
            return None

    async def infer() -> tuple[str | None, list[str]]:
        async with scene.async_agent("prefer_on_device") as agent:
            call = agent.core.dispatcher.open("tiny", X, 2000, "public")
            outcome = await drive_async(call, clock=agent.core.clock, pool=Full(1, agent.core.clock))
            return outcome.target, [failure.code for failure in outcome.failures]

    assert asyncio.run(infer()) == ("cloud", [Code.OVERLOADED])
