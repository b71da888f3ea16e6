"""A kept choice is used while nothing it depends on has changed, and is never another than a fresh one.

That it never is another is driven hard in tests/properties; here is what it keeps, and what makes it weigh again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.engine import decide
from router.choosing.memo import Memo
from router.rules.policy import Policy
from router.types import EvaluatedThreshold, Previous, Radio, Request, Situation
from tests.router.situations import NOW, policy_of, readings_of, situation, target

POLICY = policy_of('[[rules]]\nname = "r"\nwhen = { battery_pct = { less_than = 20 } }\nforbid = ["cloud"]\n')
BEFORE = situation(readings={"battery_pct": 10.0, "cpu_load": 0.5}, left_ms=5000)


def _later(of: Situation, seconds: float) -> Situation:
    request = of.request
    moved = Request("r-2", request.model, request.label, request.deadline + seconds, request.can_score)
    return replace(of, request=moved, now=of.now + seconds)


def _kept(first: Situation, second: Situation, policy: Policy = POLICY) -> bool:
    memo = Memo()
    before = memo.decide(policy, first)
    after = memo.decide(policy, second)
    assert after == decide(policy, second)
    return after.plan is before.plan


def test_a_moment_later_the_choice_is_kept_and_tells_of_its_own_request() -> None:
    assert _kept(BEFORE, _later(BEFORE, 1.0))
    memo = Memo()
    memo.decide(POLICY, BEFORE)
    assert memo.decide(POLICY, _later(BEFORE, 1.0)).situation.request.id == "r-2"


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(_later(BEFORE, 150.1), id="a reading that a rule speaks of is too old"),
        pytest.param(_later(BEFORE, -1.0), id="the clock went back"),
        pytest.param(replace(BEFORE, readings=readings_of({"battery_pct": 30.0})), id="another reading"),
        pytest.param(replace(BEFORE, radio=Radio("cellular", None)), id="another radio"),
        pytest.param(replace(BEFORE, device_w=1.0), id="another power of the device"),
        pytest.param(replace(BEFORE, silent_wakes=1), id="another count of silent wakes"),
        pytest.param(replace(BEFORE, previous=Previous("device", "device", NOW)), id="another last choice"),
        pytest.param(replace(BEFORE, draw=0.5), id="a draw, where there was none"),
        pytest.param(replace(BEFORE, p_escalate=0.5), id="another share of escalations"),
        pytest.param(replace(BEFORE, targets=(target("device"), target("cloud", p_fail=0.5))), id="another target"),
        pytest.param(replace(BEFORE, request=replace(BEFORE.request, can_score=False)), id="no score"),
        pytest.param(replace(BEFORE, request=replace(BEFORE.request, label="secret")), id="another label"),
        pytest.param(replace(BEFORE, request=replace(BEFORE.request, model="other")), id="another model"),
        pytest.param(replace(BEFORE, request=replace(BEFORE.request, deadline=NOW + 0.1)), id="little time left"),
    ],
)
def test_what_a_choice_depends_on_makes_it_anew(after: Situation) -> None:
    assert not _kept(BEFORE, after)


def test_while_the_radio_rests_a_choice_is_kept_from_one_step_of_its_idleness_to_the_next() -> None:
    resting = replace(BEFORE, radio=Radio("cellular", NOW - 3.2))
    thrifty = policy_of("[worth]\njoule = 0.01\n")
    assert _kept(resting, _later(resting, 1.0), thrifty)
    assert not _kept(resting, _later(resting, 2.0), thrifty)


def test_a_radio_whose_tail_is_over_rests_alike_until_silence_makes_a_target_slower() -> None:
    resting = replace(BEFORE, radio=Radio("wifi", NOW - 3.2))
    assert _kept(resting, _later(resting, 2.0))
    assert not _kept(resting, _later(resting, 4.0))


def test_what_a_target_said_of_its_queue_counts_by_its_time_alone() -> None:
    """A queue that was told of and forgotten, as happens between any two requests that are seconds apart, had all of it
    weighed again, though it was empty."""
    told = replace(BEFORE, targets=(BEFORE.targets[0], replace(BEFORE.targets[1], queue_wait_s=0.0)))
    assert _kept(BEFORE, _later(told, 1.0))
    slow = replace(BEFORE.targets[1].time, quantiles_s=(0.2, 0.3, 0.4, 0.5, 0.6))
    queueing = replace(BEFORE, targets=(BEFORE.targets[0], replace(BEFORE.targets[1], queue_wait_s=0.2, time=slow)))
    assert not _kept(BEFORE, _later(queueing, 1.0))


def test_a_call_in_between_leaves_a_choice_as_it_was_for_as_long_a_silence() -> None:
    """Each call moved the instant at which the radio was last used, and had everything weighed again."""
    resting = replace(BEFORE, radio=Radio("cellular", NOW - 0.5))
    later = replace(_later(BEFORE, 7.0), radio=Radio("cellular", NOW + 6.5))
    assert _kept(resting, later)
    assert not _kept(replace(resting, radio=Radio("cellular", None)), later)


@pytest.mark.parametrize("gaps", [(0.2, 2.0), (0.1, 4.0)], ids=["within the same silences", "beyond one"])
def test_other_gaps_between_requests_count_where_they_end_in_another_silence(gaps: tuple[float, ...]) -> None:
    before = replace(BEFORE, radio=Radio("cellular", NOW - 0.15, (0.1, 2.5)))
    after = replace(_later(BEFORE, 0.01), radio=Radio("cellular", NOW - 0.15, gaps))
    assert _kept(before, after) is (gaps == (0.2, 2.0))
    assert not _kept(before, after, policy_of("[worth]\njoule = 0.01\n"))


def test_readings_that_the_rules_take_alike_are_no_others() -> None:
    """Every sample of the sensors had everything weighed again, though no rule turned on it."""
    before = replace(BEFORE, readings=readings_of({"battery_pct": 10.0, "cpu_load": 0.5}))
    again = readings_of({"battery_pct": 10.0, "cpu_load": 0.9}, at=NOW + 0.5)
    assert _kept(before, replace(_later(before, 1.0), readings=again))
    emptier = readings_of({"battery_pct": 9.0, "cpu_load": 0.9}, at=NOW + 0.5)
    assert _kept(before, replace(_later(before, 1.0), readings=emptier))


def test_where_a_rule_speaks_of_the_request_as_well_what_was_read_has_to_be_the_same() -> None:
    policy = policy_of(
        '[[rules]]\nname = "r"\nwhen = { battery_pct = { less_than = 20 }, model = "other" }\nforbid = ["cloud"]\n'
    )
    emptier = readings_of({"battery_pct": 9.0, "cpu_load": 0.5})
    assert _kept(BEFORE, _later(BEFORE, 1.0), policy)
    assert not _kept(BEFORE, replace(_later(BEFORE, 1.0), readings=emptier), policy)


def test_how_many_were_escalated_lately_counts_only_where_no_threshold_was_evaluated() -> None:
    best, named = policy_of('[escalation]\nbelow = "best"\n'), policy_of("[escalation]\nbelow = 0.6\n")
    evaluated = replace(BEFORE, p_escalate=0.3, thresholds=(EvaluatedThreshold(0.6, 0.3, 0.1),))
    assert _kept(evaluated, replace(_later(evaluated, 1.0), p_escalate=0.35), best)
    assert _kept(evaluated, replace(_later(evaluated, 1.0), p_escalate=0.35), named)
    unevaluated = replace(evaluated, thresholds=())
    for policy in (best, named):
        assert not _kept(unevaluated, replace(_later(unevaluated, 1.0), p_escalate=0.35), policy)


def test_what_a_sum_is_rounded_by_is_no_other_time_left() -> None:
    hurried = replace(BEFORE, now=0.3, request=replace(BEFORE.request, deadline=0.3 + 0.1))
    later = replace(hurried, now=0.7, request=replace(BEFORE.request, deadline=0.7 + 0.1))
    assert hurried.request.deadline - hurried.now != later.request.deadline - later.now
    memo = Memo()
    before = memo.decide(POLICY, hurried)
    assert memo.decide(POLICY, later).plan is before.plan


def test_a_choice_made_with_little_time_left_is_kept_for_the_very_same_time() -> None:
    hurried = replace(BEFORE, request=replace(BEFORE.request, deadline=NOW + 0.125))
    assert _kept(hurried, _later(hurried, 0.5))
    for deadline in (NOW + 0.124, NOW + 0.126, NOW + 5.0):
        assert not _kept(hurried, replace(hurried, request=replace(hurried.request, deadline=deadline)))


def test_readings_are_looked_at_once_for_all_that_find_the_same() -> None:
    memo = Memo()
    memo.decide(POLICY, BEFORE)
    sight = memo._sight
    other = replace(BEFORE, request=replace(BEFORE.request, model="other"))
    assert memo.decide(POLICY, other) == decide(POLICY, other)
    assert memo._sight is sight
    for changed in (
        replace(BEFORE, readings=dict(BEFORE.readings)),
        _later(BEFORE, 151.0),
        _later(BEFORE, -1.0),
    ):
        unseen = replace(changed, request=replace(changed.request, model="unseen"))
        assert memo.decide(POLICY, unseen) == decide(POLICY, unseen)
        assert memo._sight is not sight
        sight = memo._sight


def test_where_a_rule_reads_the_time_left_only_the_very_same_will_do() -> None:
    policy = policy_of('[[rules]]\nname = "r"\nwhen = { time_left_ms = { less_than = 4500 } }\nforbid = ["cloud"]\n')
    memo = Memo()
    assert memo.decide(policy, BEFORE).rules == ()
    later = replace(BEFORE, now=NOW + 1)
    assert memo.decide(policy, later).rules == ("r",)


def test_a_new_policy_is_obeyed_at_once() -> None:
    memo = Memo()
    memo.decide(POLICY, BEFORE)
    other = policy_of('mode = "only_in_cloud"')
    assert memo.decide(other, _later(BEFORE, 1.0)) == decide(other, _later(BEFORE, 1.0))


@pytest.mark.parametrize("most", [3, Memo.MAX_ENTRIES])
def test_it_holds_a_bounded_number_of_choices(most: int) -> None:
    memo = Memo(most)
    for index in range(3 * most):
        of = replace(BEFORE, request=replace(BEFORE.request, model=f"m{index}"))
        memo.decide(POLICY, of)
    assert len(memo._kept) <= most
