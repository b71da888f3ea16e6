"""Decisions: rules first, then what is closed, then a choice; each stage with its reasons."""

from __future__ import annotations

import pytest

from router.choosing.closed import Constraint
from router.choosing.engine import decide
from router.choosing.plan import Backup, Escalation, Leg, Plan, Retry
from router.running.attempt import HAND_BACK_S
from router.running.waiting import COLD_S
from router.types import BreakerPhase, Kind, Mode, Reading, Situation
from tests.router.situations import NOW, policy_of, readings_of, request, situation, target, times

RULE = '[[rules]]\nname = "{name}"\nwhen = {{ {when} }}\n{effect}\n'


def _rule(effect: str, when: str = "", name: str = "r") -> str:
    return RULE.format(name=name, when=when, effect=effect)


# -- modes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "order"),
    [
        ("only_on_device", ["device"]),
        ("prefer_on_device", ["device", "cloud"]),
        ("prefer_in_cloud", ["cloud", "device"]),
        ("only_in_cloud", ["cloud"]),
    ],
)
def test_a_fixed_mode_asks_in_its_order(mode: str, order: list[str]) -> None:
    decision = decide(policy_of(f'mode = "{mode}"'), situation())
    assert decision.plan is not None
    assert [leg.target for leg in decision.plan.legs] == order
    assert decision.choice == order[0]
    assert decision.mode is Mode(mode)
    assert decision.candidates == ()


@pytest.mark.parametrize("mode", ["prefer_in_cloud", "only_in_cloud", "prefer_on_device"])
def test_of_several_remote_targets_a_fixed_mode_asks_the_cheapest_first(mode: str) -> None:
    of = situation(
        target("device"),
        target("slow", Kind.CLOUD, median_ms=200),
        target("quick", Kind.FOG, median_ms=20),
    )
    decision = decide(policy_of(f'mode = "{mode}"'), of)
    assert decision.plan is not None
    names = [leg.target for leg in decision.plan.legs]
    assert names.index("quick") < names.index("slow")


def test_auto_takes_the_cheapest_plan_and_tells_all_that_it_weighed() -> None:
    decision = decide(policy_of(), situation())
    assert decision.choice == decision.candidates[0].name == "cloud"
    costs = [candidate.cost for candidate in decision.candidates]
    assert costs == sorted(costs)
    assert {candidate.name for candidate in decision.candidates} == {"device", "cloud"}


def test_auto_answers_on_the_device_when_the_network_is_slow() -> None:
    assert decide(policy_of(), situation(target("device"), target("cloud", median_ms=2500), left_ms=5000)).choice == (
        "device"
    )


def test_plans_that_cost_the_same_go_to_the_device() -> None:
    same = times(20)
    of = situation(target("cloud", time=same, p_wrong=0.1, upload_bytes=0), target("device", time=same, p_wrong=0.1))
    decision = decide(policy_of(), of)
    assert decision.candidates[0].cost == decision.candidates[1].cost
    assert decision.choice == "device"


def test_remote_targets_that_cost_the_same_go_by_name() -> None:
    views = [target(name, Kind.CLOUD) for name in ("b", "a", "c")]
    decision = decide(policy_of(), situation(*views))
    assert decision.plan is not None
    assert [leg.target for leg in decision.plan.legs] == ["a", "b", "c"]


def test_with_every_target_closed_there_is_no_plan_and_each_has_its_reason() -> None:
    of = situation(target("device", serves=False, why_not="no model"), target("cloud"), label="secret")
    decision = decide(policy_of(), of)
    assert decision.plan is None
    assert decision.choice == "none"
    assert [(c.target, c.constraint) for c in decision.closed] == [
        ("device", Constraint.NOT_SERVED),
        ("cloud", Constraint.LABEL),
    ]


# -- privacy -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("label", ["secret", None, "no such label", ""])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_label_that_is_strict_missing_or_unknown_keeps_the_request_on_the_device(
    label: str | None, mode: Mode
) -> None:
    policy = policy_of(f'mode = "{mode}"\nescalation.below = 0.99')
    decision = decide(policy, situation(target("device"), target("cloud"), target("fog"), label=label))
    assert decision.plan is None or decision.plan.targets == {"device"}
    assert (decision.plan is None) == (mode is Mode.ONLY_IN_CLOUD)


def test_the_strictest_is_what_every_label_permits() -> None:
    policy = policy_of('[labels]\na = ["device", "fog", "cloud"]\nb = ["fog", "cloud"]\n')
    decision = decide(policy, situation(target("device"), target("cloud"), target("fog"), label=None))
    assert {c.target for c in decision.closed} == {"device"}


# -- rules -------------------------------------------------------------------------------------------------------------


def _of(value: float | bool | None, *, age_s: float = 0.0) -> Situation:
    of = situation()
    return Situation(of.request, readings_of({"battery_pct": value}, NOW - age_s), of.targets, of.p_escalate, of.now)


