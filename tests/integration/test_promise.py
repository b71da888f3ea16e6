"""A release from data to the app: prepared, served, loaded, kept to its promise, watched, and certified again."""

from __future__ import annotations

import logging
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.publish.data import Examples
from cloud_service.publish.prepare import Prepared, PrepareOptions, prepare
from cloud_service.publish.recertify import recertify
from cloud_service.publish.release import manifest_toml
from edge_agent import Agent, AgentConfig
from edge_agent.core import Core
from edge_agent.demo import models
from edge_agent.demo.digits import Images, load_digits
from edge_agent.errors import NoFeasibleTarget, RequestError
from nearfar_wire.digest import digest_of
from router.cascade.audits import parse_audit
from tests.builders.clouds import running_cloud
from tests.builders.waiting import eventually

pytestmark = [pytest.mark.wide, pytest.mark.slow]

# A cloud nobody would ask for its own sake: only what the certificate demands goes there.
POLICY = """schema = 1
name = "promising"
version = 1

[targets.cloud]
usd_per_request = 2

[promise]
max_loss = 0.05
audit = {audit}
"""


@dataclass(frozen=True)
class Made:
    """A release of digits: a device model that knows little, a full one, and what neither was trained on."""

    prepared: Prepared
    inputs: np.ndarray
    labels: np.ndarray


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    digits = load_digits()
    train = Images(digits.train.pixels[:400], digits.train.labels[:400])
    full = models.to_onnx(models.train_full(train), models.FULL_INPUT)
    little = Images(train.pixels[:60], train.labels[:60])
    small = models.to_onnx(models.train_full(little), models.FULL_INPUT)
    pixels = np.concatenate([digits.train.pixels[400:], digits.calibrate.pixels, digits.held_out.pixels])
    labels = np.concatenate([digits.train.labels[400:], digits.calibrate.labels, digits.held_out.labels])
    inputs = (pixels.reshape(len(pixels), 64) / 16).astype(np.float32)
    options = PrepareOptions(
        name="digits",
        model=full,
        examples=Examples({models.FULL_INPUT: inputs}, labels),
        out=tmp_path_factory.mktemp("made") / "release",
        device_model=small,
        alphas=(0.02, 0.05),
        ship="own",
        label_names=[f"digit {index}" for index in range(10)],
    )
    return Made(prepare(options), inputs, labels)


@dataclass
class Scene:
    """An agent with the release, and the cloud that serves its full model."""

    agent: Agent
    made: Made
    audits: Path

    def ask(self, index: int, privacy: str = "public"):  # type: ignore[no-untyped-def]
        row = self.made.inputs[index : index + 1]
        return self.agent.infer("digits", {models.FULL_INPUT: row}, privacy=privacy, deadline_ms=5000)


def agent_of(made: Made, folder: Path, address: str | None, *, audit: float = 0.0) -> Agent:
    (folder / "policy.toml").write_text(POLICY.format(audit=audit), encoding="utf-8")
    config = AgentConfig.model_validate(
        {
            "models": {"digits": {"release": made.prepared.out}},
            "policy": folder / "policy.toml",
            "targets": {} if address is None else {"cloud": {"address": address}},
            "audits": folder / "audits.jsonl",
            "state": folder / "state",
        }
    )
    return Agent.over(Core(config, sources=[], chance=random.Random(5)))


@pytest.fixture
def scene(made: Made, tmp_path: Path) -> Iterator[Scene]:
    with (
        running_cloud(made.prepared.out / "cloud") as cloud,
        agent_of(made, tmp_path, cloud.target, audit=0.5) as agent,
    ):
        yield Scene(agent, made, tmp_path / "audits.jsonl")


def test_kept_and_escalated_answers_are_certified_and_accuracy_is_as_promised(scene: Scene) -> None:
    chosen = scene.made.prepared.split.evaluate
    results = [scene.ask(index) for index in chosen]
    assert {result.target for result in results} == {"device", "cloud"}
    assert all(result.receipt.certified for result in results)
    promise = scene.made.prepared.certificate.promise(0.05, 0.9)
    assert promise is not None
    kept = sum(result.target == "device" for result in results) / len(results)
    assert kept == pytest.approx(promise.kept, abs=1e-9)
    right = [result.top()[0][0] == f"digit {scene.made.labels[i]}" for result, i in zip(results, chosen, strict=True)]
    evaluation = scene.made.prepared.manifest.evaluation
    assert evaluation is not None
    assert 1 - evaluation.remote_wrong - sum(right) / len(right) == pytest.approx(promise.loss, abs=1e-9)


