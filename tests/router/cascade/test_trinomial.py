"""The exact test of losses in -1, 0 and 1: its tail, and its level whatever the share of losses that are not 0."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cascade.trinomial import at_most, p_value


def sums(n: int, up: float, down: float) -> np.ndarray:
    """The distribution of the sum, by convolution; index 0 is -n."""
    one = np.array([down, 1.0 - up - down, up])
    whole = np.ones(1)
    for _ in range(n):
        whole = np.convolve(whole, one)
    return whole


@given(
    st.integers(1, 120),
    st.floats(0, 0.6),
    st.floats(0, 1),
    st.integers(-130, 130),
)
@settings(max_examples=200)
@pytest.mark.wide
def test_the_tail_is_that_of_the_sum(n: int, up: float, part: float, t: int) -> None:
    down = part * (0.9 - up)
    wanted = float(sums(n, up, down)[: max(0, t + n + 1)].sum())
    assert at_most(t, n, up, down) == pytest.approx(wanted, abs=1e-9)


def test_the_tail_of_many_is_near_the_normal_one() -> None:
    n, up, down = 100_000, 0.03, 0.02
    deviation = math.sqrt(n * (up + down - (up - down) ** 2))
    t = round(n * (up - down) - 1.5 * deviation)
    standard = (t + 0.5 - n * (up - down)) / deviation
    assert at_most(t, n, up, down) == pytest.approx(0.5 * math.erfc(-standard / math.sqrt(2)), abs=2e-3)


@pytest.mark.parametrize(("n", "alpha", "delta"), [(25, 0.1, 0.1), (40, 0.1, 0.1), (90, 0.05, 0.3), (120, 0.04, 0.1)])
def test_the_level_holds_for_every_share_of_losses_that_are_not_0(n: int, alpha: float, delta: float) -> None:
    """By enumeration, over all that may come: this is the proof of the module, for one n."""
    rejected = [
        (ups, downs)
        for ups in range(n + 1)
        for downs in range(n + 1 - ups)
        if p_value(ups, downs, n, alpha, delta) <= delta
    ]
    assert rejected
    logs = [math.lgamma(n + 1) - sum(map(math.lgamma, (u + 1, d + 1, n - u - d + 1))) for u, d in rejected]
    for q in np.linspace(alpha, 1.0, 60):
        for mean in (alpha, (alpha + q) / 2):  # the hypothesis is true on its border and within
            up, down = (q + mean) / 2, (q - mean) / 2
            chance = sum(
                math.exp(log) * up**u * down**d * max(0.0, 1.0 - q) ** (n - u - d)
                for log, (u, d) in zip(logs, rejected, strict=True)
            )
            assert chance <= delta + 1e-9


@given(st.integers(0, 30), st.integers(0, 30), st.integers(100, 3000), st.sampled_from([0.01, 0.05]))
@settings(max_examples=100)
@pytest.mark.wide
def test_a_p_value_is_a_probability_and_more_loss_is_never_more_certain(
    ups: int, downs: int, n: int, alpha: float
) -> None:
    p = p_value(ups, downs, n, alpha, 0.1)
    assert 0.0 < p <= 1.0
    assert p_value(ups + 1, downs, n, alpha, 0.1) >= p - 1e-12
    assert p_value(ups + 1, downs + 1, n, alpha, 0.1) >= p - 1e-12


def test_where_the_spread_is_not_bounded_nothing_is_rejected() -> None:
    assert p_value(0, 60, 100, 0.01, 0.1) == 1.0


def test_few_losses_are_tested_as_if_each_were_a_loss_of_1() -> None:
    n, alpha, delta = 240, 0.01, 0.1
    assert p_value(0, 0, n, alpha, delta) == pytest.approx((1 - alpha) ** n)
    assert p_value(0, 1, n, alpha, delta) == p_value(1, 0, n, alpha, delta) > delta
