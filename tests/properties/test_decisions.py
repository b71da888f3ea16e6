"""What holds of every decision, whatever the policy and the situation."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.closed import Constraint
from router.choosing.engine import Decision, decide
from router.choosing.memo import Memo
from router.rules.policy import Policy
from router.spending.prospects import amount
from router.spending.radio import IDLE_STEPS_S
from router.telling.explain import in_words
from router.telling.record import from_json, replay, to_json
from router.types import DEVICE, Kind, Mode, Request, Situation, TargetView
from tests.properties.effort import effort, tries
from tests.properties.strategies import (
    budget_views,
    draws,
    policies,
    previous_choices,
    radios,
    readings,
    situations,
    target_views,
)


def _planned(decision: Decision) -> frozenset[str]:
    return frozenset() if decision.plan is None else decision.plan.targets


def _forbids(policy: Policy, decision: Decision, view: TargetView) -> bool:
    applied = [rule for rule in policy.rules if rule.name in decision.rules]
    return any(rule.forbid & {view.name, view.kind.value} for rule in applied)


@effort
@given(policies(), situations())
def test_nothing_is_planned_that_label_mode_rule_health_or_limits_close(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    views = {view.name: view for view in of.targets}
    for name in _planned(decision):
        view = views[name]
        assert policy.permits(of.request.label, name, view.kind)
        assert not (decision.mode is Mode.ONLY_ON_DEVICE and view.kind is not Kind.DEVICE)
        assert not (decision.mode is Mode.ONLY_IN_CLOUD and view.kind is Kind.DEVICE)
        assert not _forbids(policy, decision, view)
        assert view.serves
        assert view.upload_bytes <= view.upload_limit_bytes
        assert view.breaker_admits
    if of.request.deadline <= of.now:
        assert not _planned(decision)


@effort
@given(policies(), situations())
def test_a_label_that_is_missing_or_unknown_reaches_only_what_every_label_permits(
    policy: Policy, of: Situation
) -> None:
    for label in (None, "no such label"):
        unlabelled = replace(of, request=replace(of.request, label=label))
        for name in _planned(decide(policy, unlabelled)):
            kind = next(view.kind for view in of.targets if view.name == name)
            assert all(policy.permits(known, name, kind) for known in policy.labels)


@effort
@given(policies(), situations())
def test_each_target_is_planned_or_closed_for_one_reason_and_never_both(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    closed = [reason.target for reason in decision.closed]
    assert sorted([*closed, *_planned(decision)]) == sorted(view.name for view in of.targets)
    assert all(reason.detail for reason in decision.closed)
    assert (decision.plan is None) == (decision.choice == "none")


@effort
@given(policies(), situations())
def test_equal_situations_give_equal_decisions(policy: Policy, of: Situation) -> None:
    assert decide(policy, of) == decide(policy, replace(of, readings=dict(of.readings)))


@effort
@given(policies(), situations(), st.randoms())
def test_the_order_in_which_targets_are_listed_decides_nothing(policy: Policy, of: Situation, chance) -> None:  # type: ignore[no-untyped-def]  # hypothesis's own
    shuffled = list(of.targets)
    chance.shuffle(shuffled)
    one, other = decide(policy, of), decide(policy, replace(of, targets=tuple(shuffled)))
    assert (one.plan, one.choice, one.mode, one.rules) == (other.plan, other.choice, other.mode, other.rules)
    assert set(one.closed) == set(other.closed)
    assert one.candidates == other.candidates


@effort
@given(policies(), situations())
def test_of_plans_that_cost_the_same_the_device_s_comes_first(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    candidates = decision.candidates
    if decision.chosen_by in ("held", "draw"):
        return
    cheapest = [candidate for candidate in candidates if candidate.cost == candidates[0].cost]
    if any(candidate.name == DEVICE for candidate in cheapest):
        assert cheapest[0].name == DEVICE


@effort
@given(policies(), situations())
def test_what_is_expected_of_a_plan_is_probable_and_finite(policy: Policy, of: Situation) -> None:
    for candidate in decide(policy, of).candidates:
        expected = candidate.expected
        for probability in (expected.p_wrong, expected.p_miss, expected.p_fail):
            assert -1e-12 <= probability <= 1 + 1e-12
        assert expected.p_wrong + expected.p_miss + expected.p_fail <= 1 + 1e-9
        assert expected.seconds >= 0
        assert expected.usd >= 0
        assert expected.megabytes >= 0
        assert expected.joules >= 0
        assert 0 <= expected.radio <= 1 + 1e-12
        assert math.isfinite(candidate.cost)


@effort
@given(policies(), situations())
def test_the_first_that_was_weighed_is_the_choice_and_the_others_follow_by_cost(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    if not decision.candidates:
        return
    first, *others = decision.candidates
    assert first.name == decision.choice
    assert [c.cost for c in others] == sorted(c.cost for c in others) or decision.chosen_by == "audit"
    if decision.chosen_by == "cost" and others:
        assert first.cost <= others[0].cost
    assert 0 < decision.propensity <= 1 + 1e-12


@effort
@given(policies(), situations())
def test_whatever_was_drawn_or_held_the_plan_is_one_of_those_that_were_weighed(policy: Policy, of: Situation) -> None:
    plain = decide(policy, replace(of, draw=None, previous=None))
    decision = decide(policy, of)
    assert {c.name: c.cost for c in decision.candidates} == {c.name: c.cost for c in plain.candidates}
    assert decision.closed == plain.closed
    assert (decision.plan is None) == (plain.plan is None)


@pytest.mark.wide
@effort
@given(policies(), situations())
def test_a_budget_that_is_used_up_is_not_drawn_on_unless_the_policy_says_so(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    views = {view.name: view for view in of.targets}
    for terms in policy.budgets:
        gone = any(b.resource is terms.resource and b.left <= 0 for b in of.budgets)
        if gone and terms.at_zero == "stop":
            for name in _planned(decision):
                assert amount(policy, of, views[name], terms.resource) == 0


@effort
@given(policies(), situations())
def test_escalation_is_planned_only_to_where_a_score_can_be_read_and_a_target_is_open(
    policy: Policy, of: Situation
) -> None:
    decision = decide(policy, of)
    if decision.plan is None or decision.plan.escalation is None:
        return
    assert of.request.can_score
    assert decision.mode is Mode.AUTO
    assert decision.plan.legs[0].target == DEVICE
    assert decision.plan.escalation.to in {leg.target for leg in decision.plan.legs} - {DEVICE}


@effort
@given(policies(), situations())
def test_no_leg_reserves_more_than_half_of_the_time_and_the_last_one_none(policy: Policy, of: Situation) -> None:
    plan = decide(policy, of).plan
    if plan is None:
        return
    left_s = of.request.deadline - of.now
    assert all(0 <= leg.reserve_s <= left_s / 2 for leg in plan.legs)
    assert plan.legs[-1].reserve_s == 0


@effort
@given(policies(), situations())
def test_a_target_that_time_closes_is_slower_than_what_is_left(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    left_s = of.request.deadline - of.now
    views = {view.name: view for view in of.targets}
    for reason in decision.closed:
        if reason.constraint is Constraint.TIME:
            assert views[reason.target].time.optimistic_s > left_s


@effort
@given(policies(), situations())
def test_a_record_comes_back_equal_and_is_decided_again_the_same(policy: Policy, of: Situation) -> None:
    decision = decide(policy, of)
    read = from_json(to_json(decision)).decision
    assert read == decision
    assert replay(read, policy) == decision


@effort
@given(policies(), situations())
def test_every_decision_can_be_told_in_words(policy: Policy, of: Situation) -> None:
    story = in_words(decide(policy, of))
    assert all(view.name in story for view in of.targets)


# -- the memo ----------------------------------------------------------------------------------------------------------


CHANGES = (
    *("nothing", "clock", "readings", "targets", "share", "score", "label", "copies"),
    *("radio", "watts", "budgets", "wakes", "draw", "previous"),
)


@st.composite
def _courses(draw: st.DrawFn) -> list[Situation]:
    """Requests one after the other, mostly with ample time, between which one thing changes, or none."""
    current = draw(situations(well=True))
    course = []
    for number in range(draw(st.integers(2, 8))):
        old, changed = current.request, dict[str, object]()
        now, label, can_score = current.now, old.label, old.can_score
        match draw(st.sampled_from(CHANGES)):
            case "clock":
                now += draw(st.sampled_from([1e-6, 0.05, 1.0, 3.0, 50.0, 150.0, 300.0, -1.0, -200.0]))
            case "readings":
                changed["readings"] = draw(readings(now))
            case "targets":
                changed["targets"] = tuple(draw(target_views(view.name, well=True)) for view in current.targets)
            case "share":
                changed["p_escalate"] = draw(st.sampled_from([None, 0.0, 0.5]))
            case "score":
                can_score = not can_score
            case "label":
                label = draw(st.sampled_from(["public", "secret", None]))
            case "radio":
                changed["radio"] = draw(radios(now))
            case "watts":
                changed["device_w"] = draw(st.sampled_from([None, 0.5, 5.0]))
            case "budgets":
                changed["budgets"] = draw(budget_views())
            case "wakes":
                changed["silent_wakes"] = draw(st.integers(0, 4))
            case "draw":
                changed["draw"] = draw(draws)
            case "previous":
                changed["previous"] = draw(previous_choices(now))
            case "copies":
                changed["readings"] = dict(current.readings)
                changed["targets"] = tuple(map(replace, current.targets))
        left_s = draw(st.sampled_from([1000.0, 1000.0, 1000.0, 8.0, 1.0, 0.1, 0.005]))
        request = Request(f"r{number}", old.model, label, now + left_s, can_score)
        current = replace(current, **changed, request=request, now=now)  # type: ignore[arg-type]  # by field name
        course.append(current)
    return course


@pytest.mark.wide
@tries(200)
@given(
    policies(reads_time_left=False, weighs=True),
    st.one_of(st.none(), policies()),
    _courses(),
    st.sets(st.integers(0, 8)),
)
def test_a_kept_choice_is_never_another_than_a_fresh_one(
    policy: Policy, other: Policy | None, course: list[Situation], when_other: set[int]
) -> None:
    memo = Memo()
    for number, of in enumerate(course):
        in_force = other if other is not None and number in when_other else policy
        assert memo.decide(in_force, of) == decide(in_force, of)


@effort
@given(policies(reads_time_left=False), situations(), st.floats(0, 0.002), st.data())
def test_a_kept_choice_is_never_another_where_time_just_suffices(
    policy: Policy, of: Situation, more_s: float, data: st.DataObject
) -> None:
    """Around the sums of the targets' times is where a comparison could turn out otherwise."""
    sums = [sum(view.time.pessimistic_s for view in of.targets) * factor for factor in (1, 2)]
    memo = Memo()
    for left_s in (1e6, *sums, *(data.draw(st.sampled_from(sums)) + more_s for _ in range(3)), 20.0):
        at = replace(of, request=replace(of.request, deadline=of.now + left_s))
        assert memo.decide(policy, at) == decide(policy, at)


