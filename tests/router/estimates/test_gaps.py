"""How long it is from one request to the next."""

from __future__ import annotations

import random
from statistics import fmean

import pytest

from router.estimates import Gaps


def _arrivals(*gaps_s: float) -> Gaps:
    gaps, now = Gaps(), 0.0
    for gap_s in (0.0, *gaps_s):
        now += gap_s
        if gaps.note(now):
            gaps.learn()
    gaps.learn()
    return gaps


def test_before_two_requests_there_is_no_gap() -> None:
    assert _arrivals().quantiles_s == ()


def test_the_mean_of_a_function_over_the_quantiles_is_near_that_over_the_gaps() -> None:
    chance = random.Random(5)
    seen = [chance.expovariate(0.1) for _ in range(2000)]
    asleep = fmean(gap > 10 for gap in seen)
    assert fmean(gap > 10 for gap in _arrivals(*seen).quantiles_s) == pytest.approx(asleep, abs=0.13)


def test_bursts_and_pauses_both_show() -> None:
    quantiles = _arrivals(*[0.2, 0.2, 0.2, 30.0] * 40).quantiles_s
    assert quantiles[:6] == pytest.approx([0.2] * 6, rel=0.06)
    assert quantiles[6:] == pytest.approx([30.0] * 2, rel=0.06)


def test_rare_requests_are_learnt_from_at_once_and_frequent_ones_in_batches() -> None:
    gaps = Gaps()
    assert [gaps.note(at) for at in (0.0, 5.0, 5.1, 5.2)] == [True, True, False, False]
    assert any(gaps.note(5.2 + at / 100) for at in range(40))


def test_what_has_hardly_changed_stays_the_same_object() -> None:
    gaps = _arrivals(*[1.0] * 40)
    before = gaps.quantiles_s
    for at in range(1, 10):
        gaps.note(40.0 + at * 1.1)
    gaps.learn()
    assert gaps.quantiles_s is before
