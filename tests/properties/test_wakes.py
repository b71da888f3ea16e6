"""What holds of the radio's wakes for requests to come, whatever else the policy says and the targets are like."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from router.choosing.engine import decide
from router.choosing.memo import Memo
from router.rules.policy import Policy, RadioTerms
from router.types import Kind, Mode, Radio, Situation, TargetView, TimeAfter, TimeEstimate
from tests.properties.effort import effort
from tests.properties.strategies import KINDS, policies, situations
from tests.router.situations import policy_of

# A radio that takes a second to wake, a device that is often wrong, and remote targets that never are.
_QUICK = TimeEstimate((0.02, 0.03, 0.04, 0.05, 0.06), 20)
_SLOW = TimeEstimate((0.9, 1.0, 1.1, 1.2, 1.5), 20)
_AFTER = (TimeAfter(0.0, _QUICK), TimeAfter(10.0, _SLOW))


def _sleepy(view: TargetView) -> TargetView:
    if view.kind is Kind.DEVICE:
        return replace(view, time=TimeEstimate((0.001, 0.002, 0.003, 0.004, 0.005), 20), p_fail=0.0, p_wrong=0.5)
    return replace(view, time=_SLOW, times_after=_AFTER, p_fail=0.0, p_wrong=0.0)


@st.composite
def sleepers(draw: st.DrawFn) -> Situation:
    """Requests that come soon after each other and now after a minute of silence; most cannot wait for the radio."""
    of = draw(situations(well=draw(st.booleans())))
    left_s = draw(st.sampled_from([0.03, 0.3, 0.3, 5.0]))
    gaps = draw(st.lists(st.floats(0.01, 30), min_size=1, max_size=4).map(lambda found: tuple(sorted(found))))
    return replace(
        of,
        request=replace(of.request, deadline=of.now + left_s),
        targets=tuple(map(_sleepy, of.targets)),
        radio=Radio("cellular", of.now - 60.0, gaps),
        silent_wakes=draw(st.sampled_from([0, 2, 3])),
    )


# Most that are drawn ask for what leaves no room for a wake: a fixed mode, a rule, a budget.
plain_policies = st.sampled_from(["", "[escalation]\nbelow = 0.5\n", "[labels]\npublic = ['device', 'cloud']\n"]).map(
    lambda text: policy_of(f"[radio]\nwake = true\n{text}", targets=KINDS)
)
waking_policies = st.one_of(
    plain_policies, policies().map(lambda policy: replace(policy, radio=RadioTerms(wake=True, silent_wakes=3)))
)


def _wakes_what_would_be_late(policy: Policy, of: Situation) -> bool:
    plan = decide(policy, of).plan
    late = {view.name for view in of.targets if view.time.optimistic_s > of.request.deadline - of.now}
    return plan is not None and plan.wake in late


@pytest.mark.wide
def test_they_are_looked_at_here() -> None:
    """What is said below of radios that no request could wait for is said of some."""
    found = find(
        st.tuples(plain_policies, sleepers()),
        lambda pair: _wakes_what_would_be_late(*pair),
        settings=settings(max_examples=500, derandomize=True, database=None, phases=[Phase.generate]),
    )
    assert _wakes_what_would_be_late(*found)


@effort
@given(waking_policies, sleepers())
def test_nothing_that_is_closed_is_woken(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    plan = decision.plan
    if plan is None or plan.wake is None:
        return
    view = next(view for view in of.targets if view.name == plan.wake)
    assert plan.targets.isdisjoint(reason.target for reason in decision.closed)
    assert policy.permits(of.request.label, view.name, view.kind)
    assert decision.mode is Mode.AUTO
    assert view.serves
    assert view.breaker_admits
    assert view.pushback_s == 0
    assert of.silent_wakes < policy.radio.silent_wakes
    assert plan.legs[0].target == "device"


@effort
@given(policies(reads_time_left=False, weighs=True), sleepers(), st.lists(st.floats(0, 30), min_size=1, max_size=4))
def test_a_kept_choice_is_never_another_than_a_fresh_one(policy: Policy, of: Situation, later_s: list[float]) -> None:
    policy = replace(policy, radio=RadioTerms(wake=True, silent_wakes=3))
    memo, left_s = Memo(), of.request.deadline - of.now
    for s in [0.0, *sorted(later_s)]:
        at = replace(of, now=of.now + s, request=replace(of.request, deadline=of.now + s + left_s))
        assert memo.decide(policy, at) == decide(policy, at)
