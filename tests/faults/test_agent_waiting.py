"""What an agent does while it waits for a cloud: a backup, a hedge, another try, and none of them too often."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from edge_agent import AllTargetsFailed, DeviceConfig, RemoteConfig, Result, SignalsConfig
from edge_agent.testing import FakeCloud, Script
from nearfar_wire.status import Code
from router.running.attempt import Role
from router.types import BreakerPhase
from tests.builders.raw_grpc import ending_with_status
from tests.builders.scenes import Scene, X
from tests.builders.waiting import eventually
from tests.builders.watched import Watched

pytestmark = pytest.mark.wide

UNPROBED = SignalsConfig(round_trip_s=15)
ISOLATED: dict[str, Any] = {"signals": UNPROBED, "device": DeviceConfig(isolate=True)}


class _Flaky(Counter[str]):
    """Counts a cloud's calls, and lets it be well from one of them on."""

    def __init__(self, cloud: FakeCloud, fails: int) -> None:
        super().__init__()
        self._cloud = cloud
        self._fails = fails

    def __setitem__(self, method: str, count: int) -> None:
        super().__setitem__(method, count)
        if method == "ModelInfer" and count > self._fails:
            self._cloud.script = Script()


def _failing_first(scene: Scene, times: int, **how: Any) -> None:
    """Let the first `times` calls fail, and no further one."""
    scene.cloud.script = Script(**how)
    scene.cloud.calls = _Flaky(scene.cloud, times)


def _slow_device(watched: Watched, seconds: float) -> None:
    """Let the agent believe that its device takes so long."""
    experience = watched.agent.core._experience
    assert experience is not None
    for _ in range(64):
        experience.device_ran("tiny", seconds, watched.agent.core.clock())


def _extra_runs(watched: Watched) -> dict[tuple[str, str], int]:
    return dict(watched.agent.core.metrics.counts().extra_runs)


# -- backups -----------------------------------------------------------------------------------------------------------


def test_a_cloud_that_answers_while_its_backup_runs_is_first_and_the_backup_is_stopped(scene: Scene) -> None:
    """It was given up when the device started, however near its answer was."""
    with scene.agent(**ISOLATED) as watched:
        _slow_device(watched, 0.5)
        scene.device.hold()
        scene.cloud.script = Script(delay_s=0.7)
        result = watched.infer("tiny", X, deadline_ms=1000)
        assert (result.target, result.receipt.overtaken) == ("cloud", ("device",))
        assert _extra_runs(watched) == {("backup", "device"): 1}
        eventually(lambda: scene.device.running == 0)


def test_a_backup_that_is_first_is_the_answer_and_the_cloud_is_charged_too(scene: Scene) -> None:
    scene.cloud.script = Script(delay_s=30)
    with scene.agent(signals=UNPROBED) as watched:
        result = watched.infer("tiny", X, deadline_ms=200)
        assert (result.target, result.outcome.role) == ("device", Role.BACKUP)
        assert [failure.code for failure in result.receipt.failures] == ["DEADLINE_EXCEEDED"]
        assert [sent.target for sent in result.receipt.sent] == ["cloud"]
        assert "started as a backup" in result.reason
        assert result.receipt.deadline_met


def test_A2_a_black_hole_that_the_backup_makes_up_for_opens_its_breaker_all_the_same(scene: Scene) -> None:
    scene.cloud.script = Script(delay_s=30)
    with scene.agent(rules="[targets.cloud]\nprior_ms = [1.0, 5.0]\n", signals=UNPROBED) as watched:
        core, calls = watched.agent.core, 0
        while core.phase("cloud") is BreakerPhase.CLOSED and calls < 8:
            # Time enough for a cloud that is as slow as it looks by now, which is what a busy machine made of it.
            cloud = next(view for view in core.look("tiny", "public", {}).situation.targets if view.name == "cloud")
            left_ms = max(300.0, 1600 * cloud.time.optimistic_s)
            assert watched.infer("tiny", X, deadline_ms=left_ms).target == "device"
            calls += 1
        assert core.phase("cloud") is BreakerPhase.OPEN


@pytest.mark.parametrize("front", ["caller", "isolated", "asyncio"])
def test_an_answer_that_is_held_waits_for_the_cloud_and_comes_in_time_without_it(scene: Scene, front: str) -> None:
    rules = '[backup]\nuncertified = "hold"\n'
    scene.cloud.script = Script(delay_s=30)
    if front == "asyncio":

        async def infer() -> Result:
            async with scene.async_agent(rules=rules, signals=UNPROBED) as agent:
                return await agent.infer("tiny", X, deadline_ms=300, privacy="public")

        result = asyncio.run(infer())
    else:
        more = ISOLATED if front == "isolated" else {"signals": UNPROBED}
        with scene.agent(rules=rules, **more) as watched:
            result = watched.infer("tiny", X, deadline_ms=300)
    assert (result.target, result.outcome.role) == ("device", Role.BACKUP)
    assert result.receipt.duration_s >= 0.285


# -- hedges ------------------------------------------------------------------------------------------------------------


