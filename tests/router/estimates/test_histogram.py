"""A distribution in logarithmic buckets: bounded, and two are one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.estimates import LogHistogram
from tests.properties.effort import effort


def _histogram(*values: float, memory: int = 20) -> LogHistogram:
    histogram = LogHistogram(memory)
    histogram.add(values)
    return histogram


def test_it_stays_small_however_much_is_added() -> None:
    chance = random.Random(1)
    histogram = LogHistogram(20)
    for _ in range(50):
        histogram.add(chance.lognormvariate(0, 3) for _ in range(1000))
    assert len(histogram.weights()) < 200
    assert histogram.counts == pytest.approx(20, rel=0.05)


def test_what_is_no_positive_number_is_left_out() -> None:
    assert _histogram(0.0, -1.0, float("nan"), float("inf")).samples == 0


def test_two_that_are_merged_know_what_both_did() -> None:
    one, other = _histogram(*[1.0] * 5), _histogram(*[4.0] * 5)
    one.merge(other.weights(), other.samples)
    assert one.samples == 10
    assert one.quantiles((0.25, 0.75)) == pytest.approx((1.0, 4.0), rel=0.01)


def test_two_full_memories_merged_are_one_full_memory() -> None:
    """Else whoever merges often would learn ever more slowly."""
    one, other = _histogram(*[1.0] * 100), _histogram(*[4.0] * 100)
    one.merge(other.weights(), other.samples)
    assert one.counts == pytest.approx(20)
    one.add([9.0] * 20)
    assert one.quantiles((0.5,))[0] == pytest.approx(9.0, rel=0.01)


def test_a_shift_multiplies_every_sample() -> None:
    histogram = _histogram(0.1, 0.2, 0.4)
    histogram.shift(5.0)
    assert histogram.quantiles((0.1, 0.5, 0.9)) == pytest.approx((0.5, 1.0, 2.0), rel=0.03)


@effort
@given(st.floats(0.001, 1000))
def test_a_sample_of_which_only_the_least_is_known_lies_beyond_that_and_not_far(least: float) -> None:
    """In the nearest bucket it was as often below: a run that was stopped at its deadline counted as one in time."""
    histogram = LogHistogram(20)
    histogram.add_beyond(least)
    (quantile,) = histogram.quantiles((0.5,))
    assert least < quantile <= least * 1.0201
