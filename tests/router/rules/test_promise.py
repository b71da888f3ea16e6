"""A policy that asks for a promise: what is kept, what is asked, what is called certified, and what is audited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.engine import decide
from router.choosing.memo import Memo
from router.choosing.plan import Escalation, Plan
from router.rules.promise import audited, of_rows, promise_of
from router.running.attempt import (
    Audit,
    Ending,
    Event,
    Failed,
    Failure,
    Finish,
    Outcome,
    Run,
    Succeeded,
    Woke,
    begin,
    step,
)
from router.telling.explain import reason
from router.telling.record import from_json, to_json
from router.types import Promise, Situation
from tests.builders.certificates_of_loss import certificate, promise
from tests.router.situations import NOW, policy_of, situation, target

ASKS = "[promise]\nmax_loss = 0.02\n"
IN_FORCE = Promise("in_force", "", 0.25, 0.6)
ALARM = Promise("alarm", "audits disagree")
UNCOVERED = Promise("uncovered", "the device's model is another")
# A cloud that nobody would ask for its own sake: far, slow and dear.
DEAR = "[targets.cloud]\nusd_per_request = 5\n"


def asked(given: Promise | None = IN_FORCE, *targets: object, audit: bool = False) -> Situation:
    of = situation(*targets)
    return replace(of, promise=given, request=replace(of.request, audit=audit))


def plan_of(text: str, of: Situation) -> Plan:
    plan = decide(policy_of(text), of).plan
    assert plan is not None
    return plan


def run(plan: Plan, *events: Event) -> tuple[Outcome, list[object]]:
    """Drive a plan; every event comes at once. Returns the outcome, and the commands."""
    state, commands = begin(plan, NOW + 1, NOW)
    given = list(commands)
    for event in events:
        state, commands = step(state, event, NOW)
        given += commands
    finish = given[-1]
    assert isinstance(finish, Finish)
    return finish.outcome, given


def test_in_force_the_certified_threshold_decides_and_the_device_alone_is_not_weighed() -> None:
    decision = decide(policy_of(ASKS + DEAR), asked())
    assert decision.plan is not None and decision.plan.escalation is not None
    assert decision.plan.escalation.by == "gain"
    assert decision.plan.escalation.below == 0.25
    assert "device" not in {candidate.name for candidate in decision.candidates}


@pytest.mark.parametrize(
    ("score", "certified", "why"),
    [(0.26, True, ""), (0.25, False, "an escalation was due"), (None, False, "an escalation was due")],
    ids=["above", "at", "unreadable"],
)
def test_a_kept_answer_is_certified_strictly_above_the_threshold(
    score: float | None, certified: bool, why: str
) -> None:
    plan = plan_of(ASKS + DEAR, asked())
    events: list[Event] = [Succeeded("device", score)]
    if not certified:
        events.append(Failed(Failure("cloud", "UNAVAILABLE")))
    outcome, _ = run(plan, *events)
    assert outcome.target == "device"
    assert outcome.certified is certified
    assert why in outcome.why_uncertified


@pytest.mark.parametrize("covered", [True, False])
def test_a_remote_answer_is_certified_if_it_is_of_the_certificates_model(covered: bool) -> None:
    outcome, _ = run(plan_of(ASKS, asked()), Succeeded("device", 0.0), Succeeded("cloud", covered=covered))
    assert outcome.target == "cloud"
    assert outcome.certified is covered
    assert bool(outcome.why_uncertified) is not covered


@pytest.mark.parametrize("given", [ALARM, UNCOVERED], ids=["alarm", "uncovered"])
def test_without_a_promise_that_holds_everything_feasible_is_asked_remotely(given: Promise) -> None:
    decision = decide(policy_of(ASKS + DEAR), asked(given))
    assert decision.plan is not None
    assert decision.plan.legs[0].target == "cloud"
    outcome, _ = run(decision.plan, Failed(Failure("cloud", "UNAVAILABLE")), Succeeded("device"))
    assert outcome.target == "device"
    assert outcome.certified is False
    assert outcome.why_uncertified == given.why


def test_uncovered_the_policys_own_threshold_serves_and_nothing_is_called_certified() -> None:
    plan = plan_of(ASKS + DEAR + "[escalation]\nbelow = 0.5\n", asked(UNCOVERED))
    assert plan.legs[0].target == "device"
    outcome, _ = run(plan, Succeeded("device", 0.9))
    assert outcome.certified is False


def test_a_model_without_a_score_keeps_nothing() -> None:
    of = asked(UNCOVERED)
    of = replace(of, request=replace(of.request, can_score=False))
    assert plan_of(ASKS + DEAR + "[escalation]\nbelow = 0.5\n", of).legs[0].target == "cloud"


def test_an_alarm_outdoes_the_policys_own_threshold() -> None:
    assert plan_of(ASKS + DEAR + "[escalation]\nbelow = 0.0\n", asked(ALARM)).legs[0].target == "cloud"


@pytest.mark.parametrize(
    ("score", "certified"), [(0.26, True), (0.25, False), (None, False)], ids=["above", "at", "unreadable"]
)
def test_where_nobody_can_be_asked_what_would_have_stayed_anyhow_is_certified(
    score: float | None, certified: bool
) -> None:
    plan = plan_of(ASKS, asked(IN_FORCE, target("device")))
    outcome, commands = run(plan, Succeeded("device", score))
    assert outcome.ending is Ending.ANSWERED
    assert outcome.target == "device"
    assert outcome.certified is certified
    assert ("nothing was there to escalate to" in outcome.why_uncertified) is not certified
    assert plan.targets == {"device"}
    assert not [command for command in commands if isinstance(command, Run) and command.target != "device"]


def test_the_device_in_the_place_of_a_cloud_that_failed_is_certified_above_the_threshold_alone() -> None:
    cheap = "[targets.cloud]\nusd_per_request = 0\n[worth]\nsecond = 0\n[targets.device]\np_wrong = 0.9\n"
    plan = plan_of(ASKS + cheap, asked(IN_FORCE, target("device", p_wrong=0.9), target("cloud", p_wrong=0.0)))
    assert plan.legs[0].target == "cloud"
    for score, certified in ((0.26, True), (0.25, False)):
        outcome, _ = run(plan, Failed(Failure("cloud", "UNAVAILABLE")), Succeeded("device", score))
        assert outcome.target == "device"
        assert outcome.certified is certified


@pytest.mark.parametrize(
    ("method", "rows", "certified"),
    [("labels", 1, True), ("labels", 2, False), ("agreement", 2, True), ("labels", 0, True)],
)
def test_rows_that_are_kept_together_are_not_what_labels_certified(method: str, rows: int, certified: bool) -> None:
    given = of_rows(IN_FORCE, certificate(method=method), rows)
    plan = plan_of(ASKS + DEAR, asked(given))
    outcome, _ = run(plan, Succeeded("device", 0.9))
    assert plan.escalation == Escalation("cloud", 0.25, "gain")
    assert outcome.certified is certified
    assert ("kept or escalated together" in outcome.why_uncertified) is not certified
    asked_too, _ = run(plan, Succeeded("device", 0.0), Succeeded("cloud", covered=True))
    assert asked_too.certified is True


def test_what_a_label_keeps_on_the_device_is_not_covered_however_certain_it_is() -> None:
    of = asked()
    of = replace(of, request=replace(of.request, label="secret"))
    outcome, _ = run(plan_of(ASKS + DEAR, of), Succeeded("device", 0.9))
    assert outcome.target == "device"
    assert outcome.certified is False
    assert "its label keeps it on the device" in outcome.why_uncertified


def test_a_rule_with_its_own_mind_about_escalation_gives_up_the_promise() -> None:
    rule = '[[rules]]\nname = "offline"\nwhen = {}\nescalate_below = "never"\n'
    outcome, _ = run(plan_of(ASKS + DEAR + rule, asked()), Succeeded("device"))
    assert outcome.certified is False
    assert 'rule "offline"' in outcome.why_uncertified


def test_a_fixed_mode_says_that_it_keeps_everything() -> None:
    outcome, _ = run(plan_of('mode = "prefer_on_device"\n' + ASKS, asked()), Succeeded("device"))
    assert outcome.certified is False
    assert "prefer_on_device" in outcome.why_uncertified


def test_without_a_promise_nothing_is_said_of_one() -> None:
    outcome, _ = run(plan_of("[escalation]\nbelow = 0.5\n" + DEAR, asked(None)), Succeeded("device", 0.9))
    assert outcome.certified is None
    assert outcome.why_uncertified == ""


def test_a_drawn_request_is_audited_where_its_answer_was_kept() -> None:
    plan = plan_of(ASKS + DEAR, asked(audit=True))
    assert plan.audit == "cloud"
    assert "cloud" in plan.targets
    _, kept = run(plan, Succeeded("device", 0.9))
    assert kept[-2:] == [Audit("cloud"), kept[-1]]
    _, escalated = run(plan, Succeeded("device", 0.0), Succeeded("cloud"))
    _, failed = run(plan, Succeeded("device", 0.0), Failed(Failure("cloud", "UNAVAILABLE")))
    assert not [command for command in (*escalated, *failed) if isinstance(command, Audit)]


def test_nobody_is_asked_for_an_audit_whom_the_label_forbids() -> None:
    of = asked(audit=True)
    of = replace(of, request=replace(of.request, label="secret"))
    assert plan_of(ASKS, of).audit is None


@pytest.mark.parametrize("given", [UNCOVERED, None])
def test_only_answers_kept_on_certified_terms_are_audited(given: Promise | None) -> None:
    assert plan_of(ASKS + "[escalation]\nbelow = 0.5\n", asked(given, audit=True)).audit is None


def test_a_run_of_escalations_does_not_make_the_device_too_dear_to_be_seen_again() -> None:
    """What was seen lately stood for what the certificate says: after some escalations in a row only the cloud was
    asked, so that nothing corrected it for a minute, and neither drift nor audits were seen meanwhile."""
    terms = ASKS + "[targets.cloud]\nusd_per_request = 1\n"
    of = asked(IN_FORCE, target("device", median_ms=40), target("cloud"))
    for seen in (None, 0.0, 1.0):
        assert plan_of(terms, replace(of, p_escalate=seen)).legs[0].target == "device"


def test_what_is_drawn_for_an_audit_runs_on_the_device_although_the_cloud_would_cost_less() -> None:
    cheap = "[worth]\nsecond = 10\n"
    of = asked(IN_FORCE, target("device", median_ms=400), target("cloud", median_ms=1))
    assert plan_of(ASKS + cheap, of).legs[0].target == "cloud"
    drawn = plan_of(ASKS + cheap, replace(of, request=replace(of.request, audit=True)))
    assert drawn.legs[0].target == "device"
    assert drawn.audit == "cloud"


def test_a_remote_answer_of_an_uncovered_release_says_why_it_is_uncovered() -> None:
    decision = decide(policy_of(ASKS), asked(UNCOVERED))
    assert decision.plan is not None
    outcome, _ = run(decision.plan, Succeeded("cloud", covered=False))
    assert outcome.why_uncertified == UNCOVERED.why
    assert f"no answer of the device may stay: {UNCOVERED.why}" in reason(decision, outcome)


def test_in_an_alarm_what_is_drawn_asks_both_ends_and_keeps_nothing() -> None:
    """Nothing was audited any more, so that a new certificate was made of what came before the world had changed."""
    dear = "[targets.device]\nusd_per_request = 9\n"
    decision = decide(policy_of(ASKS + dear), asked(ALARM, audit=True))
    plan = decision.plan
    assert plan is not None
    assert plan.audit == "cloud"
    outcome, commands = run(plan, Succeeded("device", 0.99), Succeeded("cloud", covered=True))
    assert outcome.target == "cloud"
    assert outcome.certified is True
    assert [c.target for c in commands if isinstance(c, Run)] == ["device", "cloud"]
    assert from_json(to_json(decision, outcome)).decision == decision
    assert plan_of(ASKS + dear, asked(ALARM)).legs[0].target == "cloud"


def test_in_an_alarm_an_audit_that_the_cloud_does_not_answer_is_none() -> None:
    outcome, commands = run(
        plan_of(ASKS, asked(ALARM, audit=True)), Succeeded("device", 0.99), Failed(Failure("cloud", "UNAVAILABLE"))
    )
    assert outcome.target == "device"
    assert outcome.certified is False
    assert not [command for command in commands if isinstance(command, Audit)]


def test_the_memo_sees_another_promise_and_a_draw() -> None:
    memo, policy = Memo(), policy_of(ASKS + DEAR + "[escalation]\nbelow = 0.5\n")
    for of in (asked(), asked(ALARM), asked(audit=True), asked(UNCOVERED), asked(replace(IN_FORCE, threshold=0.1))):
        assert memo.decide(policy, of) == decide(policy, of)


def test_a_record_keeps_the_promise_and_older_ones_are_read() -> None:
    decision = decide(policy_of(ASKS + DEAR), asked(audit=True))
    outcome, _ = run(decision.plan, Succeeded("device", 0.9)) if decision.plan else (None, [])
    again = from_json(to_json(decision, outcome))
    assert again.decision == decision
    assert again.outcome == outcome
    bare = decide(policy_of(""), situation())
    text = to_json(bare).replace(',"promise":null', "").replace(',"audit":false', "")
    assert from_json(text).decision == bare


@pytest.mark.parametrize(
    ("terms", "wanted"),
    [
        ("max_loss = 0.02", Promise("in_force", "", 0.0, 0.5)),
        ("max_loss = 0.04", Promise("in_force", "", 0.0, 0.5)),
        ("max_loss = 0.05", Promise("in_force", "", -0.25, 0.5)),
        ("max_loss = 0.05\nconfidence = 0.95", Promise("in_force", "", -0.25, 0.5)),
    ],
)
def test_the_most_permissive_promise_that_is_strict_enough_is_taken(terms: str, wanted: Promise) -> None:
    policy = policy_of("[promise]\n" + terms)
    assert policy.promise is not None
    assert promise_of(policy.promise, certificate(), why_uncovered="", alarm="") == wanted


@pytest.mark.parametrize(
    ("terms", "given", "why_uncovered", "alarm", "state", "why"),
    [
        ("max_loss = 0.001", certificate(), "", "", "uncovered", "nothing as strict"),
        ("max_loss = 0.02\nconfidence = 0.99", certificate(), "", "", "uncovered", "nothing as strict"),
        ("max_loss = 0.02", None, "", "", "uncovered", "has no certificate"),
        ("max_loss = 0.02", certificate(), "another digest", "", "uncovered", "another digest"),
        ("max_loss = 0.02", certificate(), "", "drift", "alarm", "drift"),
        ("max_loss = 0.02", certificate(promises=[promise(0.02, 0.1, [])]), "", "", "uncovered", "keeps nothing"),
    ],
)
def test_what_holds_now(terms: str, given: object, why_uncovered: str, alarm: str, state: str, why: str) -> None:
    policy = policy_of("[promise]\n" + terms)
    assert policy.promise is not None
    found = promise_of(policy.promise, given, why_uncovered=why_uncovered, alarm=alarm)  # type: ignore[arg-type]
    assert found.state == state
    assert why in found.why


def test_the_share_of_audits_is_the_policys() -> None:
    policy = policy_of(ASKS + "audit = 0.1\n")
    assert policy.promise is not None
    assert audited(policy.promise, 0.09)
    assert not audited(policy.promise, 0.1)
    assert not audited(replace(policy.promise, audit=0.0), 0.0)


def test_waking_early_changes_nothing_of_a_certified_plan() -> None:
    outcome, _ = run(plan_of(ASKS + DEAR, asked()), Woke(), Succeeded("device", 0.9))
    assert outcome.certified is True
