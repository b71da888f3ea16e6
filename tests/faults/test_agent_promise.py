"""A device whose answers are no longer what was certified: noticed by audits, said, and made up for."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from edge_agent.releases import Release
from edge_agent.testing import FULL_MODEL_DIGEST, CloudModel
from router.cascade.audits import parse_audit
from tests.builders.certificates_of_loss import certificate, promise
from tests.builders.scenes import Scene, X, answering
from tests.builders.waiting import eventually
from tests.builders.watched import Watched

pytestmark = pytest.mark.wide

# A cloud that nobody would ask for its own sake: what goes there goes for the promise.
POLICY = "[targets.cloud]\nusd_per_request = 5\n[promise]\nmax_loss = 0.02\naudit = 0.5\n"
AGREES, DISAGREES = answering(0.8, 0.1, 0.1), answering(0.1, 0.8, 0.1)


def certified(scene: Scene, **changed: Any) -> Release:  # Any: fields of a certificate
    """The scene's release, with a certificate of it: at 2 % loss, a margin above 0.5 stays."""
    release = scene.release
    held = certificate(
        device_digest=release.device_digest,
        remote_digest=FULL_MODEL_DIGEST,
        promises=[promise(0.02, 0.1, [0.25, 0.0])],
        # All in calibration had the one confidence that the fake device has: drift has nothing to say here.
        reference={"edges": [0.5], "counts": [0, 100]},
        **changed,
    )
    return replace(release, certificate=held, why_uncovered="")


@pytest.fixture
def scene(tmp_path: Path) -> Any:  # Any: an iterator of scenes
    with Scene(tmp_path) as scene:
        scene.cloud.models["tiny"] = CloudModel(AGREES)
        yield scene


def share_kept(agent: Watched, requests: int) -> float:
    kept = [agent.infer("tiny", X, privacy="public", deadline_ms=5000).target == "device" for _ in range(requests)]
    return sum(kept) / requests


def test_D21_a_device_model_that_drifts_is_noticed_by_audits_and_keeps_nothing_any_more(
    scene: Scene, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    registry = CollectorRegistry()
    with (
        caplog.at_level(logging.WARNING, logger="nearfar.agent"),
        scene.agent(
            "auto", rules=POLICY, release=certified(scene), registry=registry, audits=tmp_path / "audits"
        ) as agent,
    ):
        assert share_kept(agent, 60) == 1.0
        assert 'nearfar_promise_state{model="tiny",state="in_force"} 1.0' in generate_latest(registry).decode()
        scene.device.answer = answering(0.06, 0.9, 0.04)  # as sure as ever, and of something else
        eventually(lambda: share_kept(agent, 10) == 0.0, within_s=30)
        result = agent.infer("tiny", X, privacy="public", deadline_ms=5000)
        assert result.target == "cloud"
        assert result.receipt.promise == "alarm"
        assert "disagrees with more kept answers than was certified" in result.receipt.alarm
        assert 'nearfar_promise_state{model="tiny",state="alarm"} 1.0' in generate_latest(registry).decode()
        said = [record.getMessage() for record in caplog.records if "certify again" in record.getMessage()]
        assert len(said) == 1
        # A new certificate is made of what comes now.
        before = len((tmp_path / "audits").read_text("utf-8").splitlines())
        share_kept(agent, 40)
        records = [parse_audit(line) for line in (tmp_path / "audits").read_text("utf-8").splitlines()[before:]]
        assert len(records) > 5
        assert all(record.disagree == 1 and not record.kept for record in records)
        # Where the cloud cannot be asked the device still answers, and says what its answer is worth.
        alone = agent.infer("tiny", X, privacy="secret", deadline_ms=5000)
        assert alone.target == "device"
        assert alone.receipt.certified is False


def test_D21_a_device_model_that_keeps_agreeing_raises_no_alarm(scene: Scene) -> None:
    with scene.agent("auto", rules=POLICY, release=certified(scene)) as agent:
        assert share_kept(agent, 300) == 1.0
        result = agent.infer("tiny", X, privacy="public", deadline_ms=5000)
    assert result.receipt.promise == "in_force"
    assert result.receipt.alarm == ""


def test_a_cloud_that_answers_with_another_model_ends_the_promise_until_it_answers_with_the_certified_one(
    scene: Scene,
) -> None:
    """Which digest is right is the certificate's to say, and not the manifest's, which may name none."""
    manifest = scene.release.manifest
    assert manifest.remote is not None
    open_to_all = manifest.model_copy(update={"remote": manifest.remote.model_copy(update={"digest": None})})
    release = replace(certified(scene), manifest=open_to_all)
    with scene.agent("auto", rules=POLICY, release=release) as agent:
        scene.device.answer = answering(0.4, 0.3, 0.3)  # not certain: every request goes to the cloud
        assert agent.infer("tiny", X, privacy="public", deadline_ms=5000).receipt.certified is True
        scene.cloud.models["tiny"] = CloudModel(AGREES, digest="sha256:" + "e" * 64)
        strange = agent.infer("tiny", X, privacy="public", deadline_ms=5000)
        assert strange.target == "cloud"
        assert strange.receipt.certified is False
        scene.device.answer = answering(0.9, 0.06, 0.04)
        distrusting = agent.infer("tiny", X, privacy="public", deadline_ms=5000)
        assert distrusting.target == "cloud"
        assert distrusting.receipt.promise == "uncovered"
        scene.cloud.models["tiny"] = CloudModel(AGREES)
        agent.infer("tiny", X, privacy="public", deadline_ms=5000)
        again = agent.infer("tiny", X, privacy="public", deadline_ms=5000)
        assert again.target == "device"
        assert again.receipt.certified is True


def test_I2_an_audit_is_charged_to_the_budget_and_skipped_once_nothing_is_left(scene: Scene) -> None:
    policy = f"{POLICY}[budgets]\nmoney = {{ amount_usd = 5 }}\n"
    with scene.agent("auto", rules=policy, release=certified(scene)) as watched:
        results = [watched.infer("tiny", X, privacy="public", deadline_ms=5000) for _ in range(30)]
        assert sum(result.receipt.audited for result in results) == 1
        assert [budget.left for budget in watched.agent.core.budgets()] == [0.0]
        assert results[-1].target == "device"


def test_an_audit_that_found_no_connection_is_given_back(scene: Scene) -> None:
    """A promise cost its budget where no cloud was in reach."""
    policy = f"{POLICY}[budgets]\nmoney = {{ amount_usd = 50 }}\n"
    scene.link.down()
    with scene.agent("auto", rules=policy, release=certified(scene)) as watched:
        for _ in range(20):
            watched.infer("tiny", X, privacy="public", deadline_ms=5000)
        counts = watched.agent.core.metrics.counts
        eventually(lambda: counts().audits.get(("tiny", "failed"), 0) > 0)
        eventually(lambda: [budget.left for budget in watched.agent.core.budgets()] == [50.0])
