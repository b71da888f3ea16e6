"""F: the policy file changes, breaks and comes back while requests run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from edge_agent import AgentError, Result
from router.rules.compile import compile_policy
from router.telling.record import replay
from router.types import Kind
from tests.builders.agents import policy_text
from tests.builders.scenes import Scene, X
from tests.builders.waiting import eventually

pytestmark = pytest.mark.wide

TARGETS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}
MODES = ("only_on_device", "only_in_cloud")


def _swap(path: Path, text: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def test_F8_every_request_follows_the_one_version_that_its_receipt_names(scene: Scene) -> None:
    texts = {version: policy_text(MODES[version % 2], version=version) for version in range(1, 13)}
    policies = {version: compile_policy(text.encode(), targets=TARGETS) for version, text in texts.items()}
    done = threading.Event()
    results: list[Result] = []

    def infer() -> None:
        while not done.is_set():
            results.append(watched.infer("tiny", X, deadline_ms=5000))

    with scene.agent(policy_check_s=0.01) as watched:
        path = scene.folder / "policy.toml"
        _swap(path, texts[1])
        watched.agent.refresh()
        threads = [threading.Thread(target=infer) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            for version in range(2, 13):
                _swap(path, texts[version])
                eventually(lambda version=version: watched.agent.policy.version == version)  # type: ignore[misc]
                seen = len(results)
                eventually(lambda seen=seen: len(results) > seen + 8)  # type: ignore[misc]
        finally:
            done.set()
            for thread in threads:
                thread.join()
    assert {result.receipt.policy_version for result in results} >= set(range(2, 13))
    for result in results:
        receipt = result.receipt
        policy = policies[receipt.policy_version]
        assert receipt.policy_digest == result.decision.policy_digest == policy.digest
        assert result.decision.mode is policy.mode
        assert replay(result.decision, policy) == result.decision
        assert result.target == ("cloud" if receipt.policy_version % 2 else "device")


def test_F7_an_invalid_policy_leaves_the_last_good_one_in_force_and_the_agent_says_so(scene: Scene) -> None:
    registry = CollectorRegistry()

    def reloads(outcome: str) -> float:
        return registry.get_sample_value("nearfar_policy_reloads_total", {"outcome": outcome}) or 0.0

    with scene.agent("only_on_device", registry=registry, policy_check_s=0.01) as watched:
        path = scene.folder / "policy.toml"
        assert watched.agent.policy.problem is None
        _swap(path, policy_text("only_in_cloud", version=2, more="[breaker]\nprobs = 2\n"))
        eventually(lambda: watched.agent.policy.problem is not None)
        assert 'breaker: unknown key "probs"; did you mean "probes"?' in (watched.agent.policy.problem or "")
        assert watched.infer("tiny", X).target == "device"
        path.unlink()
        eventually(lambda: "cannot be read" in (watched.agent.policy.problem or ""))
        assert watched.infer("tiny", X).receipt.policy_version == 1
        assert (reloads("refused"), reloads("adopted")) == (2, 0)
        _swap(path, policy_text("only_in_cloud", version=2))
        eventually(lambda: watched.agent.policy.version == 2)
        assert watched.agent.policy.problem is None
        assert watched.infer("tiny", X).target == "cloud"
        assert (reloads("refused"), reloads("adopted")) == (2, 1)


def test_a_new_policy_keeps_what_was_learnt_unless_it_is_to_be_learnt_otherwise(scene: Scene) -> None:
    with scene.agent("prefer_on_device") as watched:
        path = scene.folder / "policy.toml"

        def samples() -> int:
            return watched.infer("tiny", X).decision.situation.targets[0].time.samples

        for _ in range(20):
            watched.infer("tiny", X)
        learnt = samples()
        assert learnt >= 16
        _swap(path, policy_text("prefer_on_device", version=2, more="[worth]\nsecond = 3.0\n"))
        watched.agent.refresh()
        assert watched.agent.policy.version == 2
        assert samples() >= learnt
        _swap(path, policy_text("prefer_on_device", version=3, more="[estimates]\nmemory_samples = 5\n"))
        watched.agent.refresh()
        assert samples() < learnt


def test_F15_a_policy_that_leaves_requests_without_an_answer_is_taken_back_by_the_agent_itself(scene: Scene) -> None:
    registry = CollectorRegistry()
    with scene.agent("only_on_device", rules="[revert]\n", registry=registry, policy_check_s=3600) as watched:
        for _ in range(60):
            watched.infer("tiny", X)
        watched.agent.refresh()
        policy = scene.folder / "policy.toml"
        policy.write_text(policy_text("only_in_cloud", version=2), encoding="utf-8")
        watched.agent.refresh()
        scene.link.stop()
        for _ in range(40):
            with pytest.raises(AgentError):
                watched.infer("tiny", X)
        watched.agent.refresh()
        assert watched.agent.policy.version == 1
        assert watched.infer("tiny", X).target == "device"
        taken_back = registry.get_sample_value("nearfar_policy_reloads_total", {"outcome": "taken_back"})
        assert taken_back == 1
