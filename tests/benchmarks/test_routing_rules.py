"""The rules of peers, each in situations made by hand; and whoever knows who is right."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from benchmarks.routing.oracle import oracle, revealed
from benchmarks.routing.rules import PEERS, Xybrid, entropy_threshold, firebase_prefer_in_cloud, neurosurgeon_energy
from router.choosing.plan import Escalation
from router.simulate.baselines import BASELINES, Baseline, Offer, decide_by
from router.simulate.driver import simulate
from router.types import TargetView, Value
from tests.router.simulate.runs import a_policy, a_setting
from tests.router.situations import situation, target

POLICY = a_policy()
DEVICE, CLOUD, FOG = target("device", median_ms=20), target("cloud", median_ms=100), target("fog", median_ms=50)


def _offer(*remotes: TargetView, device: TargetView | None = DEVICE, **readings: Value) -> Offer:
    views = (*(() if device is None else (device,)), *remotes)
    return Offer(() if device is None else (device,), remotes, situation(*views, readings=readings), 0.5)


def _named(name: str) -> Baseline:
    return next(peer(POLICY) for peer in PEERS if peer(POLICY).name == name)


def _asked(rule: Baseline, offer: Offer) -> tuple[list[str], Escalation | None]:
    order, escalation = rule.rule(offer)
    return [view.name for view in order], escalation


# -- Sedna -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "score", "hard"),
    [
        ("sedna-threshold", 0.5, False),
        ("sedna-threshold", 0.4999, True),
        ("sedna-ibt", 0.5, True),
        ("sedna-ibt", 0.5001, False),
        ("sedna-cross-entropy", 0.73, True),
        ("sedna-cross-entropy", 0.75, False),
    ],
)
def test_sedna_asks_the_cloud_where_its_filter_calls_the_answer_hard(name: str, score: float, hard: bool) -> None:
    order, escalation = _asked(_named(name), _offer(CLOUD))
    assert order == ["device"], "the edge answers first, and stands where the cloud fails"
    assert escalation is not None and escalation.to == "cloud"
    # As the machine reads it: kept where strictly above.
    assert (not score > escalation.below) is hard


def test_sednas_cross_entropy_is_one_less_the_entropys_share_of_the_most_there_can_be() -> None:
    p, classes = entropy_threshold(0.5, 4), 4
    rest = (1 - p) / 3
    confidence = 1 + (p * math.log(p) + 3 * rest * math.log(rest)) / math.log(classes)
    assert confidence == pytest.approx(0.5)
    assert entropy_threshold(0.9) > entropy_threshold(0.5)


def test_sedna_has_nobody_to_ask_without_a_cloud() -> None:
    assert _asked(_named("sedna-ibt"), _offer()) == (["device"], None)


# -- Firebase ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "online", "offline"),
    [
        ("firebase-only-on-device", ["device"], ["device"]),
        ("firebase-prefer-on-device", ["device", "cloud"], ["device", "cloud"]),
        ("firebase-prefer-in-cloud", ["cloud"], ["device"]),
        ("firebase-only-in-cloud", ["cloud"], ["cloud"]),
    ],
)
def test_firebases_modes_ask_as_their_names_say(name: str, online: list[str], offline: list[str]) -> None:
    rule = _named(name)
    assert _asked(rule, _offer(CLOUD, link="cellular")) == (online, None)
    assert _asked(rule, _offer(CLOUD, link="none")) == (offline, None)


def test_firebase_answers_here_where_there_is_no_cloud_to_prefer() -> None:
    assert [view.name for view in firebase_prefer_in_cloud(_offer())[0]] == ["device"]


# -- xybrid ------------------------------------------------------------------------------------------------------------

NEAR, FAR = replace(CLOUD, round_trip_s=0.25), replace(CLOUD, round_trip_s=0.251)


@pytest.mark.parametrize(
    ("offer", "first"),
    [
        pytest.param(_offer(NEAR, battery_pct=80.0), "device", id="an accelerator"),
        pytest.param(_offer(NEAR, battery_pct=30.0), "cloud", id="not enough charge for the accelerator"),
        pytest.param(_offer(NEAR, battery_pct=19.0), "cloud", id="low battery"),
        pytest.param(_offer(FAR, battery_pct=10.0), "device", id="a far cloud, whatever the battery"),
        pytest.param(_offer(NEAR, battery_pct=80.0, throttled=True), "cloud", id="hot"),
        pytest.param(_offer(NEAR), "device", id="no battery at all"),
        pytest.param(_offer(NEAR, device=None, battery_pct=80.0), "cloud", id="no local model"),
        pytest.param(_offer(battery_pct=10.0), "device", id="the label denies the cloud"),
    ],
)
def test_xybrid_takes_the_first_reason_that_holds(offer: Offer, first: str) -> None:
    order, escalation = Xybrid()(offer)
    assert (order[0].name, escalation) == (first, None)


def test_xybrid_leaves_a_processor_that_was_busy_twice() -> None:
    rule, busy, idle = Xybrid(), _offer(NEAR, cpu_load=0.96), _offer(NEAR, cpu_load=0.5)
    firsts = [rule(offer)[0][0].name for offer in (busy, busy, busy, idle, busy)]
    assert firsts == ["device", "cloud", "cloud", "device", "device"]


def test_a_rule_that_remembers_begins_each_run_anew() -> None:
    rules = [peer(POLICY) for peer in PEERS if peer(POLICY).name == "xybrid"]
    assert rules[0].rule is not next(peer(POLICY) for peer in PEERS if peer(POLICY).name == "xybrid").rule


# -- Neurosurgeon ------------------------------------------------------------------------------------------------------


def test_neurosurgeon_takes_the_end_that_is_quicker_or_takes_less_energy() -> None:
    slow_device = target("device", median_ms=3000)
    assert _asked(_named("neurosurgeon-latency"), _offer(CLOUD, device=slow_device))[0] == ["cloud", "device"]
    assert _asked(_named("neurosurgeon-latency"), _offer(CLOUD))[0] == ["device", "cloud"]
    rule = neurosurgeon_energy(POLICY)
    assert _asked(rule, _offer(CLOUD, device=target("device", median_ms=60_000)))[0] == ["cloud", "device"]
    assert _asked(rule, _offer(CLOUD))[0] == ["device", "cloud"]


# -- the ladder and the cascades, which ship ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "first"),
    [
        ({"battery_pct": 50.0, "temperature_c": 40.0}, "device"),
        ({"battery_pct": 19.0, "charging": False}, "cloud"),
        ({"battery_pct": 19.0, "charging": True}, "device"),
        ({"battery_pct": 50.0, "temperature_c": 61.0}, "cloud"),
        ({}, "device"),
    ],
)
def test_the_ladder_leaves_a_device_that_is_low_or_hot(readings: dict[str, object], first: str) -> None:
    ladder = next(baseline for baseline in BASELINES if baseline.name == "ladder")
    assert _asked(ladder, _offer(CLOUD, **readings))[0][0] == first


# -- all of them -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer(POLICY).name)
def test_no_peer_asks_who_the_label_forbids(peer: object) -> None:
    secret = simulate(a_setting(60, label="secret"), POLICY, 1, baseline=peer(POLICY))  # type: ignore[operator]
    assert secret.size_bytes.value == 0.0


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer(POLICY).name)
def test_a_peer_decides_by_the_simulators_own_protocol(peer: object) -> None:
    rule: Baseline = peer(POLICY)  # type: ignore[operator]  # see PEERS
    decision = decide_by(rule, POLICY, situation(DEVICE, FOG, CLOUD), 0.5)
    assert decision.plan is not None
    assert decision.choice in {"device", "fog", "cloud"}


# -- who knows ---------------------------------------------------------------------------------------------------------


def test_who_is_right_is_known_where_it_is_revealed_and_the_same() -> None:
    setting = a_setting(50)
    known = revealed(setting)
    one, other = (simulate(of, POLICY, 1, baseline=BASELINES[0]) for of in (setting, known))
    assert one.seconds == other.seconds, "the same world"
    assert other.wrong.value * 50 == pytest.approx(round(other.wrong.value * 50)), "whole answers"
    assert one.wrong.value == pytest.approx(other.wrong.value, abs=0.2)


def test_the_oracle_is_wrong_only_where_all_are() -> None:
    setting = revealed(a_setting(400))
    found = simulate(setting, POLICY, 1, baseline=oracle(setting, 1))
    # The device is wrong for a quarter, and each of the others for two fifths of those, both together.
    assert found.wrong.value == pytest.approx(0.25 * 0.4, abs=0.04)
    assert found.accuracy_loss.value < 0, "the device knows some that the cloud does not"
    assert found.shares["device"].value == pytest.approx(0.85, abs=0.05)