def test_audits_compare_what_was_kept_and_show_in_receipt_metrics_and_file(scene: Scene) -> None:
    results = [scene.ask(index) for index in range(80)]
    audited = [result for result in results if result.receipt.audited]
    assert audited
    assert all(result.target == "device" and result.receipt.sent_bytes > 0 for result in audited)
    drawn = sum(result.decision.situation.request.audit for result in results)
    eventually(lambda: sum(scene.agent.core.metrics.counts().audits.values()) == drawn, within_s=10)
    counts = scene.agent.core.metrics.counts().audits
    assert counts.get(("digits", "agrees"), 0) + counts.get(("digits", "disagrees"), 0) == len(audited)
    records = [parse_audit(line) for line in scene.audits.read_text("utf-8").splitlines()]
    assert {record.id for record in records if record.kept} == {result.receipt.request_id for result in audited}
    for result in audited[:5]:
        assert scene.agent.feedback(result, "digit 3")
    assert len(scene.audits.read_text("utf-8").splitlines()) == len(records) + 5


def test_rows_asked_together_are_not_called_certified_where_labels_certified_each_alone(scene: Scene) -> None:
    rows = scene.made.inputs[:2]
    result = scene.agent.infer("digits", {models.FULL_INPUT: rows}, privacy="public", deadline_ms=5000)
    certified_alone = [scene.ask(index).target == "device" for index in (0, 1)]
    assert result.target == ("device" if all(certified_alone) else "cloud")
    assert result.receipt.certified is (result.target == "cloud")


class _Quick:
    """A transport whose calls have ended, and told so, before whoever called has them in hand."""

    def __init__(self, remote: Any) -> None:  # Any: a Remote
        self._remote = remote

    def __getattr__(self, name: str) -> Any:  # Any: whatever a Remote has
        return getattr(self._remote, name)

    def call(self, *args: Any, on_done: Callable[[], None], **more: Any) -> Any:  # Any: what Remote.call takes
        ended = threading.Event()

        def done() -> None:
            on_done()
            ended.set()

        flight = self._remote.call(*args, on_done=done, **more)
        assert ended.wait(10)
        return flight


def test_an_audit_that_is_answered_before_its_call_returned_counts(scene: Scene) -> None:
    """It was counted as failed: of a quick cloud's audits, some share was lost."""
    door = scene.agent.core.door
    assert door is not None
    door._remotes["cloud"] = _Quick(door._remotes["cloud"])  # type: ignore[assignment]
    for index in range(20):
        scene.ask(index)
    counts = scene.agent.core.metrics.counts().audits
    assert counts[("digits", "agrees")] > 0
    assert ("digits", "failed") not in counts


def test_nothing_of_a_secret_request_is_audited(scene: Scene) -> None:
    results = [scene.ask(index, "secret") for index in range(40)]
    assert all(result.receipt.sent_bytes == 0 for result in results)
    assert all(result.receipt.certified is False for result in results)
    assert "its label keeps it on the device" in results[0].receipt.why_uncertified


def test_feedback_on_what_was_not_audited_is_of_no_use_and_a_strange_label_is_refused(scene: Scene) -> None:
    secret = scene.ask(0, "secret")
    assert not scene.agent.feedback(secret, 3)
    for label in ("digit 11", 10, -1, True, 2.5, None):
        with pytest.raises(RequestError):
            scene.agent.feedback(secret, label)


def test_without_a_cloud_only_what_would_have_stayed_anyhow_is_called_certified(made: Made, tmp_path: Path) -> None:
    chosen = made.prepared.split.evaluate
    with agent_of(made, tmp_path, None) as agent:
        results = [agent.infer("digits", {models.FULL_INPUT: made.inputs[i : i + 1]}) for i in chosen]
    assert {result.target for result in results} == {"device"}
    promise = made.prepared.certificate.promise(0.05, 0.9)
    assert promise is not None
    certified = [result.receipt.certified for result in results]
    assert sum(certified) / len(certified) == pytest.approx(promise.kept, abs=1e-9)
    doubtful = next(result for result in results if not result.receipt.certified)
    assert "nothing was there to escalate to" in doubtful.receipt.why_uncertified
    assert "nothing was there to escalate to" in doubtful.reason


