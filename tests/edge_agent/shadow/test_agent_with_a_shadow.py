"""An agent that carries a second policy along: what it tells of it, and what that costs a request."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from edge_agent.cli.watch import follow
from router.rules.policy import Policy
from router.telling.record import from_json, replay
from router.types import Situation
from tests.builders.agents import policy_text
from tests.builders.scenes import Scene, X
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide


def _shadow(scene: Scene, mode: str = "prefer_in_cloud", *, version: int = 1, more: str = "") -> Path:
    path = scene.folder / "policy-next.toml"
    path.write_text(policy_text(mode, version=version, name="next", more=more), encoding="utf-8")
    return path


def test_each_record_says_what_the_shadow_would_have_done_as_a_replay_of_it_does(scene: Scene) -> None:
    records = scene.folder / "records.jsonl"
    with scene.agent("only_on_device", shadow_policy=_shadow(scene), records=records) as watched:
        ids = [watched.infer("tiny", X).receipt.request_id for _ in range(5)]
        assert watched.agent.core.shadow is not None
        policy = watched.agent.core.shadow.file.current
        assert policy is not None
    read = [from_json(line.decode()) for line in follow(records, last=10, wait=None)]
    assert [record.decision.situation.request.id for record in read] == ids
    for record in read:
        assert record.shadow is not None
        again = replay(record.decision, policy)
        assert (record.shadow.plan, record.shadow.choice, record.shadow.rules) == (
            again.plan,
            again.choice,
            again.rules,
        )
        assert (record.shadow.why, record.shadow.policy_digest) == ("mode", policy.digest)


def test_the_journal_and_a_request_s_story_tell_it_once_it_was_looked_at(scene: Scene) -> None:
    with scene.agent("only_on_device", shadow_policy=_shadow(scene)) as watched:
        request_id = watched.infer("tiny", X).receipt.request_id
        assert watched.agent.shadow() is not None
        (entry,) = watched.agent.last(1)
        assert entry.shadow is not None
        assert (entry.shadow.choice, entry.shadow.agrees) == ("cloud", False)
        assert "Shadow: policy next version 1: cloud" in watched.agent.explain(request_id)
        assert "they part at mode." in watched.agent.explain(request_id)


def test_the_request_itself_is_decided_run_and_sent_as_without_it(scene: Scene) -> None:
    """The same draws, the same answers, the same bytes: a shadow is not felt."""
    told = []
    for more in ({}, {"shadow_policy": _shadow(scene, "auto", more="[exploration]\nshare = 1.0\n")}):
        seen = []
        rules = "[exploration]\nshare = 0.5\n[escalation]\nbelow = 0.95\n"
        with scene.agent("auto", rules=rules, **more) as watched:
            for _ in range(20):
                result = watched.infer("tiny", X)
                seen.append((result.decision.situation.draw, result.decision.choice, result.target))
        told.append(seen)
    assert [draw for draw, *_ in told[0]] == [draw for draw, *_ in told[1]]


def test_metrics_tell_agreements_and_differences(scene: Scene) -> None:
    registry = CollectorRegistry()
    with scene.agent("only_on_device", shadow_policy=_shadow(scene), registry=registry) as watched:
        for _ in range(3):
            watched.infer("tiny", X)
        watched.agent.shadow()
        labels = {"model": "tiny", "acted": "device", "shadow": "cloud", "why": "mode"}
        assert registry.get_sample_value("nearfar_shadow_decisions_total", labels) == 3
        status = watched.agent.shadow().policy  # type: ignore[union-attr]  # it carries one
        assert status is not None
        info = {"name": "next", "version": "1", "digest": status.digest}
        assert registry.get_sample_value("nearfar_shadow_info", info) == 1


def test_its_file_is_read_again_while_the_agent_runs(scene: Scene) -> None:
    path = _shadow(scene)
    with scene.agent("only_on_device", shadow_policy=path, policy_check_s=0.01) as watched:
        _shadow(scene, "only_on_device", version=2)
        eventually(lambda: watched.agent.shadow().policy.version == 2)  # type: ignore[union-attr]  # it carries one
        watched.infer("tiny", X)
        summary = watched.agent.shadow()
        assert summary is not None
        assert (summary.compared, summary.agreed) == (1, 1)


def test_a_broken_one_is_told_by_log_metric_and_agent_and_hurts_nobody(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    path = scene.folder / "policy-next.toml"
    path.write_text("mode = ", encoding="utf-8")
    registry = CollectorRegistry()
    with scene.agent("only_on_device", shadow_policy=path, registry=registry) as watched:
        assert watched.infer("tiny", X).target == "device"
        summary = watched.agent.shadow()
        assert summary is not None
        assert (summary.policy, summary.compared) == (None, 0)
        assert "not TOML" in (summary.problem or "")
        assert registry.get_sample_value("nearfar_shadow_reloads_total", {"outcome": "refused"}) == 1
    assert "no policy looks on" in caplog.text


def test_a_fault_in_its_decision_hurts_no_request(scene: Scene) -> None:
    def crash(policy: Policy, at: Situation) -> None:
        raise ZeroDivisionError

    with scene.agent("only_on_device", shadow_policy=_shadow(scene)) as watched:
        assert watched.agent.core.shadow is not None
        watched.agent.core.shadow._decide = crash  # type: ignore[assignment]  # a fault that is not there yet
        for _ in range(3):
            assert watched.infer("tiny", X).target == "device"
        summary = watched.agent.shadow()
        assert summary is not None
        assert (summary.compared, summary.failed) == (0, 3)


def test_without_one_nothing_is_called_kept_or_started_for_it(scene: Scene) -> None:
    with scene.agent("only_on_device") as watched:
        watched.infer("tiny", X)
        assert watched.agent.shadow() is None
        assert watched.agent.core.journal._hand_on is None
        assert "nearfar-shadow" not in {thread.name for thread in threading.enumerate()}
