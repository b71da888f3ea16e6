"""Permits: the only way to a transport, and only for what the policy permits the label."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent import RemoteConfig
from edge_agent.call import Call
from edge_agent.egress import Door, Permit
from edge_agent.egress.remote import Remote
from edge_agent.experience import Experience
from edge_agent.testing import FakeRuntime, fake_release
from router.choosing.engine import Decision, decide
from router.choosing.plan import Escalation, Leg, Plan
from router.rules.compile import compile_policy
from router.running.attempt import Run
from router.types import BreakerPhase, Kind, Request, Situation, TargetView, TimeEstimate
from tests.builders.agents import policy_text
from tests.builders.scenes import X, answering
from tests.builders.settings import setting_of

LABELS = '[labels]\nopen = ["device", "fog", "cloud"]\nfog-only = ["device", "fog"]\nclosed = ["device"]\n'
POLICY = compile_policy(
    policy_text(more=LABELS).encode(), targets={"device": Kind.DEVICE, "fog": Kind.FOG, "cloud": Kind.CLOUD}
)
KINDS = {"fog": Kind.FOG, "cloud": Kind.CLOUD}


def _door() -> Door:
    return Door(Remote(name, kind, RemoteConfig(address="127.0.0.1:1")) for name, kind in KINDS.items())


def _view(name: str, kind: Kind) -> TargetView:
    time = TimeEstimate((0.001,) * 5, 0)
    return TargetView(name, kind, True, "", 100, 1000, time, 0.0, None, BreakerPhase.CLOSED, True)


def _decision(plan: Plan | None, label: str | None) -> Decision:
    """A decision with a plan of the test's own, as a fault in choosing would bring about."""
    views = (_view("device", Kind.DEVICE), *(_view(name, kind) for name, kind in KINDS.items()))
    decided = decide(POLICY, Situation(Request("r", "tiny", label, 10.0, False), {}, views, None, 0.0))
    return Decision(plan, decided.choice, decided.mode, (), decided.closed, (), (), POLICY.digest, decided.situation)


def test_a_permit_knows_the_targets_it_was_issued_for_and_no_others() -> None:
    remote = Remote("cloud", Kind.CLOUD, RemoteConfig(address="127.0.0.1:1"))
    permit = Permit({"cloud": remote})
    assert permit.remote("cloud") is remote
    with pytest.raises(PermissionError, match="holds no permit for 'fog'"):
        permit.remote("fog")


@given(
    legs=st.lists(st.sampled_from(["device", "fog", "cloud"]), unique=True, min_size=1),
    escalate=st.sampled_from([None, "fog", "cloud"]),
    label=st.sampled_from(["open", "fog-only", "closed", None, "unheard-of"]),
)
def test_whatever_a_plan_says_its_permit_holds_no_target_that_the_label_closes(
    legs: list[str], escalate: str | None, label: str | None
) -> None:
    plan = Plan(tuple(map(Leg, legs)), None if escalate is None else Escalation(escalate, 0.5))
    permit = _door().permit(_decision(plan, label), POLICY)
    allowed = {"open": {"fog", "cloud"}, "fog-only": {"fog"}}.get(label or "", set())
    for target in KINDS:
        if permit is not None and target in allowed & plan.targets:
            assert permit.remote(target).name == target
        elif permit is not None:
            with pytest.raises(PermissionError):
                permit.remote(target)
    if not allowed & plan.targets:
        assert permit is None


def test_a_decision_without_a_plan_gets_no_permit() -> None:
    assert _door().permit(_decision(None, "open"), POLICY) is None


def test_a_call_without_a_permit_cannot_reach_a_transport_even_if_its_plan_says_so() -> None:
    """What stands between a fault of ours and a byte on the wire."""
    plan = Plan((Leg("cloud"),))
    experience = Experience(POLICY, chance=random.Random(0))
    release = fake_release("tiny", FakeRuntime(answering(1, 0, 0)))
    setting = setting_of(release, POLICY, experience, lambda: 0.0)
    call = Call(setting, X, _decision(plan, "closed"), plan, None)
    with pytest.raises(PermissionError, match="no permit for 'cloud'"):
        call.start_remote(Run("cloud", 1.0), lambda: None)


def test_closing_twice_is_closing_once_and_what_comes_then_is_refused() -> None:
    door = _door()
    door.close()
    door.close()
    with pytest.raises(Exception, match="the agent was closed"):
        door.remotes["cloud"].round_trip_s()
