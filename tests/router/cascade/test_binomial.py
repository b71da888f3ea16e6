"""Exact tails and bounds, against sums over the distribution and known values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cascade.binomial import interval, tail, upper_bound


def summed(k: int, n: int, p: float) -> float:
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


@given(n=st.integers(1, 200), k=st.integers(-1, 201), p=st.floats(1e-4, 0.9999))
def test_a_tail_is_the_sum_of_its_terms(n: int, k: int, p: float) -> None:
    assert tail(k, n, p) == pytest.approx(min(1.0, summed(min(k, n), n, p)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("k", "n", "p", "wanted"),
    [(9_900, 1_000_000, 0.01, 0.158651), (0, 1_000_000, 1e-6, 0.367879), (500_000, 1_000_000, 0.5, 0.500399)],
)
def test_tails_of_large_samples(k: int, n: int, p: float, wanted: float) -> None:
    assert tail(k, n, p) == pytest.approx(wanted, abs=2e-6)


@given(n=st.integers(1, 300), k=st.integers(0, 300), delta=st.floats(0.001, 0.5))
def test_the_upper_bound_is_where_the_tail_is_delta(n: int, k: int, delta: float) -> None:
    k = min(k, n)
    bound = upper_bound(k, n, delta)
    assert k / n <= bound <= 1.0
    if k < n:
        assert tail(k, n, bound) == pytest.approx(delta, rel=1e-6)
    else:
        assert bound == 1.0


@pytest.mark.parametrize(
    ("k", "n", "wanted"), [(5, 100, (0.016432, 0.112835)), (0, 10, (0.0, 0.308497)), (3, 0, (0, 1))]
)
def test_intervals(k: int, n: int, wanted: tuple[float, float]) -> None:
    assert interval(k, n) == pytest.approx(wanted, abs=1e-5)
