"""Certified thresholds: the promise holds over redraws, and what cannot be promised is refused with what it takes."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cascade.binomial import tail
from router.cascade.learn import Method, certify, grid_of, smallest_n
from router.cascade.trinomial import p_value
from router.errors import CertifyError

GRID = [0.9, 0.5, 0.1]


def test_the_grid_falls_keeps_everything_at_its_end_and_is_bounded() -> None:
    grid = grid_of([0.5, 0.1, 0.5, math.nan, -math.inf])
    assert grid[:2] == (0.5, 0.1)
    assert grid[2] < 0.1
    many = grid_of([index / 5000 for index in range(5000)], most=50)
    assert len(many) == 51
    assert list(many) == sorted(many, reverse=True)
    assert grid_of([]) == ()


@pytest.mark.parametrize(
    ("method", "alpha", "delta", "wanted"),
    [(Method.AGREEMENT, 0.01, 0.1, 230), (Method.AGREEMENT, 0.05, 0.1, 45), (Method.AGREEMENT, 0.01, 0.05, 299)],
)
def test_the_fewest_that_can_certify(method: Method, alpha: float, delta: float, wanted: int) -> None:
    assert smallest_n(method, alpha, delta) == wanted


@given(st.sampled_from(list(Method)), st.sampled_from([0.005, 0.02, 0.1]), st.sampled_from([0.01, 0.1, 0.3]))
@settings(max_examples=18)
def test_so_many_can_and_one_fewer_cannot(method: Method, alpha: float, delta: float) -> None:
    n = smallest_n(method, alpha, delta)
    assert certify([1.0] * n, [0] * n, [0.5], alpha, delta, method).value == 0.5
    with pytest.raises(CertifyError, match=f"needs {n} inputs"):
        certify([1.0] * (n - 1), [0] * (n - 1), [0.5], alpha, delta, method)


def test_the_last_threshold_before_the_first_failure_wins() -> None:
    n = 2000
    scores = [1.0] * (n // 2) + [0.3] * (n // 4) + [0.05] * (n // 4)
    gains = [0] * (n // 2) + [1] * (n // 4) + [0] * (n // 4)
    found = certify(scores, gains, GRID, 0.05, 0.1, Method.AGREEMENT)
    assert found.passed == (0.9, 0.5)
    assert found.value == 0.5
    assert found.kept == 0.5
    assert found.tested == 3


def test_what_passes_at_nothing_keeps_nothing() -> None:
    found = certify([1.0] * 500, [1] * 500, GRID, 0.01, 0.1, Method.LABELS)
    assert found.value == math.inf
    assert found.kept == 0.0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"alpha": 0.0}, "alpha is a share"),
        ({"delta": 1.0}, "delta is a share"),
        ({"alpha": math.nan}, "alpha is a share"),
        ({"gains": [2] * 500}, "a gain is one of"),
        ({"gains": [-1] * 500, "method": Method.AGREEMENT}, "a gain is one of"),
        ({"gains": [0] * 499}, "one each"),
        ({"grid": [0.1, 0.1]}, "fall strictly"),
    ],
)
def test_what_makes_no_promise_is_refused(given: dict, problem: str) -> None:
    called = {"scores": [1.0] * 500, "gains": [0] * 500, "grid": GRID, "alpha": 0.05, "delta": 0.1,
              "method": Method.LABELS} | given  # fmt: skip
    with pytest.raises(CertifyError, match=problem):
        certify(**called)


def population(chance: random.Random) -> tuple[float, int]:
    """A score, and what the cloud would gain: the lower the score the likelier; now and then the device is better."""
    score = chance.random()
    drawn = chance.random()
    return score, 1 if drawn < 0.12 * (1 - score) else -1 if drawn > 0.98 else 0


@pytest.mark.wide
@pytest.mark.parametrize("method", list(Method))
def test_the_promise_holds_over_redrawn_calibrations(method: Method) -> None:
    alpha, delta, redraws = 0.02, 0.1, 300
    grid = [1 - step / 40 for step in range(1, 41)]
    chance = random.Random(11)
    broken = 0
    for _ in range(redraws):
        drawn = [population(chance) for _ in range(600)]
        gains = [gain if method is Method.LABELS else max(gain, 0) for _, gain in drawn]
        found = certify([score for score, _ in drawn], gains, grid, alpha, delta, method)
        if math.isinf(found.value):
            continue
        # The expected loss of keeping scores above v, integrated over the population.
        kept = 1 - found.value
        lost = 0.12 * kept**2 / 2 - (0.02 * kept if method is Method.LABELS else 0.0)
        broken += lost > alpha
    assert broken / redraws <= delta + 2 * math.sqrt(delta * (1 - delta) / redraws)


@given(st.integers(0, 10_000), st.sampled_from(list(Method)), st.sampled_from([0.01, 0.02, 0.1]), st.integers(2, 400))
@settings(max_examples=40)
@pytest.mark.wide
def test_the_sequence_of_tests_follows_its_plain_formula(
    seed: int, method: Method, alpha: float, distinct: int
) -> None:
    chance = random.Random(seed)
    drawn = [population(chance) for _ in range(700)]
    scores = [round(score * distinct) / distinct for score, _ in drawn]
    gains = [gain if method is Method.LABELS else abs(gain) for _, gain in drawn]
    grid, n, delta = grid_of(scores), len(drawn), 0.1
    passed: list[float] = []
    for threshold in grid:
        losses = [gain if score > threshold else 0 for score, gain in zip(scores, gains, strict=True)]
        if method is Method.LABELS:
            p = p_value(losses.count(1), losses.count(-1), n, alpha, delta)
        else:
            p = tail(sum(losses), n, alpha)
        if p > delta:
            break
        passed.append(threshold)
    found = certify(scores, gains, grid, alpha, delta, method)
    assert found.passed == tuple(passed)
    assert found.value == (passed[-1] if passed else math.inf)
    assert found.kept == sum(score > found.value for score in scores) / n


def test_the_order_of_the_examples_means_nothing() -> None:
    chance = random.Random(5)
    drawn = [population(chance) for _ in range(1000)]
    found = [certify(*zip(*order, strict=True), GRID, 0.05, 0.1, Method.LABELS) for order in (drawn, sorted(drawn))]
    assert found[0] == found[1]
    assert found[0].passed


def test_a_score_that_is_no_number_is_never_kept() -> None:
    n = 600
    found = certify([math.nan] * 100 + [1.0] * 500, [1] * 100 + [0] * 500, [0.5, -9.0], 0.05, 0.1, Method.AGREEMENT)
    assert found.value == -9.0
    assert found.kept == 500 / n


def test_agreement_is_the_exact_binomial_test() -> None:
    n, wrong = 400, 2
    found = certify([1.0] * n, [1] * wrong + [0] * (n - wrong), [0.5], 0.02, 0.1, Method.AGREEMENT)
    assert found.p_value == pytest.approx(tail(wrong, n, 0.02))
