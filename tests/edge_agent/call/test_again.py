"""What an app that gets no answer is told of when to come again."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from edge_agent import AllTargetsFailed, NoFeasibleTarget, SignalsConfig
from edge_agent.errors import AgentError
from edge_agent.runtimes import OutOfMemory
from edge_agent.testing import FakeClock, Script
from nearfar_wire.status import Code
from tests.builders.scenes import Scene, X
from tests.builders.watched import Watched

pytestmark = pytest.mark.wide

UNPROBED = SignalsConfig(round_trip_s=15)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Scene(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


def _refused(watched: Watched) -> NoFeasibleTarget:
    with pytest.raises(NoFeasibleTarget) as caught:
        watched.infer("tiny", X)
    return caught.value


def test_B1_an_app_is_told_when_the_cloud_is_asked_again_that_failed_too_often(scene: Scene) -> None:
    """After an outage of a second requests for the cloud alone failed for half a minute, and no error said so."""
    clock = FakeClock()
    scene.cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE)
    with scene.agent("only_in_cloud", signals=UNPROBED, clock=clock, rules="[retry]\nattempts = 1\n") as watched:
        for _ in range(5):
            with pytest.raises(AllTargetsFailed):
                watched.infer("tiny", X)
        scene.cloud.script = Script()
        refused = _refused(watched)
        assert refused.retry_after_s is not None
        assert 27 <= refused.retry_after_s <= 33
        assert refused.again_s == {"cloud": refused.retry_after_s}
        again = f"cloud: breaker (it failed too often lately; asked again in {refused.retry_after_s:.0f} s)"
        assert str(refused).endswith(again)
        clock.advance(refused.retry_after_s - 0.01)
        assert _refused(watched).retry_after_s == pytest.approx(0.01, abs=0.001)
        clock.advance(0.011)
        assert watched.infer("tiny", X).target == "cloud"


def test_B2_an_app_is_told_how_much_is_left_of_the_peace_that_a_server_asked_for(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=Code.OVERLOADED, trailing=(("grpc-retry-pushback-ms", "2000"),))
    with scene.agent("only_in_cloud", signals=UNPROBED, clock=clock) as watched:
        with pytest.raises(AllTargetsFailed):
            watched.infer("tiny", X)
        first = _refused(watched).retry_after_s
        assert first is not None
        clock.advance(1.5)
        assert _refused(watched).retry_after_s == pytest.approx(first - 1.5, abs=0.001)
        scene.cloud.script = Script()
        clock.advance(first - 1.499)
        assert watched.infer("tiny", X).target == "cloud"


def test_an_app_is_told_when_a_model_is_looked_for_again_that_was_not_there(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=Code.MODEL_NOT_READY)
    with scene.agent("only_in_cloud", signals=UNPROBED, clock=clock) as watched:
        with pytest.raises(AllTargetsFailed):
            watched.infer("tiny", X)
        refused = _refused(watched)
        assert refused.retry_after_s is not None
        assert refused.retryable
        scene.cloud.script = Script()
        clock.advance(refused.retry_after_s + 0.001)
        assert watched.infer("tiny", X).target == "cloud"


def test_an_app_is_told_when_a_budget_is_there_again(scene: Scene) -> None:
    """The wall's clock is the machine's here: no more than an hour is left of an hour."""
    scene.cloud.script = Script()
    paid = "[targets.cloud]\nusd_per_request = 0.01\n[budgets]\nmoney = { amount_usd = 0.01, per = 'hour' }\n"
    with scene.agent("only_in_cloud", signals=UNPROBED, rules=paid) as watched:
        assert watched.infer("tiny", X).target == "cloud"
        refused = _refused(watched)
        assert refused.retry_after_s is not None
        assert 0 < refused.retry_after_s <= 3600
        assert "asked again in " in str(refused)


def test_E7_an_app_is_told_when_the_device_is_tried_again(scene: Scene) -> None:
    clock = FakeClock()
    before = scene.device.answer

    def hungry(_: object) -> dict[str, object]:
        raise OutOfMemory("no memory")

    try:
        with scene.agent("only_on_device", signals=UNPROBED, clock=clock) as watched:
            scene.device.answer = hungry  # type: ignore[assignment]  # it never answers
            refused: AgentError | None = None
            for _ in range(5):
                with pytest.raises(AgentError) as caught:
                    watched.infer("tiny", X)
                refused = caught.value
            assert isinstance(refused, NoFeasibleTarget)
            assert refused.again_s == {"device": refused.retry_after_s}
            scene.device.answer = before
            clock.advance((refused.retry_after_s or 0.0) + 0.001)
            assert watched.infer("tiny", X).target == "device"
    finally:
        scene.device.answer = before


def test_what_a_label_closes_is_not_asked_again_whatever_the_time(scene: Scene) -> None:
    with scene.agent("only_in_cloud", signals=UNPROBED) as watched:
        with pytest.raises(NoFeasibleTarget) as caught:
            watched.infer("tiny", X, privacy="secret")
        assert (caught.value.retry_after_s, caught.value.again_s) == (None, {})


def test_an_app_whose_device_failed_is_told_when_the_cloud_is_asked_again(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE)
    before = scene.device.answer
    with scene.agent("prefer_in_cloud", signals=UNPROBED, clock=clock) as watched:
        for _ in range(5):
            watched.infer("tiny", X)
        scene.device.answer = {}
        try:
            with pytest.raises(
                AllTargetsFailed, match=r"cloud: not asked, breaker \(.*; asked again in \d+ s\)"
            ) as caught:
                watched.infer("tiny", X)
        finally:
            scene.device.answer = before
            scene.cloud.script = Script()
        assert caught.value.again_s.keys() == {"cloud"}
