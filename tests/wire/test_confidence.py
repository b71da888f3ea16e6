"""Confidence and disagreement: one number for calibration and for use; what is unreadable never counts as certain."""

from __future__ import annotations

import itertools
import math
import struct
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nearfar_wire.confidence import confidences, of_row, of_value
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


def str_of(score: Score) -> str:
    return f"{score.kind} of {score.values}"


def single(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]  # type: ignore[no-any-return]


def as_shares(row: list[float]) -> list[float]:
    weights = np.exp(np.array(row) - max(row))
    return (weights / weights.sum()).astype(np.float32).tolist()  # type: ignore[no-any-return]


def both(row: list[float], score: Score, dtype: type = np.float32) -> tuple[float, float]:
    """Return the confidence of a row without numpy and with it."""
    array = np.array([row], dtype)
    return of_row(array[0].tolist(), score), float(confidences(array, score)[0])


@pytest.mark.parametrize("score", KINDS, ids=str_of)
@given(row=ROWS)
def test_with_numpy_and_without_it_is_the_same_number(score: Score, row: list[float]) -> None:
    if score.values == "probabilities":
        row = as_shares(row)
    one, many = both(row, score)
    assert one == many == single(one)


@pytest.mark.parametrize("score", KINDS, ids=str_of)
@given(
    scale=st.floats(2**-10, 4, width=32),
    levels=st.lists(st.integers(-128, 127), min_size=2, max_size=40) | st.lists(st.integers(0, 2), min_size=2),
    dtype=st.sampled_from([np.float16, np.float32, np.float64]),
)
def test_answers_of_few_levels_tie_here_as_they_tie_there(
    score: Score, scale: float, levels: list[int], dtype: type
) -> None:
    row = [level * scale for level in levels]
    if score.values == "probabilities":
        row = as_shares(row)
    one, many = both(row, score, dtype)
    assert one == many == single(one)


# Found by choosing the smallest logits so that the exact confidence lies beside the middle between two FP32 numbers.
BETWEEN = [
    ("margin", [0.0, -1.0838896036148071, -17.75361442565918, -31.279325485229492], 0.4944586753845215),
    ("margin", [0.0, -1.153678297996521, -17.650310516357422, -30.867185592651367], 0.5203642845153809),
    ("max_probability", [0.0, -0.9464231133460999, -16.620437622070312, -31.720518112182617], 0.7203952074050903),
]


@pytest.mark.parametrize(("kind", "row", "wanted"), BETWEEN)
def test_what_lies_between_two_numbers_is_rounded_alike_with_numpy_and_without_it(
    kind: str, row: list[float], wanted: float
) -> None:
    """The last bit of an exponential, or of a sum in another order, decided which of two FP32 numbers it became: an
    answer could tie with a threshold in calibration and be above it on the device."""
    score = Score.model_validate({"output": "o", "kind": kind, "values": "logits"})
    assert both(row, score) == (wanted, wanted)
    # The other classes stand wherever they like.
    assert {both(list(turned), score) for turned in itertools.permutations(row)} == {(wanted, wanted)}


@pytest.mark.parametrize("score", KINDS, ids=str_of)
@given(row=ROWS, largest=st.floats(-1e4, 1e4, width=32))
def test_confidence_is_the_number_nearest_to_the_exact_one(score: Score, row: list[float], largest: float) -> None:
    if score.values == "probabilities":
        exact = [Fraction(value) for value in sorted(as_shares(row))]
        wanted = float(exact[-1] - exact[-2] if score.kind == "margin" else exact[-1])
        assert of_row(as_shares(row), score) == single(wanted)
        return
    row = [single(value + largest) for value in row]
    with localcontext(prec=60):
        ranked = [Decimal(value) for value in sorted(row)]
        weights = [(value - ranked[-1]).exp() for value in ranked]
        total = sum(weights)
        found = {
            "margin": (1 - weights[-2]) / total,
            "max_probability": 1 / total,
            "energy": ranked[-1] + total.ln(),
        }[score.kind]
    # Differences of logits are taken as FP64, whose rounding is within the last bits of that.
    assert of_row(row, score) in (single(float(found)), *(single(float(found) * (1 + off)) for off in (2e-16, -2e-16)))


@pytest.mark.parametrize("score", KINDS, ids=str_of)
@given(
    row=st.lists(
        st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45]), min_size=2, max_size=6
    )
)
def test_C8_whatever_stands_in_an_output_is_read_alike_and_never_as_more_than_certain(
    score: Score, row: list[float]
) -> None:
    one, many = both(row, score)
    assert one == many or (math.isnan(one) and math.isnan(many))
    if any(math.isnan(value) or value == math.inf for value in row):
        assert math.isnan(one)
    elif score.kind != "energy":
        assert math.isnan(one) or 0.0 <= one <= 1.001


@given(st.floats())
def test_C8_a_confidence_that_a_model_gives_itself_is_read_alike(value: float) -> None:
    one = of_value(value)
    many = float(confidences(np.array([[value]]), Score(output="o", kind="value"))[0])
    assert one == many or (math.isnan(one) and math.isnan(many))
    assert not math.isinf(one)


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


@pytest.mark.parametrize("score", KINDS, ids=str_of)
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


def test_of_several_labels_one_counts_by_being_one_whatever_the_answers_numbers_are() -> None:
    """Labels were held against the answer's own limit: of logits, whose limit is 0, a label of 0 counted too."""
    logits = np.array([[2.0, -1.0], [2.0, -1.0], [2.0, math.nan]])
    labels = np.array([[1, 0], [1, 1], [1, 0]])
    assert right("multilabel", logits, labels, 0.0).tolist() == [True, False, False]