@pytest.mark.parametrize("on_unknown", ["skip", "apply"])
@pytest.mark.parametrize(
    ("of", "outcome"),
    [
        pytest.param(_of(10.0), True, id="holds"),
        pytest.param(_of(50.0), False, id="does not hold"),
        pytest.param(_of(None), None, id="unknown"),
        pytest.param(_of(10.0, age_s=151), None, id="too old"),
        pytest.param(_of(10.0, age_s=150), True, id="just not too old"),
        pytest.param(situation(), None, id="never read"),
    ],
)
def test_a_rule_says_itself_what_unknown_means(of: Situation, outcome: bool | None, on_unknown: str) -> None:
    effect = f'mode = "only_on_device"\non_unknown = "{on_unknown}"'
    decision = decide(policy_of(_rule(effect, "battery_pct = { less_than = 20 }")), of)
    applied = outcome is True or (outcome is None and on_unknown == "apply")
    assert decision.rules == (("r",) if applied else ())
    assert decision.mode is (Mode.ONLY_ON_DEVICE if applied else Mode.AUTO)
    (used,) = decision.readings
    assert used.known is (outcome is not None)


def test_the_first_rule_that_gives_a_mode_wins() -> None:
    rules = _rule('mode = "prefer_on_device"', name="a") + _rule('mode = "only_in_cloud"', name="b")
    decision = decide(policy_of(rules), situation())
    assert decision.mode is Mode.PREFER_ON_DEVICE
    assert decision.rules == ("a", "b")


def test_what_rules_forbid_adds_up_and_the_first_is_named() -> None:
    rules = (
        _rule('forbid = ["fog"]', name="a")
        + _rule('forbid = ["fog", "cloud"]', name="b")
        + _rule('mode = "auto"', name="c")
    )
    decision = decide(policy_of(rules), situation(target("device"), target("cloud"), target("fog")))
    assert {c.target: c.detail for c in decision.closed} == {
        "fog": 'rule "a" forbids it',
        "cloud": 'rule "b" forbids it',
    }


@pytest.mark.parametrize(
    ("when", "of", "holds"),
    [
        ('model = "m"', situation(), True),
        ('model = "other"', situation(), False),
        ('label = "public"', situation(), True),
        ('label = "public"', situation(label=None), False),
        ('not = { label = "public" }', situation(label=None), False),
        ("time_left_ms = { less_than = 1000 }", situation(left_ms=999), True),
        ("time_left_ms = { less_than = 1000 }", situation(left_ms=1001), False),
        ("upload_bytes = { at_least = 1000 }", situation(), True),
        ("upload_bytes = { greater_than = 1000 }", situation(), False),
        ('"rtt_ms.cloud" = { less_than = 5 }', situation(readings={"rtt_ms.cloud": 4.0}), True),
        ('"rtt_ms.cloud" = { less_than = 5 }', situation(readings={"rtt_ms": 4.0}), False),
    ],
)
def test_rules_speak_of_the_request_too(when: str, of: Situation, holds: bool) -> None:
    decision = decide(policy_of(_rule('mode = "only_on_device"', when)), of)
    assert bool(decision.rules) is holds


def test_only_the_signals_that_rules_speak_of_are_told_with_a_decision() -> None:
    rules = _rule('mode = "auto"', "charging = true") + _rule('mode = "auto"', "cpu_load = 1, charging = false", "s")
    of = situation(readings={"battery_pct": 5.0, "charging": True})
    decision = decide(policy_of(rules), of)
    assert [(used.name, used.value, used.known) for used in decision.readings] == [
        ("charging", True, True),
        ("cpu_load", None, False),
    ]


# -- escalation --------------------------------------------------------------------------------------------------------

ESCALATION = "[escalation]\nbelow = 0.8\nshare = 0.05\nrecovers = 1.0\n"
EXPENSIVE = "[targets.cloud]\nusd_per_request = 0.3\n"  # so that asking it each time is out of the question


def test_a_cheap_escalation_is_planned_and_the_remote_stands_behind_the_device() -> None:
    decision = decide(policy_of(ESCALATION + EXPENSIVE), situation())
    assert decision.choice == "device, then cloud if uncertain"
    assert decision.plan is not None
    assert decision.plan.escalation == Escalation("cloud", 0.8)
    assert [leg.target for leg in decision.plan.legs] == ["device", "cloud"]


def test_the_share_that_escalated_lately_counts_more_than_the_policy_s_belief() -> None:
    assert decide(policy_of(ESCALATION + EXPENSIVE), situation(p_escalate=1.0)).choice == "device"


def test_there_is_no_escalation_where_no_score_can_be_read() -> None:
    decision = decide(policy_of(ESCALATION + EXPENSIVE), situation(can_score=False))
    assert decision.plan == Plan((Leg("device"), Leg("cloud")), retry=Retry(2, 0.05, 1.0))