@effort
@given(policies(reads_time_left=False), situations(), st.integers(-3, 3), st.sampled_from([1e-9, 1e-3, 0.0]))
def test_a_kept_choice_is_never_another_where_a_reading_just_holds(
    policy: Policy, of: Situation, ulps: int, beside_s: float
) -> None:
    memo = Memo()
    started = replace(of, request=replace(of.request, deadline=of.now + 1e6))
    memo.decide(policy, started)
    for reading in of.readings.values():
        now = reading.at + policy.stale_after(reading.name) + beside_s
        for _ in range(abs(ulps)):
            now = math.nextafter(now, math.copysign(math.inf, ulps))
        if now >= of.now:
            later = replace(started, now=now, request=replace(of.request, deadline=now + 1e6))
            assert memo.decide(policy, later) == decide(policy, later)


@effort
@given(
    policies(reads_time_left=False, weighs=True),
    situations(well=True),
    st.integers(-3, 3),
    st.sampled_from([1e-9, 0.0]),
)
def test_a_kept_choice_is_never_another_where_the_radio_just_falls_idle_or_a_stay_just_ends(
    policy: Policy, of: Situation, ulps: int, beside_s: float
) -> None:
    memo = Memo()
    started = replace(of, request=replace(of.request, deadline=of.now + 1e6))
    memo.decide(policy, started)
    edges = [] if of.radio is None or of.radio.used_at is None else [of.radio.used_at + s for s in IDLE_STEPS_S]
    if of.previous is not None and policy.hysteresis is not None:
        edges.append(of.previous.since + policy.hysteresis.dwell_s)
    for edge in edges:
        now = edge + beside_s
        for _ in range(abs(ulps)):
            now = math.nextafter(now, math.copysign(math.inf, ulps))
        if now >= of.now:
            later = replace(started, now=now, request=replace(of.request, deadline=now + 1e6))
            assert memo.decide(policy, later) == decide(policy, later)
