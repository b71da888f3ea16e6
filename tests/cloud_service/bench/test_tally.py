from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.bench.tally import Durations, Tally

_SECONDS = st.lists(st.floats(1e-6, 599), min_size=1, max_size=50)


def _of(seconds: list[float]) -> Durations:
    durations = Durations()
    for each in seconds:
        durations.add(each)
    return durations


@given(_SECONDS, st.floats(0.01, 1))
def test_a_quantile_is_right_to_half_a_percent(seconds: list[float], share: float) -> None:
    wanted = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    assert _of(seconds).quantile(share) == pytest.approx(wanted, rel=0.005)


@pytest.mark.wide
@given(_SECONDS, _SECONDS)
def test_durations_add_up(some: list[float], others: list[float]) -> None:
    merged = _of(some)
    merged.merge(_of(others))
    together = _of(some + others)
    assert merged.steps == together.steps
    assert (merged.count, merged.longest_s) == (together.count, together.longest_s)


@pytest.mark.parametrize(
    "seconds", [0.0, 1e-9, 1e6], ids=["none", "less than is told apart", "more than is told apart"]
)
def test_a_duration_out_of_range_is_still_counted(seconds: float) -> None:
    durations = _of([seconds])
    assert durations.count == 1
    assert durations.longest_s == seconds


def test_nothing_has_no_quantile() -> None:
    assert Durations().quantile(0.5) is None


def test_tallies_of_the_same_time_add_up_but_not_their_seconds() -> None:
    one = Tally(seconds=2, requests=3, answered=2, errors=Counter(UNAVAILABLE=1))
    one.merge(Tally(seconds=2, requests=5, answered=3, errors=Counter(UNAVAILABLE=1, INTERNAL=1)))
    assert (one.seconds, one.requests, one.answered) == (2, 8, 5)
    assert one.errors == {"UNAVAILABLE": 2, "INTERNAL": 1}