@pytest.mark.parametrize("mode", ["prefer_on_device", "only_on_device"])
def test_a_fixed_mode_never_escalates(mode: str) -> None:
    decision = decide(policy_of(f'mode = "{mode}"\n' + ESCALATION + EXPENSIVE), situation())
    assert decision.plan is not None
    assert decision.plan.escalation is None


def test_the_first_rule_that_speaks_of_escalation_wins() -> None:
    rules = _rule('escalate_below = "never"', name="a") + _rule("escalate_below = 0.5", name="b")
    decision = decide(policy_of(ESCALATION + EXPENSIVE + rules), situation())
    assert decision.plan is not None
    assert decision.plan.escalation is None
    rules = _rule("escalate_below = 0.5", name="b") + _rule('escalate_below = "never"', name="a")
    decision = decide(policy_of(ESCALATION + EXPENSIVE + rules), situation())
    assert decision.plan is not None
    assert decision.plan.escalation == Escalation("cloud", 0.5)


def test_a_rule_s_threshold_needs_no_escalation_table() -> None:
    decision = decide(policy_of(_rule("escalate_below = 0.5") + EXPENSIVE), situation(p_escalate=0.01))
    assert decision.plan is not None
    assert decision.plan.escalation == Escalation("cloud", 0.5)


def test_an_escalation_s_cost_counts_the_fallback_that_its_plan_has() -> None:
    """A device that fails now and then once made escalating look as if nobody stood behind it."""
    of = situation(target("device", p_fail=0.2), target("cloud"), p_escalate=0.0)
    by_name = {c.name: c.expected for c in decide(policy_of(ESCALATION + EXPENSIVE), of).candidates}
    assert by_name["device, then cloud if uncertain"].p_fail == by_name["device"].p_fail == 0.0


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_remote_target_has_until_the_deadline_and_the_device_starts_beside_it_in_time() -> None:
    decision = decide(policy_of('mode = "prefer_in_cloud"'), situation(left_ms=1000))
    assert decision.plan is not None
    assert decision.plan.legs == (Leg("cloud"), Leg("device"))
    assert decision.plan.backup == Backup(pytest.approx(times(5).pessimistic_s + COLD_S + HAND_BACK_S))


def test_a_remote_target_is_given_up_in_time_for_another_one_behind_it() -> None:
    of = situation(target("cloud", median_ms=10), target("fog", median_ms=30), left_ms=1000)
    decision = decide(policy_of('mode = "only_in_cloud"'), of)
    assert decision.plan is not None
    assert decision.plan.legs == (Leg("cloud", times(30).pessimistic_s + HAND_BACK_S), Leg("fog"))


def test_a_remote_target_that_is_asked_gets_at_least_half_of_the_time() -> None:
    of = situation(target("cloud", median_ms=10), target("fog", median_ms=60), left_ms=64)
    decision = decide(policy_of('mode = "only_in_cloud"'), of)
    assert decision.plan is not None
    assert decision.plan.legs[0].reserve_s == pytest.approx(0.032)


def test_nothing_is_reserved_behind_the_device() -> None:
    decision = decide(policy_of('mode = "prefer_on_device"'), situation())
    assert decision.plan is not None
    assert decision.plan.legs == (Leg("device"), Leg("cloud"))


def test_in_a_hurry_the_quickest_is_the_whole_plan() -> None:
    of = situation(target("device", median_ms=60), target("cloud", median_ms=90), left_ms=10)
    decision = decide(policy_of('mode = "prefer_in_cloud"'), of)
    assert decision.plan == Plan((Leg("device"),))


def test_a_target_that_fails_often_is_not_asked_first() -> None:
    policy = policy_of("worth.second = 0.2")
    assert decide(policy, situation(target("device"), target("cloud"))).choice == "cloud"
    assert decide(policy, situation(target("device"), target("cloud", p_fail=0.9))).choice == "device"


def test_half_open_lets_a_probe_be_planned() -> None:
    of = situation(target("device"), target("cloud", breaker=BreakerPhase.HALF_OPEN, breaker_admits=True))
    assert decide(policy_of('mode = "prefer_in_cloud"'), of).choice == "cloud"


def test_a_decision_carries_all_that_it_was_made_from() -> None:
    policy, of = policy_of(), situation(readings={"cpu_load": 0.5})
    decision = decide(policy, of)
    assert decision.situation is of
    assert decision.policy_digest == policy.digest
    assert decide(policy, of) == decision


def test_a_reading_from_a_moment_later_is_not_too_old() -> None:
    of = situation()
    readings = {"battery_pct": Reading("battery_pct", 5.0, "test", NOW + 1)}
    later = Situation(request(), readings, of.targets, None, NOW)
    decision = decide(policy_of(_rule('forbid = ["cloud"]', "battery_pct = { less_than = 20 }")), later)
    assert decision.rules == ("r",)
