"""Staying with the last choice: by a margin, for a time, and never with what is closed."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from router.choosing.engine import decide
from router.choosing.hysteresis import remembered
from router.choosing.memo import Memo
from router.errors import PolicyError
from router.rules.compile import compile_policy
from router.rules.policy import Policy
from router.types import Previous, Promise, Situation
from tests.router.situations import HEAD, NOW, policy_of, situation, target

ON_DEVICE = Previous("device", "device", NOW - 30)
RULE = '[[rules]]\nname = "plugged"\nwhen = { charging = true }\nmode = "prefer_in_cloud"\n'


def _after(previous: Previous | None, of: Situation | None = None) -> Situation:
    return replace(of or situation(), previous=previous)


def test_without_the_table_the_last_choice_counts_for_nothing() -> None:
    assert decide(policy_of(), _after(ON_DEVICE)).choice == "cloud"


@pytest.mark.parametrize(("margin", "choice", "by"), [(0.04, "cloud", "cost"), (0.06, "device", "held")])
def test_another_plan_has_to_be_cheaper_by_the_margin(margin: float, choice: str, by: str) -> None:
    """The device costs 0.100, the cloud 0.053."""
    decision = decide(policy_of(f"hysteresis.margin = {margin}"), _after(ON_DEVICE))
    assert (decision.choice, decision.chosen_by) == (choice, by)
    assert decision.candidates[0].name == choice


@pytest.mark.parametrize(("dwell_s", "choice"), [(29.0, "cloud"), (31.0, "device")])
def test_for_a_time_the_last_choice_is_kept_whatever_it_costs(dwell_s: float, choice: str) -> None:
    assert decide(policy_of(f"hysteresis.dwell_s = {dwell_s}"), _after(ON_DEVICE)).choice == choice


def test_a_last_choice_that_is_closed_is_not_stayed_with() -> None:
    policy = policy_of("hysteresis = { dwell_s = 3600, margin = 9 }")
    in_cloud = Previous("cloud", "cloud", NOW)
    assert decide(policy, _after(in_cloud, situation(label="secret"))).choice == "device"
    assert decide(policy, _after(in_cloud, situation(target("device")))).choice == "device"


def test_a_promise_is_not_stayed_away_from() -> None:
    policy = policy_of("[hysteresis]\ndwell_s = 3600\n[promise]\nmax_loss = 0.02\n")
    alarm = replace(situation(), promise=Promise("alarm", "it drifted"))
    assert decide(policy, _after(ON_DEVICE, alarm)).choice == "cloud"


def test_the_first_target_of_a_fixed_mode_is_stayed_with_too() -> None:
    policy = policy_of(f'mode = "prefer_on_device"\nhysteresis.dwell_s = 60\n{RULE}')
    plugged = situation(readings={"charging": True})
    assert decide(policy, _after(None, plugged)).choice == "cloud"
    held = decide(policy, _after(ON_DEVICE, plugged))
    assert (held.choice, held.chosen_by) == ("device", "held")
    assert [leg.target for leg in held.plan.legs] == ["device", "cloud"] if held.plan else False


def test_a_mode_that_closes_targets_is_obeyed_at_once() -> None:
    policy = policy_of('mode = "only_on_device"\nhysteresis.dwell_s = 3600')
    assert decide(policy, _after(Previous("cloud", "cloud", NOW))).choice == "device"


def _course(policy: Policy, toggles: list[bool], every_s: float) -> list[str]:
    """Return what is chosen while a charger is plugged in and out."""
    previous, memo, choices = None, Memo(), []
    for number, plugged in enumerate(toggles):
        now = NOW + number * every_s
        of = situation(readings={"charging": plugged}, left_ms=1000)
        of = replace(of, now=now, request=replace(of.request, deadline=now + 1), previous=previous)
        of = replace(of, readings={name: replace(r, at=now) for name, r in of.readings.items()})
        decision = memo.decide(policy, of)
        assert decision == decide(policy, of)
        first = decision.plan.legs[0].target if decision.plan is not None else None
        previous = remembered(previous, decision.choice, first, now, drawn=decision.chosen_by == "draw")
        choices.append(decision.choice)
    return choices


def _switches(choices: list[str]) -> list[int]:
    return [index for index in range(1, len(choices)) if choices[index] != choices[index - 1]]


def test_E3_a_charger_that_toggles_each_second_switches_at_most_once_a_window() -> None:
    policy = policy_of(f'mode = "prefer_on_device"\nhysteresis.dwell_s = 30\n{RULE}')
    toggles = [bool(number % 2) for number in range(300)]
    calm = _switches(_course(policy, toggles, 1.0))
    assert all(later - earlier >= 30 for earlier, later in pairwise(calm))
    assert 0 < len(calm) <= 10
    nervous = policy_of(f'mode = "prefer_on_device"\n{RULE}')
    assert len(_switches(_course(nervous, toggles, 1.0))) > 200


def test_what_is_remembered_keeps_its_age_while_the_choice_is_the_same() -> None:
    first = remembered(None, "device", "device", 1.0, drawn=False)
    assert first == Previous("device", "device", 1.0)
    assert remembered(first, "device", "device", 9.0, drawn=False) is first
    assert remembered(first, "device + wake", "device", 9.0, drawn=False) is first
    assert remembered(first, "cloud", "cloud", 9.0, drawn=False) == Previous("cloud", "cloud", 9.0)


def test_what_was_drawn_or_refused_is_no_choice_to_remember() -> None:
    assert remembered(ON_DEVICE, "cloud", "cloud", 9.0, drawn=True) is ON_DEVICE
    assert remembered(ON_DEVICE, "none", None, 9.0, drawn=False) is ON_DEVICE


def test_a_table_that_does_nothing_is_refused() -> None:
    with pytest.raises(PolicyError, match="hysteresis: the table does nothing; give it margin or dwell_s"):
        compile_policy(f"{HEAD}[hysteresis]\n".encode())
