"""What a run on the device teaches that was stopped, and what is known of a device of which few runs were seen."""

from __future__ import annotations

import pytest

from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.types import DEVICE, Kind, TimeEstimate

FACTS = ModelFacts("m", (TargetFacts(DEVICE, Kind.DEVICE, True, "", 0, None),))
NEVER_TRIED = 'schema = 1\nname = "p"\nversion = 1\n'


def _after(*runs_s: float, now: float = 0.0) -> Experience:
    experience = Experience(compile_policy(NEVER_TRIED.encode()), chance=lambda: 0.5)
    for taken_s in runs_s:
        experience.device_ran("m", taken_s, now)
    return experience


def _time(experience: Experience, now: float = 1.0) -> TimeEstimate:
    return experience.views(FACTS, 0, {}, now)[0].time


def test_one_run_tells_how_quick_this_device_is_and_not_only_what_devices_are() -> None:
    """The prior's spread, which is that between devices, had a run of 90 ms mean up to half a second."""
    q05, q25, q50, q75, q95 = _time(_after(0.09)).quantiles_s
    assert q50 == pytest.approx(0.09, rel=0.02)
    assert (q05, q95) == (pytest.approx(0.06, rel=0.02), pytest.approx(0.135, rel=0.02))
    assert q05 < q25 < q50 < q75 < q95


def test_a_run_that_was_stopped_early_says_nothing() -> None:
    experience = _after(*[0.09] * 20)
    before = _time(experience)
    for _ in range(100):
        experience.device_given_up("m", 0.011, 1.0)
    assert _time(experience) == before


def test_before_any_run_only_one_that_took_longer_than_believed_is_news() -> None:
    experience = _after()
    believed = _time(experience)
    experience.device_given_up("m", believed.median_s * 0.9, 1.0)
    assert _time(experience) == believed
    experience.device_given_up("m", 0.05, 1.0)
    # How much longer it would have taken nobody knows: the spread stays as wide as it was.
    told = _time(experience)
    assert told.median_s > 0.05
    assert told.pessimistic_s / told.median_s == pytest.approx(believed.pessimistic_s / believed.median_s, rel=0.05)


@pytest.mark.parametrize("deadline_s", [0.15 + 0.008 * step for step in range(14)])
def test_a_device_that_is_stopped_at_each_deadline_is_not_believed_to_be_in_time(deadline_s: float) -> None:
    """It was said to take as long as it was let, to a bucket: with half of all deadlines that was within them."""
    experience = _after()
    for _ in range(20):
        experience.device_given_up("m", deadline_s, 1.0)
    assert _time(experience).median_s > deadline_s


# -- another chance ----------------------------------------------------------------------------------------------------


def _passed_over(experience: Experience, since: float, until: float) -> list[float]:
    """Look at the device ten times a second and pass it over; return when it was given another chance, to no avail."""
    tried = []
    now = since
    while now < until:
        now += 0.1
        if _time(experience, now).samples == 0:
            experience.device_given_up("m", 0.3, now)
            tried.append(now)
    return tried


def test_a_device_that_is_too_slow_each_time_is_tried_ever_more_seldom() -> None:
    """Nobody stands behind one that is tried, so that each try is a missed deadline: there was one in every minute."""
    tried = _passed_over(_after(*[0.3] * 20), 0.0, 1000.0)
    # The first look after each wait begins to count those that pass it over: 24, then twice as many, and so on.
    assert tried == [pytest.approx(at, abs=1) for at in (62, 187, 437, 936)]


def test_a_device_that_shows_that_it_is_quick_again_is_believed_at_once() -> None:
    experience = _after(*[0.3] * 20)
    _passed_over(experience, 0.0, 59.0)
    while _time(experience, now := 61.0).samples:
        experience.views(FACTS, 0, {}, now)
    experience.device_ran("m", 0.01, 61.0)
    assert _time(experience, 61.5).median_s == pytest.approx(0.01, rel=0.02)


def test_a_chance_that_nobody_takes_is_over_soon_and_what_was_known_holds_again() -> None:
    """A backup was started too late where the device had been forgotten, and nobody had asked it since."""
    experience = _after(*[0.3] * 20)
    known = _time(experience, 0.5)
    seen = [_time(experience, 61.0 + at / 10) for at in range(40)]
    assert any(time.samples == 0 for time in seen)
    assert seen[-1] == known


def test_a_device_that_is_forgotten_is_not_believed_to_be_quicker_than_it_ever_was_by_much() -> None:
    """It was believed to be what the policy believes of devices, 3 ms: one that took 300 was tried again and again."""
    experience = _after(*[0.3] * 20)
    seen = [_time(experience, 61.0 + at / 10) for at in range(40)]
    forgotten = next(time for time in seen if time.samples == 0)
    assert 0.1 < forgotten.median_s < 0.3
