"""What thresholds do is measured as it is, and the one that pays is found."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.thresholds import at, cheapest, measured
from router.types import EvaluatedThreshold

# The surer, the more often right; the remote model nearly always is.
EXAMPLES = [(n / 1000, n % 7 != 0 or n > 700, n % 50 != 0) for n in range(1000)]


def _gain(examples: list[tuple[float, bool, bool]], below: float) -> tuple[float, float]:
    let_go = [(device, remote) for score, device, remote in examples if score <= below]
    return len(let_go) / len(examples), sum(remote - device for device, remote in let_go) / len(examples)


examples = st.lists(
    st.tuples(st.integers(0, 8).map(lambda eighth: eighth / 8), st.booleans(), st.booleans()), max_size=200
)


@given(examples)
def test_each_threshold_is_what_counting_says(drawn: list[tuple[float, bool, bool]]) -> None:
    for found in measured(drawn):
        share, gain = _gain(drawn, found.below)
        assert (found.share, found.gain) == pytest.approx((share, gain))


@given(examples)
def test_they_rise_and_none_asks_for_all(drawn: list[tuple[float, bool, bool]]) -> None:
    found = measured(drawn)
    assert [t.below for t in found] == sorted({t.below for t in found})
    assert all(0 < t.share < 1 for t in found)


def test_equal_scores_escalate_together() -> None:
    found = measured([(0.5, False, True)] * 90 + [(0.9, True, True)] * 10)
    assert found == (EvaluatedThreshold(0.5, 0.9, 0.9),)


def test_of_nothing_nothing_is_measured() -> None:
    assert measured([]) == ()
    assert measured([(0.5, True, True)] * 100) == ()


def test_the_order_of_the_examples_means_nothing() -> None:
    shuffled = EXAMPLES[:]
    random.Random(1).shuffle(shuffled)
    assert measured(shuffled) == measured(EXAMPLES)


def test_the_dearer_an_escalation_the_less_is_asked() -> None:
    found = measured(EXAMPLES)
    shares = [best.share if (best := cheapest(found, cost, 1.0)) else 0.0 for cost in (0.0, 0.02, 0.1, 0.13, 0.5)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.6 and shares[-1] == 0.0


@given(examples, st.floats(0, 1), st.floats(0, 2))
def test_no_other_threshold_costs_less(drawn: list[tuple[float, bool, bool]], asking: float, worth: float) -> None:
    found = measured(drawn)
    best = cheapest(found, asking, worth)
    least = 0.0 if best is None else best.share * asking - best.gain * worth
    assert all(least <= t.share * asking - t.gain * worth for t in found) and least <= 0.0


@pytest.mark.parametrize(
    ("below", "share", "gain"),
    [
        (0.0, 0.0, 0.0),
        (0.1, 0.1, 0.05),
        (0.2, 0.2, 0.1),
        (0.35, 0.3, 0.12),
        (0.5, 0.4, 0.14),
        (0.75, 0.7, 0.14),
        (1.0, 1.0, 0.14),
    ],
)
def test_what_a_named_threshold_does_is_read_between_those_that_were_evaluated(
    below: float, share: float, gain: float
) -> None:
    found = at((EvaluatedThreshold(0.2, 0.2, 0.1), EvaluatedThreshold(0.5, 0.4, 0.14)), below)
    assert (found.below, found.share, found.gain) == (below, pytest.approx(share), pytest.approx(gain))


def test_a_named_threshold_beyond_all_scores_asks_for_all() -> None:
    assert at((EvaluatedThreshold(1.5, 0.9, 0.1),), 2.0) == EvaluatedThreshold(2.0, 1.0, 0.1)
