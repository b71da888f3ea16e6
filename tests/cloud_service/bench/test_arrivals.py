from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_service.bench.arrivals import Arrivals, Rhythm


@given(st.sampled_from(Rhythm), st.floats(0.1, 1e5), st.integers(1, 8), st.integers(0, 99))
def test_instants_never_fall(rhythm: Rhythm, rate: float, shares: int, seed: int) -> None:
    instants = list(islice(Arrivals(rate, rhythm, shares, 0, seed).instants(), 100))
    assert instants == sorted(instants)
    assert instants[0] >= 0


def test_constant_shares_make_one_even_stream() -> None:
    streams = [islice(Arrivals(10, Rhythm.CONSTANT, 3, index).instants(), 4) for index in range(3)]
    together = sorted(instant for stream in streams for instant in stream)
    assert together == pytest.approx([number / 10 for number in range(12)])


@pytest.mark.wide
@pytest.mark.parametrize("shares", [1, 4])
def test_poisson_shares_offer_the_rate_together(shares: int) -> None:
    offered = sum(
        sum(1 for instant in islice(Arrivals(1000, Rhythm.POISSON, shares, index).instants(), 60_000) if instant < 20)
        for index in range(shares)
    )
    assert offered == pytest.approx(20_000, rel=0.03)


def test_poisson_shares_differ_and_repeat() -> None:
    one, two = (list(islice(Arrivals(5, shares=2, index=index).instants(), 5)) for index in range(2))
    assert one != two
    assert one == list(islice(Arrivals(5, shares=2, index=0).instants(), 5))