def test_B4_a_slow_cloud_is_hedged_by_the_device_within_the_share_and_withheld_beyond(scene: Scene) -> None:
    rules = "[hedge]\nshare = 0.05\n[targets.cloud]\nprior_ms = [1.0, 5.0]\n[estimates]\nmemory_samples = 10000\n"
    with scene.agent(rules=rules, signals=UNPROBED) as watched:
        for _ in range(60):
            watched.infer("tiny", X, deadline_ms=2000)
        scene.cloud.script = Script(delay_s=0.7)
        slow = [watched.infer("tiny", X, deadline_ms=2000) for _ in range(5)]
        counts = watched.agent.core.metrics.counts()
        assert 1 <= counts.extra_runs["hedge", "device"] <= 0.05 * 65
        assert counts.withheld["hedge", "device"] >= 1
        for result in slow:
            by_hedge = result.outcome.role is Role.HEDGE
            assert (result.target, result.receipt.overtaken) == (("device", ("cloud",)) if by_hedge else ("cloud", ()))
            assert not result.receipt.failures


# -- retries -----------------------------------------------------------------------------------------------------------


def test_a_cloud_that_nobody_stands_behind_is_asked_again_under_the_same_id(scene: Scene) -> None:
    _failing_first(scene, 1, fails=grpc.StatusCode.UNAVAILABLE)
    with scene.agent("only_in_cloud", signals=UNPROBED) as watched:
        result = watched.infer("tiny", X, deadline_ms=5000)
        assert (result.target, result.outcome.role) == ("cloud", Role.RETRY)
        assert scene.cloud.calls["ModelInfer"] == 2
        assert scene.cloud.last_request_id == result.receipt.request_id
        assert [sent.target for sent in result.receipt.sent] == ["cloud", "cloud"]
        assert _extra_runs(watched) == {("retry", "cloud"): 1}


@pytest.mark.parametrize("pushback", ["-1", "60000"], ids=["never", "too late"])
def test_B2_a_server_that_says_not_again_is_not_asked_again(scene: Scene, pushback: str) -> None:
    trailing = (("grpc-retry-pushback-ms", pushback),)
    _failing_first(scene, 1, fails=grpc.StatusCode.UNAVAILABLE, trailing=trailing)
    with scene.agent("only_in_cloud", signals=UNPROBED) as watched:
        with pytest.raises(AllTargetsFailed):
            watched.infer("tiny", X, deadline_ms=1000)
        assert scene.cloud.calls["ModelInfer"] == 1


def test_B2_a_server_that_says_when_is_asked_again_then_and_not_before(scene: Scene) -> None:
    trailing = (("grpc-retry-pushback-ms", "300"),)
    _failing_first(scene, 1, fails=grpc.StatusCode.UNAVAILABLE, trailing=trailing)
    with scene.agent("only_in_cloud", signals=UNPROBED) as watched:
        result = watched.infer("tiny", X, deadline_ms=5000)
        assert result.target == "cloud"
        assert result.receipt.duration_s >= 0.3


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.UNAVAILABLE])
def test_B9_nothing_but_a_target_out_of_reach_is_asked_again(scene: Scene, code: Code) -> None:
    _failing_first(scene, 1, fails=code)
    with scene.agent("only_in_cloud", signals=UNPROBED) as watched:
        with pytest.raises(AllTargetsFailed):
            watched.infer("tiny", X, deadline_ms=5000)
        assert scene.cloud.calls["ModelInfer"] == 1


def test_B9_a_status_that_nobody_knows_is_one_code_of_the_table_and_the_device_answers(scene: Scene) -> None:
    with (
        ending_with_status(99) as address,
        scene.agent(targets={"cloud": RemoteConfig(address=address)}, signals=UNPROBED) as watched,
    ):
        result = watched.infer("tiny", X)
        assert result.target == "device"
        assert [failure.code for failure in result.receipt.failures] == ["INTERNAL"]


# -- the throttle ------------------------------------------------------------------------------------------------------


def test_B3_calls_are_kept_back_from_a_cloud_that_fails_them_all_and_the_device_answers_at_once(scene: Scene) -> None:
    scene.cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE)
    rules = "[throttle]\nmin_rps = 0\n[breaker]\nconsecutive = 1000\nmin_calls = 1000\n"
    with scene.agent(rules=rules, signals=UNPROBED) as watched:
        results = [watched.infer("tiny", X) for _ in range(40)]
        kept_back = watched.agent.core.metrics.counts().throttled["cloud"]
        assert {result.target for result in results} == {"device"}
        assert kept_back >= 20
        assert scene.cloud.calls["ModelInfer"] == 40 - kept_back
        spared = next(result for result in results if not result.receipt.sent)
        assert "kept back" in str(spared.receipt)


# -- asyncio -----------------------------------------------------------------------------------------------------------


def test_H7_a_loop_that_stands_still_holds_no_run_up_and_is_told_of(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[float] = []

    def noted(answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(inputs: Any) -> Any:
            ran.append(time.monotonic())
            return answer(inputs)

        return run

    async def infer() -> tuple[float, Result]:
        async with scene.async_agent("only_on_device") as agent:
            scene.device.hold()
            scene.device.answer = noted(scene.device.answer)  # type: ignore[arg-type]  # a function it is
            asking = asyncio.create_task(agent.infer("tiny", X, deadline_ms=5000, privacy="public"))
            await asyncio.to_thread(eventually, lambda: scene.device.running == 1)
            scene.device.let_go()
            until = time.monotonic() + 0.5
            threading.Event().wait(0.5)  # somebody's work on the loop
            return until, await asking

    with caplog.at_level(logging.WARNING, "nearfar.agent"):
        until, result = asyncio.run(infer())
    assert result.target == "device"
    assert ran[0] < until
    assert "event loop stood still" in caplog.text
