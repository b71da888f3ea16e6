"""What a label forbids does not happen: not by choice, fault, retry, probe, log, metric, record or error.

The link counts what left from its first byte on, probes and handshakes included."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge_agent import (
    AgentError,
    AllTargetsFailed,
    InputError,
    NoFeasibleTarget,
    RemoteConfig,
    RequestError,
    UnknownLabel,
)
from edge_agent.runtimes import RunFailed
from edge_agent.testing import (
    LIES,
    CloudModel,
    FakeCloud,
    FakeRuntime,
    Faults,
    FaultyLink,
    Script,
    Scripted,
    fake_release,
)
from tests.builders.agents import SMALL, Home, policy_text
from tests.builders.scenes import Scene, X, answering, host_port
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

MODES = ["only_on_device", "prefer_on_device", "prefer_in_cloud", "only_in_cloud", "auto"]
# At and below a score that the device never exceeds: every answer of its is to be escalated, if that were allowed.
ESCALATING = "[escalation]\nbelow = 1.0\n"


def _device_fails(scene: Scene) -> None:
    def fail(_: object) -> dict[str, Any]:
        raise RunFailed("the device's model cannot run")

    scene.device.answer = fail


def _black_hole(scene: Scene) -> None:
    scene.link.faults = Faults(black_hole=True)


def _overloaded(scene: Scene) -> None:
    scene.cloud.script = Script(fails=grpc.StatusCode.RESOURCE_EXHAUSTED)


def _lying(scene: Scene) -> None:
    scene.cloud.script = Script(lie=LIES["NaN"])


FAULTS: dict[str, Callable[[Scene], None]] = {
    "none": lambda _: None,
    "device_fails": _device_fails,
    "link_down": lambda scene: scene.link.down(),
    "black_hole": _black_hole,
    "overloaded": _overloaded,
    "lying": _lying,
}


@pytest.mark.parametrize("label", ["secret", None])
@pytest.mark.parametrize("mode", MODES)
def test_G1_not_a_byte_and_not_a_connection_for_what_the_label_keeps_here(
    scene: Scene, mode: str, label: str | None
) -> None:
    rules = (
        f'{ESCALATING}[[rules]]\nname = "cloud-now"\nwhen = {{ battery_pct = {{ at_most = 50 }} }}\nmode = "{mode}"\n'
    )
    battery = Scripted({"battery_pct": 5.0, "rtt_ms.cloud": 0.1})
    for name, fault in FAULTS.items():
        scene.device.answer = answering(0.34, 0.33, 0.33)
        fault(scene)
        with scene.agent(mode, rules=rules, sources=[battery]) as watched:
            for _ in range(3):
                if mode == "only_in_cloud" or name == "device_fails":
                    with pytest.raises((NoFeasibleTarget, AllTargetsFailed)):
                        watched.infer("tiny", X, privacy=label)
                else:
                    result = watched.infer("tiny", X, privacy=label)
                    assert (result.target, result.receipt.sent, result.outcome.escalated) == ("device", (), False)
        if name == "link_down":
            scene.link.up()
        scene.link.faults = Faults()
        scene.cloud.script = Script()
    assert (scene.link.connections, scene.link.bytes_up) == (0, 0)
    assert not scene.cloud.calls


@pytest.mark.parametrize("failed", ["secret", None])
def test_G1_a_label_that_forbids_the_cloud_is_not_overruled_by_a_device_that_is_missing(
    scene: Scene, failed: str | None
) -> None:
    with scene.agent(release=fake_release("tiny", None)) as watched:
        with pytest.raises(NoFeasibleTarget) as caught:
            watched.infer("tiny", X, privacy=failed)
        assert [(closed.target, closed.constraint.value) for closed in caught.value.closed] == [
            ("device", "not_served"),
            ("cloud", "label"),
        ]
        # The same request, with a label that allows it, is answered there.
        assert watched.infer("tiny", X, privacy="public").target == "cloud"


def test_G3_an_unknown_label_runs_nothing_and_sends_nothing(scene: Scene) -> None:
    with scene.agent("prefer_in_cloud") as watched:
        runs = scene.device.runs
        with pytest.raises(UnknownLabel, match='did you mean "secret"'):
            watched.infer("tiny", X, privacy="secrets")
        assert scene.device.runs == runs
    assert scene.link.connections == 0


def test_G3_the_strictest_of_all_labels_decides_for_a_request_without_one(scene: Scene) -> None:
    rules = '[labels]\nopen = ["device", "cloud"]\nclosed = ["device"]\n'
    with scene.agent("prefer_in_cloud", rules=rules) as watched:
        assert watched.infer("tiny", X, privacy=None).target == "device"
        assert scene.link.connections == 0
        assert watched.infer("tiny", X, privacy="open").target == "cloud"


def test_the_endpoint_hears_of_a_device_only_while_requests_come_that_may_go_there(scene: Scene) -> None:
    """Also a probe says that somebody is there: it is made on demand, and the demand is a permitted request."""
    with scene.agent("auto") as watched:
        for _ in range(50):
            watched.infer("tiny", X, privacy="secret")
        watched.agent.core.sampler.sample_due()
        assert scene.link.connections == 0
        watched.infer("tiny", X, privacy="public")
        watched.agent.core.sampler.sample_due()
        eventually(lambda: scene.cloud.calls["ServerLive"] >= 2)  # also by the source's own thread
        eventually(lambda: any(s.name == "rtt_ms.cloud" and s.fresh for s in watched.agent.signals()))


_AUDITED = """
import sys
from pathlib import Path

