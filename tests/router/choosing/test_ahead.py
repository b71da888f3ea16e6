"""What leaving the radio awake is worth to the next request, by hand and in a decision."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.ahead import awake_worth, time_after
from router.choosing.closed import Constraint
from router.choosing.engine import Decision, decide
from router.rules.policy import Policy
from router.types import Promise, Radio, Situation, TimeAfter
from tests.router.situations import NOW, policy_of, situation, target, times

ASLEEP_AFTER_S = 10.0


def _better_by(idle_s: float) -> float:
    """A cloud that gains 0.05, and loses 0.2 once its radio sleeps."""
    return 0.05 if idle_s < ASLEEP_AFTER_S else -0.15


@pytest.mark.parametrize(
    ("gaps_s", "idle_s", "worth"),
    [
        pytest.param((1.0,), 60.0, 0.05, id="asleep, and the next request comes soon"),
        pytest.param((20.0,), 60.0, 0.0, id="asleep, and it will sleep again before the next comes"),
        pytest.param((1.0, 20.0), 60.0, 0.025, id="asleep, and the next comes soon half of the time"),
        pytest.param((1.0,), 2.0, 0.0, id="awake, and will be when the next comes"),
        pytest.param((8.0,), 5.0, 0.05, id="awake, and will fall asleep before the next unless it is used"),
        pytest.param((1.0,), math.inf, 0.05, id="never used"),
        pytest.param((), 60.0, 0.0, id="nobody knows when the next comes"),
    ],
)
def test_where_waking_costs_nothing_an_awake_radio_is_worth_what_the_next_request_gains_by_it(
    gaps_s: tuple[float, ...], idle_s: float, worth: float
) -> None:
    assert awake_worth(_better_by, gaps_s, idle_s, wake=0.0) == pytest.approx(worth)


@pytest.mark.parametrize(
    ("gaps_s", "worth"),
    [
        pytest.param((1.0,), 0.20, id="a call that wakes it is worth its cost to all that follow"),
        pytest.param((20.0,), 0.0, id="none of them finds it awake"),
        pytest.param((1.0, 20.0), 0.05, id="half of them do, and half of those behind these"),
        pytest.param((1.0, 1.0, 1.0, 20.0), 0.15, id="three of four do"),
    ],
)
def test_where_nobody_wakes_it_otherwise_it_is_worth_that_to_the_whole_chain(
    gaps_s: tuple[float, ...], worth: float
) -> None:
    assert awake_worth(_better_by, gaps_s, 60.0) == pytest.approx(worth)


def test_a_wake_that_costs_something_makes_an_awake_radio_worth_something_between() -> None:
    none, dear, never = (awake_worth(_better_by, (1.0, 1.0, 20.0), 60.0, wake) for wake in (0.0, 0.03, math.inf))
    assert none < dear < never


@given(
    st.lists(st.floats(0, 30), min_size=1, max_size=8),
    st.lists(st.floats(0, 5), min_size=3, max_size=3),
    st.floats(-3, 3),
    st.floats(0, 2),
)
def test_it_solves_its_equation(gaps_s: list[float], worsens: list[float], fresh: float, wake: float) -> None:
    def better_by(idle: float) -> float:
        return fresh - sum(by for at, by in zip((1.0, 10.0, 20.0), worsens, strict=True) if idle >= at)

    gamma = awake_worth(better_by, gaps_s, 8.0, wake)
    rests = max(0.0, gamma - wake)
    sides = [sum(max(better_by(idle + gap) + gamma, rests) for gap in gaps_s) / len(gaps_s) for idle in (0.0, 8.0)]
    assert gamma == pytest.approx(sides[0] - sides[1], abs=1e-6)


def test_a_cloud_that_is_as_good_as_the_device_after_a_silence_is_a_bend_to_step_on_from() -> None:
    """The step stopped counting at the bend and went on to the next one: Gamma was what a wake costs."""
    assert awake_worth(lambda idle_s: float(idle_s < 1.0), [0.0], 8.0, 2.0) == pytest.approx(1.0)


def test_where_the_device_is_better_anyway_it_is_worth_nothing() -> None:
    assert awake_worth(lambda idle_s: -0.1 - idle_s, (1.0, 5.0), 60.0) == 0.0


@given(
    st.lists(st.floats(1e-5, 1e6), max_size=8),
    st.floats(0, 1e6),
    st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 10)), max_size=6),
    st.floats(-5, 5),
)
def test_it_is_never_negative_where_silence_only_makes_the_cloud_worse(
    gaps_s: list[float], idle_s: float, worsens: list[tuple[float, float]], fresh: float
) -> None:
    def better_by(idle: float) -> float:
        return fresh - sum(by for at, by in worsens if idle >= at)

    assert awake_worth(better_by, gaps_s, idle_s) >= -1e-9


def test_the_time_after_a_silence_is_that_of_the_longest_not_longer_than_it() -> None:
    view = target("cloud", times_after=(TimeAfter(0.0, times(50)), TimeAfter(10.0, times(900))))
    assert [time_after(view, idle).median_s for idle in (0.0, 9.9, 10.0, math.inf)] == [0.05, 0.05, 0.9, 0.9]
    assert time_after(target("cloud"), 5.0) == target("cloud").time


# -- in a decision -----------------------------------------------------------------------------------------------------

# A second is worth 0.09: a second of waking is more than the 0.05 that the cloud answers better by.
SLOW = "worth.second = 0.09\n"
WAKING = SLOW + "radio.wake = true\n"
AFTER = (TimeAfter(0.0, times(50)), TimeAfter(10.0, times(900)))


def _asleep(*gaps_s: float, idle_s: float = 60.0, **changes: object) -> Situation:
    cloud = target("cloud", time=times(900 if idle_s >= 10 else 50), times_after=AFTER)
    radio = Radio("cellular", NOW - idle_s, gaps_s)
    return replace(situation(target("device"), cloud, left_ms=5000), radio=radio, **changes)  # type: ignore[arg-type]  # fields of Situation


def _chooses(policy: Policy, of: Situation) -> str:
    return decide(policy, of).choice


def test_a_cloud_that_no_single_request_would_wake_is_woken_for_those_that_follow() -> None:
    policy = policy_of(SLOW)
    assert _chooses(policy, _asleep()) == "device"
    assert _chooses(policy, _asleep(0.5, 1.0, 2.0)) == "cloud"
    assert _chooses(policy, _asleep(60.0, 90.0, 120.0)) == "device"


def test_every_plan_that_sends_is_credited_as_often_as_it_sends() -> None:
    policy = policy_of(SLOW + "[escalation]\nbelow = 0.5\nshare = 0.25\n")
    without, with_it = decide(policy, _asleep()), decide(policy, _asleep(1.0))
    gamma = with_it.awake_worth
    assert gamma > 0
    credit = {c.name: c.cost - next(d.cost for d in with_it.candidates if d.name == c.name) for c in without.candidates}
    assert credit["cloud"] == pytest.approx(gamma)
    assert credit["device"] == pytest.approx(0.0)
    assert credit["device, then cloud if uncertain"] == pytest.approx(0.25 * gamma)


def test_a_request_may_stay_on_the_device_and_wake_the_radio_for_the_next() -> None:
    urgent = "[worth]\nsecond = 0.3\n[radio]\nwake = true\n"
    decision = decide(policy_of(urgent), _asleep(0.5, 1.0, 2.0))
    assert decision.choice == "device + wake"
    assert decision.plan is not None
    assert [leg.target for leg in decision.plan.legs] == ["device", "cloud"]
    assert decision.plan.wake == "cloud"
    assert "cloud" in decision.plan.targets
    assert str(decision.plan).endswith("wakes the radio to cloud")


def _wakes(policy: Policy, of: Situation) -> bool:
    decision = decide(policy, of)
    return any(candidate.name.endswith("+ wake") for candidate in decision.candidates)


def test_it_is_not_woken_in_vain() -> None:
    waking = policy_of(WAKING)
    assert _wakes(waking, _asleep(1.0))
    assert not _wakes(policy_of(SLOW), _asleep(1.0)), "the policy did not ask for it"
    assert not _wakes(waking, _asleep(1.0, idle_s=5.0)), "it is awake"
    assert not _wakes(waking, _asleep(60.0)), "it would be asleep again"
    assert not _wakes(waking, _asleep(1.0, silent_wakes=3)), "nobody came the last three times"
    assert _wakes(waking, _asleep(1.0, silent_wakes=2))


def _hurried(*gaps_s: float, awake_ms: float = 50, **changes: object) -> Situation:
    """Return a situation in which a request can wait for 250 ms, and a radio needs 450 at the least to wake."""
    after = (TimeAfter(0.0, times(awake_ms)), TimeAfter(10.0, times(900)))
    cloud = target("cloud", time=times(900), times_after=after, **changes)
    radio = Radio("cellular", NOW - 60.0, gaps_s)
    return replace(situation(target("device"), cloud, left_ms=250), radio=radio)


def test_a_radio_that_no_request_could_wait_for_is_woken_for_those_that_follow() -> None:
    """Nobody woke it: after a silence the cloud was closed by time, and what could not be asked was not looked at."""
    decision = decide(policy_of(WAKING), _hurried(1.0))
    assert decision.choice == "device + wake"
    assert decision.plan is not None
    assert decision.plan.legs[0].target == "device"
    assert decision.plan.wake == "cloud"
    assert decision.closed == ()


def test_where_nothing_is_woken_otherwise_a_request_is_sent_for_those_that_follow() -> None:
    """The device answers it, and the next ones find the radio awake. Closed by time, the cloud was never asked after a
    silence: half an hour of a simulated walk with deadlines of half a second cost 1.23 to 1.31 of what it does."""
    sent = decide(policy_of(SLOW), _hurried(1.0))
    assert sent.plan is not None
    assert [leg.target for leg in sent.plan.legs] == ["cloud", "device"]
    assert sent.awake_worth > 0
    assert decide(policy_of(SLOW), _hurried(60.0)).choice == "device", "the next one would find it asleep again"


def test_only_its_radio_s_sleep_and_a_device_beside_it_keep_a_late_target_from_being_closed() -> None:
    def closed(of: Situation, text: str = "") -> list[tuple[str, Constraint]]:
        return [(part.target, part.constraint) for part in decide(policy_of(text), of).closed]

    late = [("cloud", Constraint.TIME)]
    assert closed(_hurried(1.0)) == []
    assert closed(_hurried(1.0, awake_ms=600)) == late
    assert closed(_hurried(1.0, stay_local_s=5.0)) == late
    assert closed(_hurried(1.0), 'mode = "prefer_in_cloud"\n') == late
    promised = replace(_hurried(1.0), promise=Promise("in_force", "", 0.0, 0.7))
    assert closed(promised, "[promise]\nmax_loss = 0.02\n") == late, "each uncertain answer would wait for it in vain"
    fog = target("fog", median_ms=20)
    assert closed(replace(_hurried(1.0), targets=(fog, _hurried(1.0).targets[1]))) == late, "nobody could answer it"


def test_what_waking_would_not_make_quick_enough_is_not_woken() -> None:
    assert not _wakes(policy_of(WAKING), _hurried(1.0, awake_ms=600))
    assert not _wakes(policy_of(WAKING), _hurried(1.0, stay_local_s=5.0)), "it asked to be left to others"
    assert not _wakes(policy_of(WAKING), _hurried(1.0, breaker_admits=False)), "it fails"
    assert not _wakes(policy_of(WAKING), _hurried(60.0)), "it would be asleep again"
    assert not _wakes(policy_of(SLOW), _hurried(1.0)), "the policy did not ask for it"


def test_of_several_the_one_is_woken_that_the_next_request_would_ask_first() -> None:
    cloud = target("cloud", time=times(900), times_after=AFTER, p_wrong=0.01)
    fog = target("fog", time=times(900), times_after=AFTER, p_wrong=0.04)
    of = replace(situation(target("device"), fog, cloud, left_ms=250), radio=Radio("cellular", NOW - 60.0, (1.0, 1.0)))
    plan = decide(policy_of(WAKING), of).plan
    assert plan is not None
    assert plan.wake == "cloud"
    near = replace(fog, time=times(50), times_after=())
    plan = decide(policy_of(WAKING), replace(of, targets=(of.targets[0], near, cloud))).plan
    assert plan is not None
    assert plan.wake is None, "what can be asked now needs no waking"


def test_a_target_that_the_label_closes_is_never_woken() -> None:
    of = _asleep(1.0)
    secret = replace(of, request=replace(of.request, label="secret"))
    decision = decide(policy_of(WAKING), secret)
    assert decision.plan is not None
    assert decision.plan.targets == {"device"}
    assert decision.awake_worth == 0.0


def test_a_wake_pays_for_its_energy() -> None:
    dear = policy_of("[worth]\nsecond = 0.3\njoule = 0.1\n[radio]\nwake = true\n")
    decision = decide(dear, _asleep(0.5, 1.0, 2.0))
    assert decision.choice == "device"


def test_energy_alone_can_make_an_awake_radio_worth_something() -> None:
    """Times that do not differ, and a tail that is paid once for as many calls as fall into it."""
    cloud = target("cloud", time=times(50))
    of = replace(situation(target("device"), cloud), radio=Radio("cellular", NOW - 60, (0.5, 0.5)))
    policy: Policy = policy_of("worth.joule = 0.003")
    decision: Decision = decide(policy, of)
    assert decision.awake_worth > 0
    assert decide(policy_of(), of).awake_worth == 0.0


@pytest.mark.parametrize("state", ["alarm", "uncovered"])
def test_where_every_answer_has_to_be_asked_for_an_awake_radio_is_worth_nothing_more(
    state: Literal["alarm", "uncovered"],
) -> None:
    """Under an alarm, and without a certificate or a threshold, no plan begins on the device: there was none to compare
    with, and the decision failed where the radio sleeps between requests."""
    of = replace(_asleep(1.0), promise=Promise(state, "the model is another"))
    decision = decide(policy_of("[promise]\nmax_loss = 0.02\n[radio]\nwake = true\n"), of)
    assert decision.choice == "cloud"
    assert decision.awake_worth == 0.0


def test_where_no_threshold_pays_and_none_may_stay_the_request_is_decided_all_the_same() -> None:
    """As above: a search for better numbers came upon it."""
    promised = replace(_asleep(1.0), promise=Promise("uncovered", "no release"), thresholds=())
    unscored = replace(promised, request=replace(promised.request, can_score=False))
    text = '[escalation]\nbelow = "best"\n[promise]\nmax_loss = 0.02\n'
    assert decide(policy_of(text), unscored).choice == "cloud"
