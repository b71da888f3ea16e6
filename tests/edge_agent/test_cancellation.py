"""A cancelled request ends at once, leaves nothing running, and is counted as what it is."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest

from edge_agent import Agent, Cancellation, DeviceConfig, RequestCancelled, Result, SignalsConfig
from edge_agent.testing import CloudModel, Script
from nearfar_wire.status import Code
from router.types import BreakerPhase
from tests.builders.agents import Home
from tests.builders.scenes import Scene, X, agents_threads, answering
from tests.builders.waiting import eventually
from tests.builders.watched import Watched

UNPROBED = SignalsConfig(round_trip_s=15)


def test_whoever_subscribes_is_called_once_and_at_once_if_it_was_cancelled_before() -> None:
    cancellation, calls = Cancellation(), list[str]()
    cancellation.subscribe(lambda: calls.append("early"))
    assert not cancellation.cancelled
    cancellation.cancel()
    cancellation.cancel()
    cancellation.subscribe(lambda: calls.append("late"))
    assert (calls, cancellation.cancelled) == (["early", "late"], True)


def test_whoever_unsubscribed_is_not_called_and_may_do_so_again() -> None:
    cancellation, calls = Cancellation(), list[str]()

    def callback() -> None:
        calls.append("called")

    cancellation.subscribe(callback)
    cancellation.unsubscribe(callback)
    cancellation.unsubscribe(callback)
    cancellation.cancel()
    assert calls == []


@pytest.mark.wide
def test_subscribing_while_somebody_cancels_calls_each_exactly_once() -> None:
    for _ in range(200):
        cancellation, calls = Cancellation(), list[int]()
        others = [threading.Thread(target=cancellation.cancel) for _ in range(2)]
        for other in others:
            other.start()
        for number in range(5):
            cancellation.subscribe(partial(calls.append, number))
        for other in others:
            other.join()
        assert sorted(calls) == [0, 1, 2, 3, 4]


def _cancelled(infer: Callable[[Cancellation], Result], once: Callable[[], object]) -> float:
    """Cancel a request from another thread, once something is so; return the seconds that it then took to end."""
    cancellation, at = Cancellation(), list[float]()

    def cancel() -> None:
        eventually(once)
        at.append(time.monotonic())
        cancellation.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        with pytest.raises(RequestCancelled) as caught:
            infer(cancellation)
        ended = time.monotonic()
    finally:
        canceller.join()
    assert (caught.value.code, caught.value.retryable) == (Code.CANCELLED, False)
    return ended - at[0]


def _cancelled_count(watched: Watched) -> int:
    outcomes = watched.agent.core.metrics.totals()["outcomes"]
    assert isinstance(outcomes, dict)
    return outcomes["cancelled"]


@pytest.mark.wide
@pytest.mark.parametrize("mode", ["prefer_on_device", "prefer_in_cloud"])
@pytest.mark.parametrize("isolate", [False, True])
def test_a_request_that_was_cancelled_before_runs_nothing_and_sends_nothing(
    scene: Scene, mode: str, isolate: bool
) -> None:
    """A request whose first target was remote was sent, and only then found to be cancelled."""
    cancellation = Cancellation()
    cancellation.cancel()
    with scene.agent(mode, device=DeviceConfig(isolate=isolate)) as watched:
        answers, scene.device.answer = list[object](), lambda inputs: answers.append(inputs) or {}  # type: ignore[func-returns-value]
        with pytest.raises(RequestCancelled, match="model 'tiny'"):
            watched.infer("tiny", X, cancellation=cancellation)
        assert _cancelled_count(watched) == 1
    assert (answers, scene.link.connections) == ([], 0)


@pytest.mark.wide
@pytest.mark.parametrize("isolate", [False, True])
def test_a_run_on_the_device_stops_at_its_next_node(home: Home, isolate: bool) -> None:
    config = home.config(home.slow_release(), device=DeviceConfig(isolate=isolate))
    with Agent(config, sources=[]) as agent:
        watched = Watched(agent)
        endless = {"n": np.array([2**40], np.int64)}
        began = time.monotonic()
        took_s = _cancelled(
            lambda cancellation: watched.infer("slow", endless, deadline_ms=60_000, cancellation=cancellation),
            lambda: time.monotonic() > began + 0.1,
        )
        assert took_s < 1
        assert _cancelled_count(watched) == 1
        # The worker, where there is one, is free again.
        assert watched.infer("slow", {"n": np.array([1], np.int64)}, deadline_ms=10_000).outputs["y"] == 1
        watched.check()


@pytest.mark.wide
def test_a_cancelled_run_is_no_failure_that_the_cloud_is_asked_to_make_up_for(scene: Scene) -> None:
    with scene.agent("prefer_on_device", signals=UNPROBED) as watched:
        scene.device.hold()
        _cancelled(
            lambda cancellation: watched.infer("tiny", X, deadline_ms=20_000, cancellation=cancellation),
            lambda: scene.device.running,
        )
        assert watched.agent.core.metrics.totals()["failures"] == 0
    assert scene.link.connections == 0


@pytest.mark.wide
@pytest.mark.parametrize("isolate", [False, True])
def test_a_remote_call_is_taken_back_and_the_server_learns_of_it(scene: Scene, isolate: bool) -> None:
    server_went_on = threading.Event()

    def answer(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        server_went_on.set()  # its endless wait has ended, which only a client that left brings about
        return dict(answering(0, 0, 1)(inputs))

    scene.cloud.models["tiny"] = CloudModel(answer)
    scene.cloud.script = Script(delay_s=math.inf)
    with scene.agent(signals=UNPROBED, device=DeviceConfig(isolate=isolate)) as watched:
        took_s = _cancelled(
            lambda cancellation: watched.infer("tiny", X, deadline_ms=20_000, cancellation=cancellation),
            lambda: scene.cloud.calls["ModelInfer"],
        )
        assert took_s < 0.5
        assert server_went_on.wait(5)
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED
        assert _cancelled_count(watched) == 1
        # What was sent before is counted, though no receipt tells of it.
        sent = watched.agent.core.metrics.totals()["sent_bytes"]
        assert isinstance(sent, dict)
        assert sent["cloud"] > 16


@pytest.mark.wide
@pytest.mark.parametrize("where", ["device", "cloud"])
def test_cancelling_the_task_cancels_the_request(scene: Scene, where: str) -> None:
    async def cancelled() -> dict[str, Any]:
        async with scene.async_agent(f"only_{'on' if where == 'device' else 'in'}_{where}", signals=UNPROBED) as agent:
            if where == "device":
                scene.device.hold()
            else:
                scene.cloud.script = Script(delay_s=math.inf)
            task = asyncio.create_task(agent.infer("tiny", X, deadline_ms=20_000, privacy="public"))
            begun = (lambda: scene.device.running) if where == "device" else (lambda: scene.cloud.calls["ModelInfer"])
            await asyncio.to_thread(eventually, begun)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            scene.cloud.script = Script()
            # A run of the device has stopped, and its one worker is free; let_go would hide that it had not.
            eventually(lambda: scene.device.running == 0)
            scene.device.let_go()
            assert (await agent.infer("tiny", X, privacy="public")).target == where
            return agent.core.metrics.totals()

    threads = agents_threads()
    totals = asyncio.run(cancelled())
    assert totals["requests"] == sum(totals["outcomes"].values()) == 2
    assert (totals["outcomes"]["cancelled"], totals["outcomes"]["answered"]) == (1, 1)
    assert bool(totals["sent_bytes"].get("cloud")) is (where == "cloud")
    eventually(lambda: agents_threads() <= threads)