import numpy as np

seen = []
WATCHED = {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname",
           "socket.__new__", "socket.bind"}
sys.addaudithook(lambda event, args: seen.append(event) if event in WATCHED else None)

from edge_agent import Agent

with Agent.from_config(Path(sys.argv[1])) as agent:
    for label in ("secret", None) * 50:
        result = agent.infer("tiny", {"pixels": np.zeros((1, 4), np.uint8)}, privacy=label)
        assert result.target == "device" and not result.receipt.sent, result
    agent.core.sampler.sample_now()
assert not seen, seen
"""


def test_G1_a_process_with_nothing_but_secrets_makes_no_socket_call_at_all(home: Home, scene: Scene) -> None:
    folder = home.release(model=SMALL)
    host, port = scene.link.address
    config = home.root / "agent.toml"
    config.write_text(
        f'schema = 1\n[models.tiny]\nrelease = "{folder.as_posix()}"\n'
        f'[targets.cloud]\naddress = "{host}:{port}"\n[signals]\nround_trip_s = 0.01\n',
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "-c", _AUDITED, str(config)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert scene.link.connections == 0


# All that a policy can want of a network, for every label that the one in force keeps here.
_WANTS_ALL = """
[labels]
public = ["device", "cloud"]
secret = ["device", "cloud"]
[radio]
wake = true
[exploration]
share = 1.0
[hedge]
share = 0.05
[escalation]
below = 1.0
[promise]
max_loss = 0.01
audit = 0.5
[worth]
wrong_answer = 100.0
"""


@pytest.mark.parametrize("label", ["public", "secret", None])
@pytest.mark.parametrize("shadow", ["prefer_in_cloud", "only_in_cloud", "auto"])
def test_G1_a_policy_that_only_looks_on_sends_nothing_whatever_it_wants(
    scene: Scene, shadow: str, label: str | None
) -> None:
    looking_on = scene.folder / "policy-next.toml"
    looking_on.write_text(policy_text(shadow, more=_WANTS_ALL), encoding="utf-8")
    canary = {"x": np.full((1, 4), 0.123456, np.float32)}
    records = scene.folder / "records.jsonl"
    with scene.agent("only_on_device", rules=ESCALATING, shadow_policy=looking_on, records=records) as watched:
        for _ in range(3):
            result = watched.infer("tiny", canary, privacy=label)
            assert (result.target, result.receipt.sent) == ("device", ())
        summary = watched.agent.shadow()
        assert summary is not None
        assert (summary.compared, summary.failed) == (3, 0)
        assert all(difference.shadow != "device" for difference in summary.differences)
        assert summary.agreed == 0
        assert "0.123456" not in repr([watched.agent.core.shadow, summary, watched.agent.last()])
    assert (scene.link.connections, scene.link.bytes_up) == (0, 0)
    assert not scene.cloud.calls
    assert "0.123456" not in records.read_text("utf-8")


CANARY = "canary-5f2a"


@pytest.mark.parametrize("label", ["public", "secret"])
@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Script(), id="answered"),
        pytest.param(Script(fails=grpc.StatusCode.INTERNAL, details=f"it said {CANARY}"), id="server_quotes"),
        pytest.param(
            Script(fails=grpc.StatusCode.UNAVAILABLE, details=CANARY, trailing=(("x", CANARY),)), id="server_echoes"
        ),
        pytest.param(Script(lie=LIES["NaN"]), id="lying"),
    ],
)
@pytest.mark.parametrize("device", ["answers", "fails"])
def test_G2_nothing_of_a_request_or_of_a_strangers_words_is_written_anywhere(
    scene: Scene, caplog: pytest.LogCaptureFixture, script: Script, label: str, device: str
) -> None:
    caplog.set_level(logging.DEBUG)
    scene.cloud.script = script
    manifest = BYTES_MANIFEST
    runtime = FakeRuntime(lambda _: {"probabilities": np.array([[0.9, 0.06, 0.04]], np.float32)})
    registry = CollectorRegistry()
    told: list[str] = []
    with scene.agent(release=fake_release("tiny", runtime, manifest=manifest), registry=registry) as watched:
        if device == "fails":
            runtime.answer = _quoting
        for given in (
            {"text": np.array([CANARY.encode()], object)},
            {"text": np.array([CANARY], object)},
            {"text": CANARY},
            {"text": np.array([[CANARY]], object)},
            {"text": [CANARY, 5]},
            {"other": np.array([CANARY], object)},
            {},
        ):
            try:
                result = watched.infer("tiny", given, privacy=label)
                told += [repr(result), result.reason, str(result.receipt), result.to_json(), result.explain()]
                told.append(repr(result.receipt))
            except AgentError as error:
                told += _everything_about(error)
        for deadline in (CANARY, [CANARY]):
            with pytest.raises(RequestError) as caught:
                watched.infer("tiny", {}, deadline_ms=deadline)
            told += _everything_about(caught.value)
        told += [str(entry) for entry in watched.agent.last(100)]
        told.append(generate_latest(registry).decode())
    assert CANARY not in "\n".join(told)
    assert CANARY not in caplog.text


def test_G2_what_the_app_calls_a_label_or_a_model_reaches_its_own_exception_and_nothing_else(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    registry = CollectorRegistry()
    with scene.agent(registry=registry) as watched:
        with pytest.raises(UnknownLabel):
            watched.infer("tiny", X, privacy=CANARY)
        with pytest.raises(RequestError):
            watched.infer(CANARY, X)
        assert not watched.agent.last(10)
    assert CANARY not in generate_latest(registry).decode() + caplog.text


def test_a_refused_tensor_is_told_by_name_and_not_by_value(scene: Scene) -> None:
    secret = np.full((1, 4), 123456.0, np.float32)
    secret[0, 2] = np.nan
    with scene.agent() as watched, pytest.raises(InputError) as caught:
        watched.infer("tiny", {"x": secret})
    assert "123456" not in "".join(_everything_about(caught.value))
    assert scene.link.connections == 0


BYTES_MANIFEST = """schema = 1
name = "tiny"
version = 1
[[inputs]]
name = "text"
datatype = "BYTES"
shape = [1]
[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 3]
[device]
file = "tiny.onnx"
digest = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
[remote]
model = "tiny"
"""


def _quoting(inputs: Any) -> dict[str, Any]:
    raise RunFailed("the runtime refused the run")


def _everything_about(error: BaseException) -> list[str]:
    told = [str(error), repr(error), json.dumps({k: str(v) for k, v in vars(error).items()})]
    for beneath in (error.__cause__, error.__context__ if not error.__suppress_context__ else None):
        if beneath is not None:
            told += _everything_about(beneath)
    return told


def test_a_cloud_cannot_count_the_requests_that_it_may_not_see(scene: Scene) -> None:
    """Ids used to be numbered: two of them told how many secret requests came between."""
    with scene.agent() as watched:
        ids = []
        for _ in range(2):
            watched.infer("tiny", X, privacy="public")
            ids.append(scene.cloud.last_request_id)
            for _ in range(20):
                watched.infer("tiny", X, privacy="secret")
    first, second = ids
    assert len(first) == len(second) == 16
    assert first[:8] != second[:8]  # nor is there a part that stays, by which a device could be known again


def test_an_endpoint_that_a_label_closes_does_not_hear_of_it_because_another_is_open(scene: Scene) -> None:
    """Round trips used to be measured to all remote targets, or to none."""
    with FakeCloud({"tiny": CloudModel(answering(0.1, 0.2, 0.7))}) as fog, FaultyLink(host_port(fog.address)) as way:
        host, port = way.address
        targets = {"cloud": scene.remote(), "fog": RemoteConfig(address=f"{host}:{port}")}
        labels = '[labels]\nnearby = ["device", "fog"]\nopen = ["device", "fog", "cloud"]\n'
        with scene.agent(rules=labels, targets=targets) as watched:
            for _ in range(20):
                assert watched.infer("tiny", X, privacy="nearby").target == "fog"
            watched.agent.core.sampler.sample_due()
            eventually(lambda: fog.calls["ServerLive"] >= 2)
            assert scene.link.connections == 0
            watched.infer("tiny", X, privacy="open")
            eventually(lambda: scene.cloud.calls["ServerLive"] >= 2)
