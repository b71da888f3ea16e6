"""When callers are asked to stay away."""

from __future__ import annotations

from cloud_service.admission.refusals import Refusals


def _refusing(lasting_s: float) -> Refusals:
    refusals = Refusals()
    for step in range(int(lasting_s / 0.5) + 1):
        refusals.note(100 + step * 0.5)
    return refusals


def test_a_short_burst_asks_nobody_to_stay_away() -> None:
    assert _refusing(0.5).stay_local_s(100.5) == 0


def test_what_goes_on_asks_for_a_few_seconds_and_for_more_the_longer_it_does() -> None:
    assert _refusing(1.0).stay_local_s(101) == 2
    assert _refusing(10.0).stay_local_s(110) == 10
    assert _refusing(100.0).stay_local_s(200) == 30


def test_a_second_without_a_refusal_ends_it() -> None:
    refusals = _refusing(10.0)
    assert refusals.stay_local_s(111) == 10
    assert refusals.stay_local_s(111.1) == 0
    refusals.note(112)
    assert refusals.stay_local_s(112) == 0
