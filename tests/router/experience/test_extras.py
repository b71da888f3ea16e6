"""What an agent's experience says of hedges, retries and calls that are to be kept back."""

from __future__ import annotations

import math

import pytest

from router.experience import Experience
from router.rules.compile import compile_policy
from router.running.advice import Told
from router.running.attempt import Role
from router.types import BreakerPhase, Kind

HEAD = 'schema = 1\nname = "x"\nversion = 1\n[hedge]\nshare = 0.05\n[breaker]\nconsecutive = 1\njitter = 0\n'
KINDS = {"device": Kind.DEVICE, "cloud": Kind.CLOUD}


def _experience(text: str = "", chance: float = 0.5, *, consecutive: int = 1) -> Experience:
    head = HEAD.replace("consecutive = 1", f"consecutive = {consecutive}")
    return Experience(compile_policy((head + text).encode(), targets=KINDS), chance=lambda: chance)


def _calls(experience: Experience, fails: bool, now: float, *, told: Told | None = None, role: Role = Role.LEG) -> None:
    call = experience.admit("cloud", Kind.CLOUD, "m", 100, {}, now, role=role)
    assert call is not None
    if fails:
        experience.remote_failed(call, "m", blamed=True, now=now, told=told or Told())
    else:
        experience.remote_succeeded(call, "m", 100, 0.05, now, told=told or Told())


def _with_token() -> Experience:
    experience = _experience()
    for _ in range(20):
        experience.could_hedge()
    return experience


def test_a_hedge_takes_a_token_and_without_one_there_is_none() -> None:
    experience = _with_token()
    assert experience.covers(Role.HEDGE, "cloud", "m", 0.0)
    assert not experience.covers(Role.HEDGE, "cloud", "m", 0.0)


def test_nothing_is_hedged_to_a_target_that_is_being_probed() -> None:
    """It had a place for one probe, which is for somebody who has no other answer."""
    experience = _with_token()
    _calls(experience, True, 0.0)
    assert experience.phase("cloud", 31.0) is BreakerPhase.HALF_OPEN
    assert not experience.covers(Role.HEDGE, "cloud", "m", 31.0)
    assert experience.covers(Role.HEDGE, "device", "m", 31.0)


@pytest.mark.parametrize("told", [Told(pushback_s=5.0), Told(0.1, stay_local_s=5.0)], ids=["pushback", "spared"])
def test_nothing_is_hedged_to_a_target_that_asked_for_peace_meanwhile(told: Told) -> None:
    experience = _with_token()
    _calls(experience, told.pushback_s > 0, 0.0, told=told)
    assert not experience.covers(Role.HEDGE, "cloud", "m", 1.0)
    assert experience.covers(Role.HEDGE, "cloud", "m", 11.0)


def test_retries_under_way_are_counted_until_they_end() -> None:
    experience = _experience()
    calls = [experience.admit("cloud", Kind.CLOUD, "m", 100, {}, 0.0, role=Role.RETRY) for _ in range(3)]
    assert not experience.covers(Role.RETRY, "cloud", "m", 0.0)
    assert calls[0] is not None
    experience.remote_abandoned(calls[0])
    assert experience.covers(Role.RETRY, "cloud", "m", 0.0)


def test_legs_backups_and_escalations_need_no_budget() -> None:
    experience = _experience()
    for role in (Role.LEG, Role.BACKUP, Role.ESCALATION):
        assert experience.covers(role, "cloud", "m", 0.0)


def test_calls_are_kept_back_by_chance_once_most_of_them_failed() -> None:
    text = "min_calls = 1000\n[throttle]\nmin_rps = 0\n"
    lucky, unlucky = (_experience(text, chance, consecutive=1000) for chance in (0.9, 0.0))
    for experience in (lucky, unlucky):
        assert not experience.keeps_back("cloud", 0.0)
        for second in range(20):
            _calls(experience, True, float(second))
    assert not lucky.keeps_back("cloud", 20.0)
    assert unlucky.keeps_back("cloud", 20.0)


def test_how_much_peace_is_left_is_told_and_never_negative() -> None:
    experience = _experience()
    _calls(experience, True, 0.0, told=Told(pushback_s=4.0))
    assert experience.peace_s("cloud", "m", 1.0) == pytest.approx(3.0)
    assert experience.peace_s("cloud", "m", 100.0) == 0.0
    assert experience.peace_s("cloud", "other", 1.0) == 0.0
    assert not math.isinf(experience.peace_s("cloud", "m", 0.0))


def test_the_call_that_finds_out_whether_a_target_is_well_again_is_not_kept_back() -> None:
    """Chance could keep back each one that a breaker let through, for minutes, and the target stayed unasked though it
    had been well for long."""
    experience = _experience("[throttle]\nmin_rps = 0\n", chance=0.0)
    _calls(experience, True, 0.0)
    assert experience.phase("cloud", 31.0) is BreakerPhase.HALF_OPEN
    assert not experience.keeps_back("cloud", 31.0)
    _calls(experience, False, 31.0)
    _calls(experience, False, 31.1)
