"""A call that something unheard-of befalls gives back what it was admitted with: the breaker's one probe."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, cast

import grpc
import pytest

from edge_agent.call import Call
from edge_agent.call.executor import drive
from edge_agent.egress import Permit
from edge_agent.egress.remote import Remote
from edge_agent.experience import Experience
from edge_agent.testing import FakeClock, FakeRuntime, fake_release
from router.choosing.engine import Decision, decide
from router.choosing.plan import Leg, Plan
from router.rules.compile import compile_policy
from router.types import BreakerPhase, Kind, Request, Situation, TargetView, TimeEstimate
from tests.builders.agents import policy_text
from tests.builders.scenes import X, answering
from tests.builders.settings import setting_of

BREAKER = "[breaker]\nconsecutive = 1\nopen_s = 1.0\nmax_open_s = 1.0\njitter = 0\n"
POLICY = compile_policy(
    policy_text("only_in_cloud", more=BREAKER).encode(), targets={"device": Kind.DEVICE, "cloud": Kind.CLOUD}
)


class _Refuses:
    """A transport that raises before anything is under way."""

    name, kind, endpoint = "cloud", Kind.CLOUD, "nowhere:1"

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def call(self, *_: object, **more: Any) -> object:  # Any: what Remote.call takes
        raise self._error


class _Flies(_Refuses):
    """A transport whose calls end at once, in something that cannot be read."""

    sent_bytes = 10
    unsent = False

    def call(self, *_: object, **more: Any) -> _Flies:  # Any: as above
        more["on_done"]()
        return self

    def result(self) -> object:
        raise self._error

    def cancel(self) -> None:
        """It has ended."""


def _half_open(clock: FakeClock) -> Experience:
    experience = Experience(POLICY, chance=random.Random(0))
    admission = experience.admit("cloud", Kind.CLOUD, "tiny", 0, {}, clock())
    assert admission is not None
    experience.remote_failed(admission, "tiny", blamed=True, now=clock())
    clock.advance(2.0)
    assert experience.phase("cloud", clock()) is BreakerPhase.HALF_OPEN
    return experience


def _call(remote: Any, experience: Experience, clock: FakeClock) -> Call:  # Any: stands in for a Remote
    time = TimeEstimate((0.001,) * 5, 0)
    view = TargetView("cloud", Kind.CLOUD, True, "", 100, 1000, time, 0.0, None, BreakerPhase.HALF_OPEN, True)
    request = Request("r", "tiny", "public", clock() + 10, False)
    decided = decide(POLICY, Situation(request, {}, (view,), None, clock()))
    plan = Plan((Leg("cloud"),))
    decision = Decision(plan, decided.choice, decided.mode, (), (), (), (), POLICY.digest, decided.situation)
    release = fake_release("tiny", FakeRuntime(answering(1, 0, 0)))
    permit = Permit({"cloud": cast(Remote, remote)})
    return Call(setting_of(release, POLICY, experience, clock), X, decision, plan, permit)


@pytest.mark.parametrize("transport", [_Refuses, _Flies])
@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), MemoryError(), grpc.RpcError()], ids=lambda error: type(error).__name__
)
def test_a_probe_that_something_unheard_of_befalls_is_given_back(
    transport: Callable[[BaseException], object], error: BaseException
) -> None:
    """It was not, and the target stayed half-open, and closed to every request, for ever."""
    clock = FakeClock()
    experience = _half_open(clock)
    with pytest.raises(type(error)):
        drive(_call(transport(error), experience, clock), clock=clock)
    assert experience.admit("cloud", Kind.CLOUD, "tiny", 0, {}, clock()) is not None
