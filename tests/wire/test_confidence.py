"""Confidence and disagreement: one number for calibration and for use; what is unreadable never counts as certain."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nearfar_wire.confidence import confidences, of_row
from nearfar_wire.disagreement import NO_CLASS, classes, disagree, right
from nearfar_wire.errors import TensorError
from nearfar_wire.manifest import Score

KINDS = [
    Score.model_validate({"output": "o", "kind": kind, "values": values})
    for kind, values in (
        ("margin", "probabilities"),
        ("margin", "logits"),
        ("max_probability", "probabilities"),
        ("max_probability", "logits"),
        ("energy", "logits"),
    )
]
ROWS = st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=30)


def single(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]  # type: ignore[no-any-return]


@pytest.mark.parametrize("score", KINDS, ids=lambda score: f"{score.kind} of {score.values}")
@given(row=ROWS)
def test_with_numpy_and_without_it_is_the_same_number(score: Score, row: list[float]) -> None:
    if score.values == "probabilities":
        weights = np.exp(np.array(row) - max(row))
        row = (weights / weights.sum()).astype(np.float32).tolist()
    one, many = of_row(row, score), confidences(np.array([row], np.float32), score)[0]
    assume(not math.isnan(one))
    assert one == pytest.approx(many, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "values", "row", "wanted"),
    [
        ("margin", "probabilities", [0.1, 0.7, 0.2], 0.5),
        ("max_probability", "probabilities", [0.1, 0.7, 0.2], 0.7),
        ("margin", "logits", [0.0, 0.0], 0.0),
        ("energy", "logits", [0.0, 0.0], math.log(2)),
        ("energy", "logits", [1000.0, 1000.0], 1000 + math.log(2)),
    ],
)
def test_confidence_by_kind(kind: str, values: str, row: list[float], wanted: float) -> None:
    score = Score.model_validate({"output": "o", "kind": kind, "values": values})
    assert of_row(row, score) == pytest.approx(wanted)
    assert confidences(np.array([row]), score)[0] == pytest.approx(wanted)


@pytest.mark.parametrize("score", KINDS, ids=lambda score: f"{score.kind} of {score.values}")
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_a_number_gives_no_confidence(score: Score, bad: float) -> None:
    row = [0.2, bad, 0.8]
    assert math.isnan(of_row(row, score))
    assert np.isnan(confidences(np.array([row]), score)).all()


def test_a_class_that_is_ruled_out_has_no_share() -> None:
    row = [0.0, -math.inf, 0.0]
    score = KINDS[1]
    assert of_row(row, score) == confidences(np.array([row]), score)[0] == 0.0
    assert classes("classification", np.array([[-math.inf, 1.0]])).tolist() == [1]


def test_an_output_that_is_the_confidence_is_taken_as_it_is() -> None:
    found = confidences(np.array([[0.25], [math.inf]], np.float32), Score(output="o", kind="value"))
    assert found[0] == 0.25
    assert math.isnan(found[1])


@pytest.mark.parametrize(
    ("task", "near", "far", "tolerance", "wanted"),
    [
        ("classification", [[1.0, 2.0], [1.0, 2.0]], [[0.0, 9.0], [9.0, 0.0]], None, [False, True]),
        ("multilabel", [[0.6, 0.1], [0.6, 0.6]], [[0.9, 0.4], [0.9, 0.4]], 0.5, [False, True]),
        ("regression", [[1.0], [1.0]], [[1.5], [1.6]], 0.5, [False, True]),
        ("regression", [1.0, 2.0], [1.0, 3.0], 0.5, [False, True]),
        ("embedding", [[1.0, 0.0], [1.0, 0.0]], [[2.0, 0.1], [0.0, 1.0]], 0.1, [False, True]),
        ("embedding", [[0.0, 0.0]], [[0.0, 0.0]], 0.1, [True]),
        ("classification", [[math.nan, 0.0]], [[math.nan, 0.0]], None, [True]),
        ("regression", [[math.inf]], [[math.inf]], 1.0, [True]),
    ],
)
def test_answers_disagree_by_task(
    task: str, near: list[list[float]], far: list[list[float]], tolerance: float | None, wanted: list[bool]
) -> None:
    assert disagree(task, np.array(near), np.array(far), tolerance).tolist() == wanted


def test_answers_of_unlike_shape_cannot_be_compared() -> None:
    with pytest.raises(TensorError, match=r"\[2, 3\]"):
        disagree("classification", np.zeros((2, 3)), np.zeros((2, 4)), None)


def test_an_unreadable_answer_has_no_class_and_is_right_of_nothing() -> None:
    values = np.array([[0.1, 0.9], [math.nan, 1.0]])
    assert classes("classification", values).tolist() == [1, NO_CLASS]
    assert classes("embedding", values).tolist() == [0, NO_CLASS]
    assert right("classification", values, np.array([1, 1]), None).tolist() == [True, False]
    assert right("regression", np.array([[1.0], [2.0]]), np.array([1.2, 9.0]), 0.5).tolist() == [True, False]


@given(ROWS)
def test_rounded_to_the_calibrations_type_both_ways_tie_with_the_same_edge(row: list[float]) -> None:
    score = KINDS[1]
    one = of_row(row, score)
    assume(not math.isnan(one))
    assert single(one) == pytest.approx(single(float(confidences(np.array([row], np.float32), score)[0])), abs=2e-7)


def test_of_several_labels_one_counts_by_being_one_whatever_the_answers_numbers_are() -> None:
    """Labels were held against the answer's own limit: of logits, whose limit is 0, a label of 0 counted too."""
    logits = np.array([[2.0, -1.0], [2.0, -1.0], [2.0, math.nan]])
    labels = np.array([[1, 0], [1, 1], [1, 0]])
    assert right("multilabel", logits, labels, 0.0).tolist() == [True, False, False]
