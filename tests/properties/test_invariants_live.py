"""What must never be true, held of an agent and a cloud on real sockets: as test_invariants.py, and in real time."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

import grpc
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from edge_agent import Agent, AgentError, Result, SignalsConfig
from edge_agent.testing import Faults, Script
from nearfar_wire.status import Code
from router.types import BreakerPhase
from tests.builders.agents import policy_text
from tests.builders.scenes import Scene, X
from tests.builders.waiting import eventually
from tests.builders.watched import GRACE_S, Watched
from tests.properties.effort import tries

SHORT = "[breaker]\nconsecutive = 3\nopen_s = 0.1\nmax_open_s = 0.2\n[hedge]\nshare = 0.05\n"
BODIES = [
    "",
    '[backup]\nuncertified = "hold"\n',
    "[retry]\nattempts = 4\nbase_ms = 5\n",
    "[escalation]\nbelow = 0.95\n",
]
MODES = ["prefer_in_cloud", "only_in_cloud", "prefer_on_device", "auto"]
SCRIPTS = [
    Script(),
    Script(delay_s=0.1),
    Script(delay_s=30.0),
    Script(fails=grpc.StatusCode.UNAVAILABLE),
    Script(fails=grpc.StatusCode.UNAVAILABLE, trailing=(("grpc-retry-pushback-ms", "-1"),)),
    Script(fails=Code.OVERLOADED),
    Script(fails=Code.INTERNAL),
]
FAULTS = [Faults(), Faults(latency_s=0.05), Faults(black_hole=True), Faults(slice_bytes=1)]


class LiveInvariants(RuleBasedStateMachine):
    """One agent, behind a link to one cloud."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        self.scene = self._stack.enter_context(Scene(folder))
        self.version = 1
        watched = self._stack.enter_context(
            self.scene.agent(rules=SHORT, signals=SignalsConfig(round_trip_s=15), checked=False)
        )
        self.watched: Watched = watched
        self.requests = 0

    @property
    def agent(self) -> Agent:
        return self.watched.agent

    @rule(label=st.sampled_from(["public", "public", "secret"]), left_ms=st.sampled_from([5.0, 60.0, 300.0]))
    def submit(self, label: str, left_ms: float) -> None:
        before = self._sent_bytes()
        self.requests += 1
        result: Result | None = None
        with suppress(AgentError):
            result = self.watched.infer("tiny", X, deadline_ms=left_ms, privacy=label)
        # What was handed to the network, and not what arrived, which a black hole may let go much later.
        assert label != "secret" or self._sent_bytes() == before, "a request left that its label keeps here"
        if result is not None:
            assert result.receipt.duration_s <= left_ms / 1000 + GRACE_S
            sent = result.receipt.sent
            assert sum(part.size_bytes for part in sent) == self._sent_bytes() - before
            assert len(sent) <= 4, "the cloud was asked more often than any policy here allows"

    def _sent_bytes(self) -> int:
        return sum(self.agent.core.metrics.counts().sent_bytes.values())

    @rule(script=st.sampled_from(SCRIPTS))
    def the_cloud_changes(self, script: Script) -> None:
        self.scene.cloud.script = script

    @rule(faults=st.sampled_from(FAULTS))
    def the_link_changes(self, faults: Faults) -> None:
        self.scene.link.faults = faults

    @rule(body=st.sampled_from(BODIES), mode=st.sampled_from(MODES))
    def push_valid_policy(self, body: str, mode: str) -> None:
        self.version += 1
        text = policy_text(mode, version=self.version, more=SHORT + body)
        (self.scene.folder / "policy.toml").write_text(text, encoding="utf-8")
        self.agent.refresh()

    @rule()
    def push_invalid_policy(self) -> None:
        (self.scene.folder / "policy.toml").write_text("mdoe = 1", encoding="utf-8")
        self.agent.refresh()

    @invariant()
    def requests_are_the_sum_of_their_outcomes(self) -> None:
        totals = self.agent.core.metrics.totals()
        outcomes = totals["outcomes"]
        assert isinstance(outcomes, dict)
        assert totals["requests"] == sum(outcomes.values()) == self.requests

    @invariant()
    def no_more_is_hedged_than_its_share(self) -> None:
        counts = self.agent.core.metrics.counts()
        assert sum(n for (role, _), n in counts.extra_runs.items() if role == "hedge") <= 0.05 * self.requests + 1e-6

    @invariant()
    def the_policy_in_force_is_the_last_good_one(self) -> None:
        assert self.agent.core.policy_status().version == self.version

    def teardown(self) -> None:
        """All is well again: the breaker closes, and the cloud answers."""
        try:
            self.scene.link.faults = Faults()
            self.scene.cloud.script = Script()
            self.push_valid_policy("[estimates]\nforget_after_s = 0.2\n", "prefer_in_cloud")
            eventually(lambda: self.watched.infer("tiny", X, deadline_ms=1000).target == "cloud")
            assert self.agent.core.phase("cloud") is BreakerPhase.CLOSED
        finally:
            self._stack.close()


TestLiveInvariants = pytest.mark.slow(LiveInvariants.TestCase)
LiveInvariants.TestCase.settings = tries(15, stateful_step_count=20)
