"""One machine, three ways to drive it: in the caller's thread, with a worker, from asyncio. The same comes of all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from edge_agent import AgentError, DeviceConfig, Result, SignalsConfig
from edge_agent.runtimes import RunFailed
from edge_agent.testing import FakeClock, Script
from nearfar_wire.status import Code
from tests.builders.scenes import Scene, X, answering

pytestmark = pytest.mark.wide

UNSURE = answering(0.4, 0.35, 0.25)
# The device is wrong in one of five, the cloud hardly ever, and costs something: asked where the device is unsure.
ESCALATING = (
    "[escalation]\nbelow = 0.5\n[worth]\nsecond = 0.0\n"
    "[targets.device]\np_wrong = 0.2\n[targets.cloud]\np_wrong = 0.05\nusd_per_request = 0.1\n"
)


def _fail(_: Mapping[str, Any]) -> dict[str, Any]:
    raise RunFailed("the runtime refused the run")


def _nothing(scene: Scene) -> None:
    pass


def _device_fails(scene: Scene) -> None:
    scene.device.answer = _fail


def _cloud_fails(scene: Scene) -> None:
    scene.cloud.script = Script(fails=grpc.StatusCode.INTERNAL)


def _cloud_hangs(scene: Scene) -> None:
    scene.cloud.script = Script(delay_s=math.inf)


def _both_fail(scene: Scene) -> None:
    _device_fails(scene)
    _cloud_fails(scene)


def _unsure(scene: Scene) -> None:
    scene.device.answer = UNSURE


def _unsure_and_cloud_fails(scene: Scene) -> None:
    _unsure(scene)
    _cloud_fails(scene)


def _unsure_and_cloud_hangs(scene: Scene) -> None:
    _unsure(scene)
    _cloud_hangs(scene)


@dataclass(frozen=True)
class Story:
    """What is set up, what is asked, and what comes of it: target, certain, escalated, failures; or an error."""

    mode: str
    prepare: Callable[[Scene], None]
    comes: tuple[object, ...]
    privacy: Any = "public"
    deadline_ms: Any = 2000.0
    rules: str = ""
    inputs: Any = None
    device_s: float = 0.0
    """What the device was seen to take: so long before the deadline it is started, whatever it takes then."""


STORIES = {
    "device": Story("prefer_on_device", _nothing, ("device", None, False, ())),
    "cloud": Story("prefer_in_cloud", _nothing, ("cloud", None, False, ())),
    "device_falls_back": Story("prefer_on_device", _device_fails, ("cloud", None, False, (("device", "INTERNAL"),))),
    "cloud_falls_back": Story("prefer_in_cloud", _cloud_fails, ("device", None, False, (("cloud", "INTERNAL"),))),
    "cloud_hangs": Story(
        "prefer_in_cloud", _cloud_hangs, ("device", None, False, (("cloud", "DEADLINE_EXCEEDED"),)),
        deadline_ms=5200.0, device_s=5.0,
    ),
    "certain": Story("auto", _nothing, ("device", True, False, ()), rules=ESCALATING),
    "escalated": Story("auto", _unsure, ("cloud", None, True, ()), rules=ESCALATING),
    "escalation_fails": Story(
        "auto", _unsure_and_cloud_fails, ("device", False, True, (("cloud", "INTERNAL"),)), rules=ESCALATING
    ),
    "escalation_hangs": Story(
        "auto", _unsure_and_cloud_hangs, ("device", False, True, (("cloud", "DEADLINE_EXCEEDED"),)),
        rules=ESCALATING, deadline_ms=200.0,
    ),
    "secret_is_not_escalated": Story("auto", _unsure, ("device", None, False, ()), "secret", rules=ESCALATING),
    "both_fail": Story("prefer_in_cloud", _both_fail, ("AllTargetsFailed", Code.UNAVAILABLE)),
    "nobody_in_time": Story(
        "only_in_cloud", _cloud_hangs, ("DeadlineExceeded", Code.DEADLINE_EXCEEDED), deadline_ms=100.0,
    ),
    "nobody_may": Story("only_in_cloud", _nothing, ("NoFeasibleTarget", Code.UNAVAILABLE), "secret"),
    "unknown_label": Story("auto", _nothing, ("UnknownLabel", Code.INVALID_INPUT), "secert"),
    "too_late": Story("auto", _nothing, ("DeadlineExceeded", Code.DEADLINE_EXCEEDED), deadline_ms=-5),
    "missing_input": Story("auto", _nothing, ("InputError", Code.INVALID_INPUT), inputs={}),
}  # fmt: skip


def _of_result(result: Result) -> tuple[object, ...]:
    failures = tuple((failure.target, failure.code) for failure in result.receipt.failures)
    return result.target, result.outcome.certain, result.outcome.escalated, failures


def _device_takes(scene: Scene, story: Story) -> tuple[FakeClock | None, Any]:  # Any: an Answer
    """Have the device take as long as the story says, by a clock that stands but for it, and return that clock and how
    the device answered before. A busy machine is not waited for by a margin of milliseconds then."""
    quick = scene.device.answer
    if not story.device_s:
        return None, quick
    clock = FakeClock()

    def slow(inputs: Mapping[str, Any]) -> Any:  # Any: as above
        clock.advance(story.device_s)
        return quick(inputs) if callable(quick) else quick

    scene.device.answer = slow
    return clock, quick


def _sync(scene: Scene, story: Story, device: DeviceConfig) -> tuple[object, ...]:
    signals = SignalsConfig(round_trip_s=15)
    clock, quick = _device_takes(scene, story)
    with scene.agent(story.mode, rules=story.rules, signals=signals, device=device, clock=clock) as watched:
        scene.device.answer = quick
        story.prepare(scene)
        inputs = X if story.inputs is None else story.inputs
        try:
            return _of_result(watched.infer("tiny", inputs, privacy=story.privacy, deadline_ms=story.deadline_ms))
        except AgentError as error:
            return type(error).__name__, error.code


def _in_the_callers_thread(scene: Scene, story: Story) -> tuple[object, ...]:
    return _sync(scene, story, DeviceConfig())


def _isolated(scene: Scene, story: Story) -> tuple[object, ...]:
    return _sync(scene, story, DeviceConfig(isolate=True))


def _from_asyncio(scene: Scene, story: Story) -> tuple[object, ...]:
    async def infer() -> tuple[object, ...]:
        signals = SignalsConfig(round_trip_s=15)
        clock, quick = _device_takes(scene, story)
        async with scene.async_agent(story.mode, rules=story.rules, signals=signals, clock=clock) as agent:
            scene.device.answer = quick
            story.prepare(scene)
            inputs = X if story.inputs is None else story.inputs
            try:
                return _of_result(
                    await agent.infer("tiny", inputs, privacy=story.privacy, deadline_ms=story.deadline_ms)
                )
            except AgentError as error:
                return type(error).__name__, error.code
            finally:
                totals = agent.core.metrics.totals()
                assert isinstance(totals["outcomes"], dict)
                assert totals["requests"] == sum(totals["outcomes"].values()) == 1

    return asyncio.run(infer())


FRONTS = {"caller": _in_the_callers_thread, "isolated": _isolated, "asyncio": _from_asyncio}


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS)
@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_the_same_comes_of_a_story_whichever_front_it_came_by(
    scene: Scene, story: Story, front: Callable[[Scene, Story], tuple[object, ...]]
) -> None:
    assert front(scene, story) == story.comes


def test_a_run_that_outlasts_the_deadline_is_given_up_in_a_worker(scene: Scene) -> None:
    """What `isolate` is for: one thread cannot both run and give up."""
    with scene.agent("only_on_device", device=DeviceConfig(isolate=True)) as watched:
        scene.device.hold()
        with pytest.raises(AgentError) as caught:
            watched.infer("tiny", X, deadline_ms=50)
        assert caught.value.code is Code.DEADLINE_EXCEEDED


def test_a_run_that_outlasts_the_deadline_is_late_in_the_callers_thread(scene: Scene) -> None:
    clock = FakeClock()

    def slow(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        clock.advance(0.2)
        return dict(answering(1, 0, 0)(inputs))

    with scene.agent("only_on_device", clock=clock, checked=False) as watched:
        scene.device.answer = slow
        result = watched.agent.infer("tiny", X, deadline_ms=150, privacy="public")
        assert (result.target, result.receipt.deadline_met) == ("device", False)
        assert "late: its run ended after the deadline" in result.reason
        assert watched.agent.core.metrics.totals()["deadline_misses"] == 1


def test_a_loop_that_is_not_ours_goes_on_while_the_device_runs(scene: Scene) -> None:
    """H7: a run never blocks the event loop."""

    async def both() -> str:
        async with scene.async_agent("only_on_device") as agent:
            scene.device.hold()
            task = asyncio.create_task(agent.infer("tiny", X, deadline_ms=20_000))
            await asyncio.sleep(0)  # the request begins, and control comes back at once
            scene.device.let_go()
            return (await task).target

    assert asyncio.run(both()) == "device"
