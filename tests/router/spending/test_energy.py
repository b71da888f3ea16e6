"""Joules by hand: what a run and a call draw, whose numbers count, and what is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from router.choosing.engine import decide
from router.document.profiles import PROFILES
from router.errors import PolicyError
from router.spending.energy import RadioPower, device_j, extra_j, remote_j
from router.types import Radio
from tests.router.situations import NOW, policy_of, situation

LTE = RadioPower(connected_w=1.0, up_w_per_mbps=0.5, down_w_per_mbps=0.1, tail_s=10.0, tail_w=2.0, wake_j=0.25)


def test_a_run_takes_its_power_for_as_long_as_it_lasts() -> None:
    terms = policy_of("energy.cpu_w = 3").energy
    assert device_j(terms, 0.5, None) == pytest.approx(1.5)


def test_what_was_measured_is_used_instead_of_the_profile() -> None:
    terms = policy_of("energy.cpu_w = 3").energy
    assert device_j(terms, 0.5, 1.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("idle_s", "joules"),
    [
        pytest.param(0.0, 0.0, id="in the middle of another call"),
        pytest.param(4.0, 8.0, id="in the tail, which it prolongs by four seconds"),
        pytest.param(9.99, 19.98, id="just awake"),
        pytest.param(10.0, 20.25, id="asleep, and woken"),
        pytest.param(math.inf, 20.25, id="never used"),
    ],
)
def test_a_call_pays_the_tail_it_adds_and_the_waking(idle_s: float, joules: float) -> None:
    assert extra_j(LTE, 0, 0, idle_s) == pytest.approx(joules)


def test_sending_and_receiving_take_so_much_a_bit_at_any_pace() -> None:
    assert extra_j(LTE, 1_000_000, 0, 0.0) == pytest.approx(0.5 * 8)
    assert extra_j(LTE, 0, 1_000_000, 0.0) == pytest.approx(0.1 * 8)


def test_a_call_takes_the_connection_s_power_while_it_is_under_way() -> None:
    assert remote_j(LTE, 3.0, 0, 0, 0.0) == pytest.approx(3.0)


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_that_ships_can_be_named(name: str) -> None:
    terms = policy_of(f'energy.profile = "{name}"').energy
    assert terms.cpu_w > 0
    assert terms.power_of("cellular").tail_s > 10
    assert terms.power_of("cellular").tail_w > terms.power_of("wifi").tail_w


def test_a_link_of_which_nothing_is_known_draws_nothing() -> None:
    assert remote_j(policy_of().energy.power_of("none"), 5.0, 1_000_000, 0) == 0.0


def test_where_nobody_tells_the_link_the_assumed_one_counts() -> None:
    terms = policy_of('energy.assumed_link = "cellular"').energy
    assert terms.power_of(None) == terms.power_of("cellular")


def test_one_number_of_a_link_is_replaced_and_the_others_stay() -> None:
    before, after = policy_of().energy, policy_of("energy.links.cellular.tail_s = 5").energy
    assert after.power_of("cellular") == replace(before.power_of("cellular"), tail_s=5)
    assert after.power_of("wifi") == before.power_of("wifi")


WHOLE = "connected_w = 1, up_w_per_mbps = 0, down_w_per_mbps = 0, tail_s = 0, tail_w = 0, wake_j = 0"


def test_a_link_that_the_profile_does_not_know_is_told_whole() -> None:
    assert policy_of(f"energy.links.ethernet = {{ {WHOLE} }}").energy.power_of("ethernet").connected_w == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('energy.profile = "fone"', 'no profile is called "fone"; did you mean "phone"?'),
        ("energy.links.ethernet.tail_s = 1", "energy.links.ethernet.connected_w: the profile knows no such link"),
        ('energy.assumed_link = "ethernet"', 'nothing is known of what "ethernet" draws'),
        ('energy.assumed_link = "warp"', "energy.assumed_link"),
        ("energy.links.warp.tail_s = 1", "energy.links"),
        ("energy.cpu_w = -1", "energy.cpu_w"),
        ("energy.links.wifi.tail_s = inf", "energy.links.wifi.tail_s"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PolicyError, match="energy") as raised:
        policy_of(text)
    assert said in str(raised.value)


# -- in a decision -----------------------------------------------------------------------------------------------------


def _joules(text: str, radio: Radio | None, device_w: float | None = None) -> dict[str, float]:
    decision = decide(policy_of(text), replace(situation(), radio=radio, device_w=device_w))
    return {candidate.name: candidate.expected.joules for candidate in decision.candidates}


def test_a_policy_of_before_energy_decides_as_before_and_tells_the_joules() -> None:
    costs = {c.name: c.cost for c in decide(policy_of(), situation()).candidates}
    asleep = {
        c.name: c.cost for c in decide(policy_of(), replace(situation(), radio=Radio("cellular", None))).candidates
    }
    assert costs == asleep
    assert _joules("", Radio("cellular", None))["cloud"] > 12 > 0.1 > _joules("", None)["cloud"]


def test_a_dear_radio_keeps_on_the_device_what_would_have_gone_to_the_cloud() -> None:
    policy = policy_of("worth.joule = 0.01")
    assert decide(policy, replace(situation(), radio=Radio("wifi", None))).choice == "cloud"
    assert decide(policy, replace(situation(), radio=Radio("cellular", None))).choice == "device"


def test_a_radio_in_use_costs_the_next_call_little() -> None:
    asleep, awake = Radio("cellular", NOW - 60), Radio("cellular", NOW)
    assert _joules("", asleep)["cloud"] > 12
    assert _joules("", awake)["cloud"] < 0.2


def test_the_decision_says_whose_watts_it_counted_with() -> None:
    by_profile = decide(policy_of(), situation())
    measured = decide(policy_of(), replace(situation(), device_w=0.5))
    assert (by_profile.energy_basis, measured.energy_basis) == ("profile", "measured")
    assert _joules("", None, 0.5)["device"] < _joules("", None)["device"]
