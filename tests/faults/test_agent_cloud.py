"""The cloud answers, and not well: every status, every lie, and its death in the middle of a call."""

from __future__ import annotations

import signal
import sys
import threading
from math import nan

import grpc
import numpy as np
import pytest

from edge_agent import AllTargetsFailed, RemoteConfig, Result, SignalsConfig
from edge_agent.testing import LIES, CloudModel, FakeClock, FakeRuntime, FaultyLink, Lie, Script, fake_release, huge
from nearfar_wire import inference_pb2 as pb
from nearfar_wire.load_report import LOAD_KEYS, LoadReport, encode_load
from nearfar_wire.orca_pb2 import OrcaLoadReport
from nearfar_wire.status import CODES, Code
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER
from router.telling.explain import in_words
from router.telling.record import from_json, to_json
from router.types import BreakerPhase
from tests.builders.agents import Home
from tests.builders.onnx_models import slow
from tests.builders.processes import cloud_process
from tests.builders.repositories import write_repository
from tests.builders.scenes import Scene, X, answering, host_port
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

UNPROBED = SignalsConfig(round_trip_s=15)


def test_B1_after_five_failures_the_cloud_is_left_alone_but_for_a_probe_each_period(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=grpc.StatusCode.UNAVAILABLE)
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        for _ in range(50):
            assert watched.infer("tiny", X).target == "device"
        assert scene.cloud.calls["ModelInfer"] == 5
        assert watched.agent.core.phase("cloud") is BreakerPhase.OPEN
        for period in range(1, 4):
            # Each pause is longer than the last, by 30 s and at most a tenth of jitter.
            clock.advance(30 * period * 1.1)
            for _ in range(20):
                assert watched.infer("tiny", X).target == "device"
            assert scene.cloud.calls["ModelInfer"] == 5 + period
        clock.advance(30 * 4 * 1.1)
        scene.cloud.script = Script()
        assert watched.infer("tiny", X).target == "cloud"
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED


def test_B2_a_server_that_has_enough_to_do_is_left_to_it_and_the_device_answers(scene: Scene) -> None:
    scene.cloud.script = Script(fails=Code.OVERLOADED)
    with scene.agent(signals=UNPROBED) as watched:
        results = [watched.infer("tiny", X) for _ in range(10)]
        assert {result.target for result in results} == {"device"}
        assert [f.code for f in results[0].receipt.failures] == ["OVERLOADED"]
        assert scene.cloud.calls["ModelInfer"] == 5


@pytest.mark.parametrize(
    ("pushback_ms", "peace_s"), [("2000", 2.0), ("-1", 30.0)], ids=["for 2 s", "for as long as a breaker opens"]
)
def test_B2_a_server_that_says_when_to_come_again_is_not_asked_before(
    scene: Scene, pushback_ms: str, peace_s: float
) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=Code.OVERLOADED, trailing=(("grpc-retry-pushback-ms", pushback_ms),))
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        for calls in range(1, 9):
            refused = watched.infer("tiny", X)
            assert [f.code for f in refused.receipt.failures] == ["OVERLOADED"]
            for _ in range(10):
                spared = watched.infer("tiny", X)
                assert (spared.target, spared.receipt.failures) == ("device", ())
                assert [closed.constraint.value for closed in spared.decision.closed] == ["pushback"]
            clock.advance(peace_s - 0.01)
            assert not watched.infer("tiny", X).receipt.failures
            assert scene.cloud.calls["ModelInfer"] == calls
            clock.advance(0.1 * peace_s + 0.01)
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED


def test_a_server_that_asks_to_be_spared_is_and_the_decision_says_so(scene: Scene) -> None:
    clock = FakeClock()
    busy = encode_load(LoadReport(queue_wait_s=0.5, utilisation=1.0, limit=8, stay_local_s=4.0))
    scene.cloud.script = Script(trailing=((LOAD_KEYS[1], busy),))
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        assert watched.infer("tiny", X).target == "cloud"
        spared = watched.infer("tiny", X)
        assert spared.target == "device"
        assert [closed.constraint.value for closed in spared.decision.closed] == ["stay_local"]
        assert "500 ms of them in its queue" in in_words(spared.decision)
        read = from_json(to_json(spared.decision)).decision
        assert read == spared.decision
        clock.advance(4.5)
        assert watched.infer("tiny", X).target == "cloud"
        assert scene.cloud.calls["ModelInfer"] == 2


