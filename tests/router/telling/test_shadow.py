"""What a policy that only looks on would have done, and where it parts from what was done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from router.choosing.engine import Decision, decide
from router.rules.policy import Policy
from router.running.attempt import Ending, Outcome
from router.telling.shadow import ShadowChoice, beside, blind_spots
from router.types import BudgetView, Resource, Situation
from tests.router.situations import policy_of, situation, target

ON_DEVICE = 'mode = "only_on_device"'
CASCADE = "[escalation]\nbelow = {}\n[worth]\ndollar = 1.0\n[targets.cloud]\nusd_per_request = 0.2\n"


def _beside(shadow: Policy, acting: Policy, at: Situation, outcome: Outcome | None = None) -> ShadowChoice:
    return beside(shadow, decide(shadow, at), decide(acting, at), outcome)


def _scored(score: float) -> Outcome:
    return Outcome(Ending.ANSWERED, "device", (), certain=True, score=score)


def test_the_same_policy_would_have_done_the_same() -> None:
    policy = policy_of(CASCADE.format(0.6))
    choice = _beside(policy, policy, situation(), _scored(0.7))
    assert choice.agrees
    assert (choice.policy_digest, choice.policy_version, choice.policy_name) == (policy.digest, 1, "test")
    assert str(choice) == "agrees"


LABELS = '[labels]\npublic = ["device"{}]\n'
RULE = '[[rules]]\nname = "r"\nwhen = {{ battery_pct = {{ less_than = {} }} }}\nforbid = ["cloud"]\n'
BUDGET = "[targets.cloud]\nusd_per_request = 0.1\n[budgets.money]\namount_usd = 1.0\n"
WRONG = situation(target("device", p_wrong=0.5), target("cloud", p_wrong=0.01), readings={"battery_pct": 50.0})


@pytest.mark.parametrize(
    ("shadow", "acting", "why"),
    [
        ('mode = "prefer_in_cloud"', ON_DEVICE, "mode"),
        (LABELS.format(""), LABELS.format(', "cloud"'), "label"),
        (LABELS.format(', "cloud"'), LABELS.format(""), "label"),
        (RULE.format(60), RULE.format(40), "rule"),
        ("[worth]\nsecond = 1000.0\n", "", "cost"),
    ],
)
def test_where_they_part_is_told(shadow: str, acting: str, why: str) -> None:
    choice = _beside(policy_of(shadow), policy_of(acting), WRONG)
    assert (choice.why, choice.agrees) == (why, False)
    assert str(choice).endswith(f"({why})")


def test_a_budget_that_is_used_up_under_the_policy_in_force_closes_for_the_shadow_too() -> None:
    spent = replace(WRONG, budgets=(BudgetView(Resource.MONEY, 0.0, 0.001),))
    assert _beside(policy_of(BUDGET), policy_of(), spent).why == "budget"


def test_a_choice_that_was_drawn_is_told_as_drawn() -> None:
    exploring = policy_of("[exploration]\nshare = 0.5\n")
    greedy = decide(exploring, replace(WRONG, draw=0.9))
    drawn = next(
        decision
        for draw in (0.0, 0.1, 0.2, 0.3, 0.4)
        if (decision := decide(exploring, replace(WRONG, draw=draw))).choice != greedy.choice
    )
    choice = beside(policy_of(), decide(policy_of(), drawn.situation), drawn, None)
    assert choice.why == "draw"


@pytest.mark.parametrize(
    ("score", "why"), [(0.55, None), (0.65, "threshold"), (0.6, None), (0.7, "threshold"), (0.75, None)]
)
def test_of_two_thresholds_the_score_tells_whether_they_part(score: float, why: str | None) -> None:
    low, high = policy_of(CASCADE.format(0.6)), policy_of(CASCADE.format(0.7))
    at = situation(target("device", p_wrong=0.5), target("cloud", p_wrong=0.01), p_escalate=0.45)
    decisions = [decide(policy, at) for policy in (low, high)]
    assert {decision.choice for decision in decisions} == {"device, then cloud if uncertain"}
    assert beside(low, decisions[0], decisions[1], _scored(score)).why == why
    assert beside(high, decisions[1], decisions[0], _scored(score)).why == why
    assert beside(high, decisions[1], decisions[0], None).agrees


def _refused(decision: Decision) -> bool:
    return decision.plan is None


def test_where_nothing_may_answer_the_shadow_may_know_a_way() -> None:
    nobody = policy_of('[labels]\npublic = []\nsecret = ["device"]\n')
    assert _refused(decide(nobody, WRONG))
    assert _beside(policy_of(), nobody, WRONG).why == "label"
    assert _beside(nobody, policy_of(), WRONG).plan is None
    assert _beside(nobody, nobody, WRONG).agrees


@pytest.mark.parametrize(
    ("shadow", "acting", "about"),
    [
        (BUDGET, "", ["budgets.money: the policy in force has none"]),
        (BUDGET, BUDGET, ["budgets.money: stands as"]),
        ("[exploration]\nshare = 0.1\n", "", ["exploration.share"]),
        ("[exploration]\nshare = 0.1\n", "[exploration]\nshare = 0.2\n", []),
        ("[hysteresis]\nmargin = 0.1\n", "", ["hysteresis: the policy in force has none"]),
        ("[hysteresis]\nmargin = 0.1\n", "[hysteresis]\nmargin = 0.2\n", ["hysteresis: the last choice"]),
        ("[promise]\nmax_loss = 0.01\n", "", ["promise: the policy in force asks for none"]),
        ("[promise]\nmax_loss = 0.01\n", "[promise]\nmax_loss = 0.02\n", ["promise: on the terms"]),
        ("[promise]\nmax_loss = 0.01\n", "[promise]\nmax_loss = 0.01\n", []),
        ("[radio]\nwake = true\n", "", ["radio.wake"]),
        ("[breaker]\nconsecutive = 2\n", "", ["breaker"]),
        ("[estimates]\nmemory_samples = 7\n", "", ["targets, estimates"]),
        ("[targets.cloud]\nprior_ms = [9.0, 90.0]\n", "", ["targets, estimates"]),
        ("[worth]\nsecond = 2.0\n", "", []),
    ],
)
def test_what_a_shadow_cannot_see_of_itself_is_told(shadow: str, acting: str, about: list[str]) -> None:
    told = blind_spots(policy_of(shadow), policy_of(acting))
    assert len(told) == len(about)
    assert all(spot.startswith(start) for spot, start in zip(told, about, strict=True))