def _swapped(made: Made, folder: Path, *, golden: bool) -> AgentConfig:
    """Another device file, with a manifest that admits it; without `golden` examples also those that would tell."""
    release = folder / "release"
    shutil.copytree(made.prepared.out, release)
    other = (release / "cloud/digits/1/model.onnx").read_bytes()
    manifest = made.prepared.manifest
    assert manifest.device is not None
    update: dict[str, object] = {"device": manifest.device.model_copy(update={"digest": digest_of(other)})}
    if not golden:
        update["golden"] = None
    (release / manifest.device.file).write_bytes(other)
    (release / "manifest.toml").write_bytes(manifest_toml(manifest.model_copy(update=update)))
    return AgentConfig.model_validate({"models": {"digits": {"release": release}}, "policy": _policy(folder)})


def test_a_model_swapped_after_certification_is_not_covered(made: Made, tmp_path: Path) -> None:
    """D21, and the digests of the certificate."""
    with Agent.over(Core(_swapped(made, tmp_path, golden=False), sources=[])) as agent:
        result = agent.infer("digits", {models.FULL_INPUT: made.inputs[:1]})
    assert result.receipt.certified is False
    assert "another than the certificate's" in result.receipt.why_uncertified


def test_D12_a_model_swapped_after_its_golden_examples_were_made_does_not_answer(made: Made, tmp_path: Path) -> None:
    with (
        Agent.over(Core(_swapped(made, tmp_path, golden=True), sources=[])) as agent,
        pytest.raises(NoFeasibleTarget, match="it answers otherwise than its golden examples"),
    ):
        agent.infer("digits", {models.FULL_INPUT: made.inputs[:1]})


def _policy(folder: Path) -> Path:
    path = folder / "policy.toml"
    path.write_text(POLICY.format(audit=0.0), encoding="utf-8")
    return path


def test_disagreement_raises_an_alarm_once_and_everything_is_escalated_also_after_a_restart(
    scene: Scene, made: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quality = scene.agent.core._qualities["digits"]
    terms = scene.agent.core.policies.current.promise
    assert terms is not None
    with caplog.at_level(logging.WARNING, logger="nearfar.agent"):
        for _ in range(200):
            quality._observe(terms, [True])
    assert sum("certify again" in record.message for record in caplog.records) == 1
    result = scene.ask(0)
    assert result.target == "cloud"
    assert result.decision.situation.promise is not None
    assert result.decision.situation.promise.state == "alarm"
    assert result.receipt.promise == "alarm"
    assert "the cloud disagrees with more kept answers" in result.receipt.alarm
    assert "alarm: the cloud disagrees" in str(result.receipt)
    with agent_of(made, tmp_path, None) as again:
        answered = again.infer("digits", {models.FULL_INPUT: made.inputs[:1]}, privacy="public")
    assert answered.receipt.certified is False
    assert "disagrees" in answered.receipt.why_uncertified


def test_noise_is_noticed_by_its_confidences_where_no_audit_would(made: Made, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((400, 64), dtype=np.float32)
    with running_cloud(made.prepared.out / "cloud") as cloud, agent_of(made, tmp_path, cloud.target) as agent:
        for row in noise:
            result = agent.infer("digits", {models.FULL_INPUT: row[None]}, privacy="public", deadline_ms=5000)
            if result.receipt.alarm:
                break
        else:
            pytest.fail("the drift test did not speak")
    assert "not spread as in calibration" in result.receipt.alarm


def test_audits_make_a_new_certificate(scene: Scene) -> None:
    for index in range(len(scene.made.inputs)):
        scene.ask(index)
    drawn = scene.agent.core.metrics.counts
    scene.agent.close()
    assert sum(drawn().audits.values()) > 100
    release = scene.made.prepared.out
    before = (release / "certificate.json").read_bytes()
    renewed = recertify(release, scene.audits, alphas=[0.1])
    assert renewed.used > 100
    assert renewed.certificate.method.value == "agreement"
    assert (release / "certificate.1.json").read_bytes() == before
    (release / "certificate.json").write_bytes(before)
    (release / "certificate.1.json").unlink()