@pytest.mark.parametrize(
    "trailing",
    [
        pytest.param((LOAD_KEYS[1], b"\xff\x00garbage"), id="no report"),
        pytest.param((LOAD_KEYS[1], OrcaLoadReport(named_metrics={"queue_wait_s": nan}).SerializeToString()), id="nan"),
        pytest.param(("grpc-retry-pushback-ms", "9" * 400), id="for ever"),
    ],
)
def test_a_server_that_talks_nonsense_of_itself_is_used_like_one_that_says_nothing(
    scene: Scene, trailing: tuple[str, str | bytes]
) -> None:
    scene.cloud.script = Script(trailing=(trailing,))
    with scene.agent(signals=UNPROBED) as watched:
        for _ in range(3):
            result = watched.infer("tiny", X)
            assert result.target == "cloud"
            assert result.decision.situation.targets[1].queue_wait_s is None


@pytest.mark.parametrize("code", list(Code))
def test_B9_a_code_of_our_own_services_arrives_as_itself_is_not_retried_and_blames_as_the_table_says(
    scene: Scene, code: Code
) -> None:
    scene.cloud.script = Script(fails=code)
    with scene.agent(signals=UNPROBED) as watched:
        result = watched.infer("tiny", X)
        assert result.target == "device"
        assert [(f.code, f.security) for f in result.receipt.failures] == [(code.value, CODES[code].security)]
        assert scene.cloud.calls["ModelInfer"] == 1
        for _ in range(5):
            watched.infer("tiny", X)
        opens = CODES[code].blames_endpoint
        assert watched.agent.core.phase("cloud") is (BreakerPhase.OPEN if opens else BreakerPhase.CLOSED)


@pytest.mark.parametrize("status", [status for status in grpc.StatusCode if status is not grpc.StatusCode.OK])
def test_B9_every_status_of_a_stranger_is_one_code_of_the_table_and_the_device_answers(
    scene: Scene, status: grpc.StatusCode
) -> None:
    scene.cloud.script = Script(fails=status, details="Exception calling application: secret", trailing=(("a", "b"),))
    with scene.agent(signals=UNPROBED) as watched:
        result = watched.infer("tiny", X)
        assert result.target == "device"
        [failure] = result.receipt.failures
        assert failure.code in set(Code)
        assert "secret" not in failure.detail
        assert scene.cloud.calls["ModelInfer"] == 1
        failures = watched.agent.core.metrics.counts().failures
        assert failures == {("cloud", failure.code): 1}


def _no_digest_at_all(response: pb.ModelInferResponse) -> pb.ModelInferResponse:
    response.parameters[MODEL_DIGEST_PARAMETER].string_param = "v1"
    return response


@pytest.mark.parametrize("lie", [*LIES.values(), _no_digest_at_all], ids=[*LIES, "a digest that is none"])
def test_B10_an_answer_that_is_not_what_was_asked_for_is_refused_whole_and_blamed(scene: Scene, lie: Lie) -> None:
    with scene.agent(signals=UNPROBED) as watched:
        scene.cloud.script = Script(lie=lie)
        # As much time as a busy machine may take for an answer: late it would be no lie, but late.
        results = [watched.infer("tiny", X, deadline_ms=60_000) for _ in range(6)]
        assert {result.target for result in results} == {"device"}
        assert [f.code for f in results[0].receipt.failures] == ["BAD_RESPONSE"]
        assert results[0].outputs["probabilities"][0, 0] == np.float32(0.9)
        assert watched.agent.core.phase("cloud") is BreakerPhase.OPEN
        assert scene.cloud.calls["ModelInfer"] == 5


