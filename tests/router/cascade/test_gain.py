"""The gain table: what it says of a class and a confidence, where they tie, and what it refuses to learn from."""

from __future__ import annotations

import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cascade.gain import BINS, GainTable, fit_gain
from router.errors import CertifyError

TABLE = GainTable((0.25, 0.75), {3: (0.5, 0.1)}, (0.4, 0.0))


@pytest.mark.parametrize(
    ("answer", "confidence", "wanted"),
    [(3, 0.25, -0.5), (3, 0.5, -0.3), (3, 0.75, -0.1), (3, 0.0, -0.5), (3, 1.0, -0.1), (9, 0.5, -0.2), (9, 9.0, 0.0)],
)
def test_scores_lie_on_the_lines_between_knots(answer: int, confidence: float, wanted: float) -> None:
    assert TABLE.score(answer, confidence) == pytest.approx(wanted)


def test_what_is_no_number_keeps_nothing() -> None:
    assert TABLE.score(3, math.nan) == -math.inf
    assert TABLE.score(3, math.inf) == pytest.approx(-0.1)
    assert TABLE.score(3, -math.inf) == pytest.approx(-0.5)


@given(st.floats(0, 1))
def test_confidences_that_tie_in_calibrations_type_tie_here(confidence: float) -> None:
    single = struct.unpack("f", struct.pack("f", confidence))[0]
    assert TABLE.score(3, confidence) == TABLE.score(3, single)


def drawn(count: int, seed: int = 0) -> tuple[list[int], list[float], list[int]]:
    chance = random.Random(seed)
    answers = [chance.randrange(5) for _ in range(count)]
    confidences = [chance.random() for _ in range(count)]
    gains = [
        int(chance.random() < (1 - c) * (0.9 if a == 0 else 0.3)) for a, c in zip(answers, confidences, strict=True)
    ]
    return answers, confidences, gains


def test_the_surer_the_less_there_is_to_gain() -> None:
    table = fit_gain(*drawn(3000))
    for answer in range(5):
        scores = [table.score(answer, place / 50) for place in range(51)]
        assert scores == sorted(scores)
    assert table.score(0, 0.3) < table.score(1, 0.3)


def test_a_class_that_was_never_seen_is_like_any_other() -> None:
    table = fit_gain(*drawn(500))
    assert table.score(77, 0.4) == GainTable(table.knots, {}, table.default).score(0, 0.4)


def test_a_rare_class_is_drawn_to_the_rest() -> None:
    answers, confidences, gains = drawn(1000)
    answers[0], gains[0] = 9, 1
    answers[1:201], gains[1:201] = [8] * 200, [1] * 200
    table = fit_gain(answers, confidences, gains)
    rare, common = (table.rows[answer][1] - table.default[1] for answer in (9, 8))
    assert 0 < rare < common / 3


@pytest.mark.parametrize("classes", [10, 150])
def test_classes_that_are_alike_seldom_get_rows_of_their_own(classes: int) -> None:
    """With a weight of so many examples for each class, 150 classes of two examples each were 150 numbers of noise, and
    more was escalated than by confidence alone."""
    told_apart = 0
    for seed in range(60):
        chance = random.Random(seed)
        answers = [chance.randrange(classes) for _ in range(300)]
        confidences = [chance.random() for _ in answers]
        gains = [int(chance.random() < 0.5 * (1 - confidence)) for confidence in confidences]
        told_apart += bool(fit_gain(answers, confidences, gains).rows)
    assert told_apart <= 4


def test_two_confidences_tie_only_where_they_are_equal() -> None:
    """Tenths that shared a mean made a plateau, and what lies on one is kept whole or not at all."""
    for gains in (drawn(200, seed=3)[2], [0] * 200):
        answers, confidences, _ = drawn(200, seed=3)
        table = fit_gain(answers, confidences, gains)
        for answer in range(5):
            scores = [table.score(answer, confidence) for confidence in sorted(set(confidences))]
            assert scores == sorted(set(scores))


def test_a_sure_answer_is_moved_less_by_its_class_than_an_unsure_one() -> None:
    table = fit_gain(*drawn(3000))
    moved = [at - shared for at, shared in zip(table.rows[0], table.default, strict=True)]
    assert moved[1] > 2 * moved[-2] > 0


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.integers(-1, 1)), min_size=BINS))
def test_any_fit_set_makes_a_table_with_rising_knots(examples: list[tuple[int, float, int]]) -> None:
    answers, confidences, gains = (list(column) for column in zip(*examples, strict=True))
    table = fit_gain(answers, confidences, gains)
    assert list(table.knots) == sorted(set(table.knots))
    assert all(math.isfinite(table.score(answer, c)) for answer in range(5) for c in (0.0, 0.3, 1.0))


@pytest.mark.parametrize(
    ("answers", "confidences", "gains", "problem"),
    [
        ([1] * 9, [0.5] * 9, [0] * 9, "needs 10 inputs"),
        ([1] * 20, [0.5] * 19, [0] * 20, "one each"),
        ([1] * 20, [0.5] * 19 + [math.nan], [0] * 20, "not a number"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(
    answers: list[int], confidences: list[float], gains: list[int], problem: str
) -> None:
    with pytest.raises(CertifyError, match=problem):
        fit_gain(answers, confidences, gains)
