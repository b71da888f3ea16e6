"""What a call teaches that was given up: the least that it would have taken, and only where that is news."""

from __future__ import annotations

import pytest

from nearfar_wire.status import CODES, Code
from router.experience import Experience, ModelFacts, TargetFacts
from router.rules.compile import compile_policy
from router.types import Kind, TargetView

FACTS = ModelFacts("m", (TargetFacts("cloud", Kind.CLOUD, True, "", 1 << 24, None),))


def _usual(taken_s: float, times: int = 20) -> Experience:
    policy = compile_policy(b'schema = 1\nname = "p"\nversion = 1\n')
    experience = Experience(policy, chance=lambda: 0.5)
    for at in range(times):
        call = experience.admit("cloud", Kind.CLOUD, "m", 100, {}, at / 10)
        assert call is not None
        experience.remote_succeeded(call, "m", 100, taken_s, at / 10)
    return experience


def _forgotten(experience: Experience) -> float:
    """Pass the target over until it is forgotten, and return when that was."""
    now = 100.0
    while experience.views(FACTS, 100, {}, now)[0].time.samples:
        now += 60.0
        assert now < 1e6
    return now


def _ends(experience: Experience, code: Code, after_s: float, times: int = 1, at: float = 2.0) -> None:
    for _ in range(times):
        call = experience.admit("cloud", Kind.CLOUD, "m", 100, {}, at)
        assert call is not None
        blames = CODES[code].blames_endpoint
        experience.remote_ended(
            call, "m", code.value, blames_endpoint=blames, had_s=after_s, taken_s=after_s, now=at + after_s
        )


def _view(experience: Experience) -> TargetView:
    return experience.views(FACTS, 100, {}, 2.0)[0]


@pytest.mark.parametrize("code", [Code.DEADLINE_EXCEEDED, Code.CANCELLED])
def test_calls_that_are_given_up_at_once_do_not_make_a_target_look_quick(code: Code) -> None:
    """An app with deadlines of a millisecond taught that the cloud answers within one."""
    experience = _usual(0.2)
    before = _view(experience).time
    _ends(experience, code, 0.001, times=20)
    assert _view(experience).time == before


def test_a_call_that_lost_to_somebody_quicker_shows_its_target_has_become_slow() -> None:
    """Else a target that is always beaten by the device, which was begun beside it, would look quick for ever."""
    experience = _usual(0.05)
    _ends(experience, Code.CANCELLED, 0.4, times=20)
    view = _view(experience)
    assert view.time.median_s == pytest.approx(0.4, rel=0.1)
    assert (view.p_fail, view.breaker_admits) == (0.0, True)


def test_a_call_that_is_given_up_each_time_is_believed_to_be_as_slow_as_it_was_thought() -> None:
    """Where twice as much was believed after one call, nothing was learnt of timeouts: the next call was believed to be
    in time once in six times, for ever."""
    experience = _usual(2.0, times=1)
    before = _view(experience).time
    _ends(experience, Code.DEADLINE_EXCEEDED, 1.5, times=5)
    assert before.optimistic_s < 1.5
    assert _view(experience).time.optimistic_s == pytest.approx(2.0, rel=0.05)


def test_calls_that_are_all_stopped_at_one_deadline_are_not_believed_to_make_it() -> None:
    """Each counted as one that took just as long, and a time is told to a fiftieth: of a cloud 20 ms beyond the
    deadline 1,250 of 1,606 calls were waited for in vain."""
    experience = _usual(0.05)
    _ends(experience, Code.CANCELLED, 0.1, times=80)
    assert _view(experience).time.optimistic_s > 0.1


def test_a_call_that_outlasts_what_few_were_quicker_than_shows_that_they_are_fewer() -> None:
    """A few came before the calls were stopped, long ago: that was believed for as long as all others did not."""
    experience = _usual(0.2)
    for at in range(30):
        call = experience.admit("cloud", Kind.CLOUD, "m", 100, {}, 2 + at / 100)
        assert call is not None
        experience.remote_succeeded(call, "m", 100, 0.2 if at % 5 else 0.15, 2 + at / 100)
    assert _view(experience).time.optimistic_s == pytest.approx(0.15, rel=0.05)
    _ends(experience, Code.CANCELLED, 0.18, times=40, at=3.0)
    assert _view(experience).time.optimistic_s > 0.18


def test_who_was_forgotten_and_is_as_slow_as_it_was_is_known_again() -> None:
    """It was believed to be as quick as anybody, and asked again and again: as long as it had taken before, it took in
    vain, and that was no news to what had been learnt and was not believed any more. On a simulated day with a slow
    network 428 of 751 requests waited for it, and 16 got an answer."""
    experience = _usual(2.0)
    now = _forgotten(experience)
    believed = experience.views(FACTS, 100, {}, now)[0].time
    assert believed.median_s < 1.0
    _ends(experience, Code.DEADLINE_EXCEEDED, 1.3, at=now)
    assert experience.views(FACTS, 100, {}, now + 1.3)[0].time.median_s == pytest.approx(2.0, rel=0.1)


def test_who_was_forgotten_and_has_become_slower_is_learnt_anew() -> None:
    experience = _usual(0.05, times=20)
    now = _forgotten(experience)
    _ends(experience, Code.DEADLINE_EXCEEDED, 1.3, at=now)
    assert experience.views(FACTS, 100, {}, now + 1.3)[0].time.median_s == pytest.approx(1.3, rel=0.1)


def test_a_moment_teaches_nothing_of_who_was_forgotten() -> None:
    experience = _usual(2.0)
    now = _forgotten(experience)
    believed = experience.views(FACTS, 100, {}, now)[0].time
    _ends(experience, Code.CANCELLED, 0.01, at=now)
    assert experience.views(FACTS, 100, {}, now + 0.01)[0].time == believed