def test_B10_the_full_model_of_another_release_is_named_with_what_to_do(scene: Scene) -> None:
    scene.cloud.script = Script(lie=LIES["another digest"])
    with (
        scene.agent("only_in_cloud", signals=UNPROBED) as watched,
        pytest.raises(AllTargetsFailed, match=r"model 'tiny' there is sha256:.*deploy the release's full model"),
    ):
        watched.infer("tiny", X, deadline_ms=60_000)


def test_a_model_version_that_the_cloud_does_not_have_is_not_found_and_the_device_answers(scene: Scene) -> None:
    scene.cloud.models["tiny"] = CloudModel(answering(0, 0, 1), version="2")
    with scene.agent(signals=UNPROBED) as watched:
        result = watched.infer("tiny", X)
        assert (result.target, [f.code for f in result.receipt.failures]) == ("device", ["MODEL_NOT_FOUND"])


def test_a_stranger_that_does_not_say_what_it_runs_is_used_and_the_receipt_says_so(scene: Scene) -> None:
    scene.cloud.models["tiny"] = CloudModel(answering(0, 0, 1), digest=None)
    with scene.agent(signals=UNPROBED) as watched:
        receipt = watched.infer("tiny", X).receipt
        assert (receipt.answered_by, receipt.model_digest) == ("cloud", None)
        assert "no digest: the server does not say which model it runs" in str(receipt)


def test_B11_a_reply_far_too_large_is_refused_by_its_size_and_the_device_answers(scene: Scene) -> None:
    scene.cloud.script = Script(lie=huge(8 << 20))
    remote = scene.remote(max_message_bytes=1 << 20)
    with scene.agent(targets={"cloud": remote}, signals=UNPROBED) as watched:
        result = watched.infer("tiny", X)
        assert (result.target, [f.code for f in result.receipt.failures]) == ("device", ["TOO_LARGE"])
        assert result.receipt.sent[0].received_bytes == 0


def test_a_request_over_the_limit_is_not_sent(scene: Scene) -> None:
    remote = scene.remote(max_message_bytes=2048)
    with scene.agent(targets={"cloud": remote}, signals=UNPROBED) as watched:
        result = watched.infer("tiny", {"x": np.ones((200, 4), np.float32)})
        assert (result.target, result.receipt.sent) == ("device", ())
        assert [closed.constraint.value for closed in result.decision.closed] == ["too_large"]
    assert scene.link.connections == 0


def test_B12_a_model_that_is_not_ready_is_no_outage_and_is_used_once_it_is(scene: Scene) -> None:
    clock = FakeClock()
    scene.cloud.script = Script(fails=Code.MODEL_NOT_READY)
    with scene.agent(signals=UNPROBED, clock=clock) as watched:
        for _ in range(10):
            assert watched.infer("tiny", X).target == "device"
        assert watched.agent.core.phase("cloud") is BreakerPhase.CLOSED
        scene.cloud.script = Script()
        clock.advance(5)
        assert watched.infer("tiny", X).target == "cloud"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_B8_a_server_killed_in_the_middle_of_a_call_costs_one_failed_attempt(home: Home, scene: Scene) -> None:
    models = write_repository(home.root / "models", {"slow": slow()})
    release = fake_release("slow", FakeRuntime({"y": np.float32(7)}), manifest=home.slow_release() / "manifest.toml")
    answers: list[Result] = []
    with cloud_process(models) as cloud, FaultyLink(host_port(cloud.target)) as link:
        host, port = link.address
        with scene.agent(
            release=release, targets={"cloud": RemoteConfig(address=f"{host}:{port}")}, signals=UNPROBED
        ) as watched:
            few, many = ({"n": np.array([n], np.int64)} for n in (1, 50_000_000))
            assert watched.infer("slow", few, deadline_ms=20_000).target == "cloud"
            before = link.bytes_up
            asking = threading.Thread(target=lambda: answers.append(watched.infer("slow", many, deadline_ms=20_000)))
            asking.start()
            eventually(lambda: link.bytes_up > before)
            cloud.process.send_signal(signal.SIGKILL)
            asking.join(20)
            [result] = answers
            assert (result.target, [f.code for f in result.receipt.failures]) == ("device", ["UNAVAILABLE"])
            assert result.receipt.duration_s < 10
