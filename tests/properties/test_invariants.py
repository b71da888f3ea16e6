"""What must never be true, held after every step of a world in which anything may happen in any order."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from router.running import breaker
from router.running.attempt import Cancelled, Role
from router.types import DEVICE, BreakerPhase
from tests.properties.effort import tries
from tests.properties.world import KINDS, Health, World

HEAD = """
schema = 1
name = "world"
version = {version}
breaker = {{ consecutive = 3, min_calls = 6, open_s = 5, max_open_s = 20, probes = {probes} }}
estimates = {{ memory_samples = 20, forget_after_s = 30 }}
labels.public = ["device", "cloud", "eu"]
labels.american = ["device", "cloud"]
labels.european = ["device", "eu"]
labels.secret = ["device"]
"""
LOW = """
[[rules]]
name = "low"
when = { battery_pct = { less_than = 20 } }
forbid = ["eu"]
mode = "prefer_on_device"
"""
BODIES = {
    "auto": "",
    "hedges": 'mode = "prefer_in_cloud"\nhedge.share = 0.05\n',
    "hedges between clouds, and holds": 'mode = "only_in_cloud"\nhedge.share = 0.05\nretry.attempts = 4\n',
    "holds": 'mode = "prefer_in_cloud"\nbackup = { eps = 0.01, uncertified = "hold" }\n',
    "throttles": 'mode = "prefer_in_cloud"\nthrottle = { k = 1.2, min_rps = 0.1, window_s = 10 }\n',
    "prefers the cloud": 'mode = "prefer_in_cloud"\n',
    "only the cloud": 'mode = "only_in_cloud"\n',
    "escalates": "[escalation]\nbelow = 0.8\nshare = 0.1\n[targets.cloud]\nusd_per_request = 0.2\n"
    "[targets.eu]\nusd_per_request = 0.2\n",
    "looks at the battery": 'mode = "prefer_in_cloud"\n' + LOW,
    "keeps all at home": 'mode = "only_on_device"\n',
}
LABELS = ["public", "public", "american", "european", "secret", None, "no such label"]


def _document(body: str, version: int = 1, probes: int = 1) -> str:
    return HEAD.format(version=version, probes=probes) + BODIES[body]


class Invariants(RuleBasedStateMachine):
    """One agent's core, its targets' health, its policy and its battery."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 1
        self.world = World(_document("prefers the cloud"))
        self.versions_seen = [1]

    # -- rules --------------------------------------------------------------------------------------------------------

    @rule(
        label=st.sampled_from(LABELS),
        left_s=st.sampled_from([0.001, 0.02, 0.1, 0.5, 2.0, 10.0]),
        can_score=st.booleans(),
        times=st.sampled_from([1, 1, 4]),
    )
    def submit(self, label: str | None, left_s: float, can_score: bool, times: int) -> None:
        for _ in range(times):
            self.world.submit(label, left_s, can_score=can_score)

    @rule(seconds=st.sampled_from([0.001, 0.01, 0.05, 0.3, 1.0, 6.0, 40.0, 3600.0]))
    def advance_clock(self, seconds: float) -> None:
        self.world.advance(seconds)

    @rule(name=st.sampled_from(["cloud", "eu"]), health=st.sampled_from(Health))
    def a_cloud_changes(self, name: str, health: Health) -> None:
        self.world.health[name] = health

    @rule(name=st.sampled_from(["cloud", "eu"]), health=st.sampled_from(Health), pause_s=st.sampled_from([0.0, 0.3]))
    def a_cloud_changes_under_a_stream_of_requests(self, name: str, health: Health, pause_s: float) -> None:
        self.world.health[name] = health
        for _ in range(6):
            self.submit("public", 2.0, True, 1)
            self.world.advance(pause_s)

    @rule(health=st.sampled_from([Health.UP, Health.UP, Health.SLOW, Health.DOWN]))
    def the_device_changes(self, health: Health) -> None:
        self.world.health["device"] = health

    @rule(score=st.sampled_from([None, 0.1, 0.8, 0.95, float("nan")]))
    def answers_become_more_or_less_certain(self, score: float | None) -> None:
        self.world.score = score

    @rule(value=st.sampled_from([None, 5.0, 20.0, 80.0]))
    def battery(self, value: float | None) -> None:
        self.world.read("battery_pct", value)

    @rule(chance=st.sampled_from([0.0, 0.3, 0.999]))
    def chance_turns(self, chance: float) -> None:
        self.world.chance = chance

    @rule(body=st.sampled_from(list(BODIES)), probes=st.sampled_from([1, 2]))
    def push_valid_policy(self, body: str, probes: int) -> None:
        self.version += 1
        assert self.world.push(_document(body, self.version, probes))
        self.versions_seen.append(self.version)

    @rule(fault=st.sampled_from(["mdoe = 1", "worth.second = nan", 'labels.x = ["clod"]', "[[["]))
    def push_invalid_policy(self, fault: str) -> None:
        assert not self.world.push(_document("auto", self.version + 1) + "\n" + fault)

    @rule()
    def push_old_policy(self) -> None:
        if self.version > 1:
            assert not self.world.push(_document("only the cloud", self.version - 1))

    @rule(which=st.integers(0, 100))
    def a_caller_cancels(self, which: int) -> None:
        if self.world.open:
            self.world.cancel(sorted(self.world.open)[which % len(self.world.open)], Cancelled())

    @rule()
    def all_is_well_for_a_while(self) -> None:
        """Liveness: with the clouds up and calls made, every breaker closes within its longest pause."""
        self.world.health.update(dict.fromkeys(KINDS, Health.UP))
        self.push_valid_policy("prefers the cloud", 1)
        self.world.advance(60.0)
        before = set(self.world.open)
        for label in ("american", "european"):
            self.world.submit(label, 10.0)
        made = [request for number, request in self.world.open.items() if number not in before]
        self.world.advance(10.0)
        # "american" permits what is of the kind cloud: where that is quicker, the one beyond the sea is not called.
        called = {name for request in made for name in request.asked}
        assert "eu" in called
        for name in ("cloud", "eu"):
            phase = breaker.phase(self.world.breakers.get(name, breaker.CLOSED), self.world.now)
            assert phase is BreakerPhase.CLOSED or (name not in called and phase is BreakerPhase.HALF_OPEN)

    # -- invariants; those of a single call are held by the world as it happens ---------------------------------------

    @invariant()
    def every_request_has_ended_or_still_has_time(self) -> None:
        for request in self.world.open.values():
            assert request.decision.situation.request.deadline >= self.world.now

    @invariant()
    def requests_are_the_sum_of_their_outcomes(self) -> None:
        assert self.world.submitted == self.world.endings.total() + len(self.world.open)

    @invariant()
    def no_target_is_asked_that_was_not_planned_and_none_too_often(self) -> None:
        for request in self.world.open.values():
            plan = request.decision.plan
            assert plan is not None
            assert set(request.asked) <= plan.targets
            attempts = 1 if plan.retry is None else plan.retry.attempts
            assert all(request.asked.count(target) <= attempts for target in request.asked)
            assert request.asked.count(DEVICE) <= 1

    @invariant()
    def no_more_is_hedged_than_its_share(self) -> None:
        assert self.world.extra[Role.HEDGE] <= self.world.could_hedge + 1e-6

    @invariant()
    def what_runs_is_bounded(self) -> None:
        for request in self.world.open.values():
            assert len(request.running) <= 3

    @invariant()
    def the_policy_in_force_is_the_last_good_one(self) -> None:
        assert self.world.policy.version == self.versions_seen[-1]
        assert self.versions_seen == sorted(self.versions_seen)

    def teardown(self) -> None:
        """Left alone, every request ends."""
        self.world.advance(100.0)
        assert not self.world.open
        assert self.world.submitted == self.world.endings.total()


TestInvariants = pytest.mark.wide(Invariants.TestCase)
TestInvariants.settings = tries(60, stateful_step_count=40)
