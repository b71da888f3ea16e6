"""What turned a decision: one reason each, the first that would have been enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.engine import Decision, decide
from router.offpolicy.changes import OTHERS, Changes, Turn, because, turned_by
from router.rules.policy import Policy
from router.types import BudgetView, Previous, Resource, Situation
from tests.router.situations import NOW, policy_of, situation

HERE = situation(readings={"battery_pct": 10.0, "charging": False}, left_ms=500)
LOW = '[[rules]]\nname = "low"\nwhen = {{ battery_pct = {{ less_than = 20 }} }}\n{effect}\n'


def _low(effect: str) -> Policy:
    return policy_of(LOW.format(effect=effect))


def _why(before: Policy, after: Policy, here: Situation = HERE) -> tuple[str, str, str]:
    was, now = decide(before, here), decide(after, here)
    return was.choice, now.choice, because(was, now, after, None)


PLAIN = policy_of()
CASCADE = policy_of("[escalation]\nbelow = 0.8\nrecovers = 1.0\nshare = 0.1\n[worth]\nwrong_answer = 10.0\n")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(
            PLAIN,
            policy_of('mode = "only_on_device"'),
            ("cloud", "device", "mode only_on_device instead of auto"),
            id="mode",
        ),
        pytest.param(
            PLAIN,
            _low('mode = "prefer_on_device"'),
            ("cloud", "device", "mode prefer_on_device instead of auto: rule low applies"),
            id="mode of a rule",
        ),
        pytest.param(
            _low('mode = "prefer_on_device"'),
            PLAIN,
            ("device", "cloud", "mode auto instead of prefer_on_device: rule low does not apply"),
            id="mode of a rule that is gone",
        ),
        pytest.param(
            PLAIN,
            _low('forbid = ["cloud"]'),
            ("cloud", "device", 'cloud closed by rule "low"'),
            id="a rule that forbids",
        ),
        pytest.param(
            _low('forbid = ["cloud"]'),
            PLAIN,
            ("device", "cloud", 'cloud no longer closed by rule "low"'),
            id="a rule that forbids no longer",
        ),
        pytest.param(
            PLAIN,
            policy_of('[labels]\npublic = ["device"]\n'),
            ("cloud", "device", 'cloud closed by label "public"'),
            id="a label",
        ),
        pytest.param(
            PLAIN,
            policy_of("[targets.cloud]\nusd_per_request = 1\n[budgets]\nmoney = { amount_usd = 1 }\n"),
            ("cloud", "device", "cloud closed by budget"),
            id="a budget",
        ),
        pytest.param(
            PLAIN,
            policy_of('mode = "only_on_device"\n[labels]\npublic = ["cloud"]\n'),
            ("cloud", "none", "mode only_on_device instead of auto"),
            id="nobody left",
        ),
        pytest.param(
            CASCADE,
            policy_of("[worth]\nwrong_answer = 10.0\n"),
            ("device, then cloud if uncertain", "cloud", '"device, then cloud if uncertain" is no plan of it'),
            id="a plan that is gone",
        ),
        pytest.param(
            PLAIN,
            policy_of("[targets.cloud]\nusd_per_request = 0.5\n"),
            ("cloud", "device", "cost: dollars"),
            id="dollars",
        ),
        pytest.param(PLAIN, policy_of("worth.second = 3.0"), ("cloud", "device", "cost: seconds"), id="seconds"),
        pytest.param(
            policy_of("worth.second = 3.0"), PLAIN, ("device", "cloud", "cost: wrong answers"), id="wrong answers"
        ),
    ],
)
def test_a_decision_turns_for_the_first_reason_that_would_do(
    before: Policy, after: Policy, told: tuple[str, str, str]
) -> None:
    here = replace(HERE, budgets=(BudgetView(Resource.MONEY, 0.0, 1.0),)) if after.budgets else HERE
    here = replace(here, p_escalate=0.1) if before.escalation is not None else here
    assert _why(before, after, here) == told


def test_what_was_drawn_was_no_reason_of_costs() -> None:
    exploring = policy_of("[exploration]\nshare = 0.1\n")
    drawn = decide(exploring, replace(HERE, draw=0.09))
    assert because(drawn, decide(PLAIN, drawn.situation), PLAIN, None) == "it was drawn to explore"
    assert because(decide(PLAIN, drawn.situation), drawn, exploring, None) == "it is now drawn to explore"


def test_what_was_drawn_and_costs_least_turns_for_another_reason() -> None:
    """Chance draws the cheapest plan as well, which would have been chosen anyway: that it was drawn was told as what
    turned it, of one in nine decisions of a log that explores three in ten."""
    exploring = policy_of("[exploration]\nshare = 1.0\n")
    dear = policy_of("[targets.cloud]\nusd_per_request = 0.5\n")
    drawn = [decide(exploring, replace(HERE, draw=draw)) for draw in (0.01, 0.49, 0.51, 0.99)]
    cheapest = [each for each in drawn if each.choice == "cloud"]
    assert cheapest
    for each in cheapest:
        assert each.chosen_by == "draw"
        assert because(each, decide(dear, each.situation), dear, None) == "cost: dollars"


def test_what_is_stayed_with_says_so() -> None:
    holding = policy_of("[hysteresis]\nmargin = 0.5\ndwell_s = 60\n")
    here = replace(HERE, previous=Previous("device", "device", NOW - 1))
    assert _why(PLAIN, holding, here) == ("cloud", "device", "the last choice is stayed with")
    assert _why(holding, PLAIN, here) == ("device", "cloud", "the last choice was stayed with")


def test_where_both_policies_are_known_it_is_what_has_changed_that_turned_it() -> None:
    """Alone the new one tells that wrong answers tip the scales; what has changed is what a dollar is worth."""
    dear = policy_of("[targets.cloud]\nusd_per_request = 0.01\n[worth]\ndollar = 100.0\n")
    cheap = policy_of("[targets.cloud]\nusd_per_request = 0.01\n")
    was, now = decide(dear, HERE), decide(cheap, HERE)
    assert (was.choice, now.choice) == ("device", "cloud")
    assert because(was, now, cheap, None) == "cost: wrong answers"
    assert because(was, now, cheap, dear) == "cost: dollars"


def test_what_speaks_for_the_new_choice_adds_up_to_the_difference_of_costs() -> None:
    after = policy_of("worth.second = 3.0")
    now = decide(after, HERE)
    costs = {candidate.name: candidate.cost for candidate in now.candidates}
    rows = turned_by(decide(PLAIN, HERE), now, after, None)
    assert sum(rows.values()) == pytest.approx(costs["cloud"] - costs["device"])


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", "the threshold"),
        ("[backup]\neps = 0.001\n", "the backup"),
        ("[retry]\nattempts = 4\n", "retries"),
        ("[hedge]\nshare = 0.05\n", "the hedge"),
    ],
)
def test_a_plan_that_only_goes_on_otherwise_tells_in_what(more: str, why: str) -> None:
    if not more:
        other = policy_of("[escalation]\nbelow = 0.7\nrecovers = 1.0\nshare = 0.1\n[worth]\nwrong_answer = 10.0\n")
        was, now = (decide(policy, replace(HERE, p_escalate=0.1)) for policy in (CASCADE, other))
    else:
        other = policy_of(more)
        was, now = decide(PLAIN, HERE), decide(other, HERE)
    changes = Changes(other)
    changes.add(was, now, "a:1", None)
    assert (changes.chosen_otherwise, changes.planned_otherwise) == (0, 1)
    assert changes.ranked() == [(Turn(was.choice, was.choice, f"other terms: {why}"), 1)]


def _turned(policy: Policy) -> tuple[Decision, Decision]:
    here = situation(left_ms=500)
    return decide(PLAIN, here), decide(policy, here)


def test_examples_are_few_and_tell_what_would_have_turned_them_back() -> None:
    after = policy_of("[targets.cloud]\nusd_per_request = 0.5\n")
    changes = Changes(after)
    for line in range(10):
        changes.add(*_turned(after), f"a:{line}", None)
    [(turn, count)] = changes.ranked()
    assert count == 10
    examples = changes.examples[turn]
    assert [example.place for example in examples] == ["a:0", "a:1", "a:2"]
    was, now = examples[0].in_words()
    assert was.startswith('"cloud" costs')
    assert now.startswith('"device" costs')
    back = examples[0].back(after)
    assert 0 < len(back) <= 3
    assert all("in the cloud" in told for told in back)


def test_kinds_of_changes_are_bounded_whatever_names_the_records_have() -> None:
    after = policy_of('mode = "only_on_device"')
    changes = Changes(after)
    was, now = _turned(after)
    for number in range(1010):
        changes.add(replace(was, choice=f"c\x1b{number}"), now, "a:1", None)
    assert len(changes.counts) == 1001
    assert changes.counts[OTHERS] == 10
    assert all("\x1b" not in turn.choice for turn in changes.counts)
