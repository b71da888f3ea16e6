"""How sure a model is, and that what cannot be read is never taken for sure."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.device.score import score_of
from nearfar_wire.manifest import Score


def _score(
    rows: Any,  # Any: what numpy makes an array of
    kind: Literal["margin", "max_probability"] = "margin",
    values: Literal["probabilities", "logits"] = "probabilities",
) -> float | None:
    return score_of({"p": np.array(rows, np.float32)}, Score(output="p", kind=kind, values=values))


def test_the_margin_is_between_the_two_largest() -> None:
    assert _score([0.1, 0.7, 0.2]) == pytest.approx(0.5)
    assert _score([[0.1, 0.7, 0.2]], "max_probability") == pytest.approx(0.7)


def test_of_several_rows_the_least_certain_one_counts() -> None:
    assert _score([[0.0, 1.0], [0.45, 0.55], [0.9, 0.1]]) == pytest.approx(0.1)
    assert _score([[[0.0, 1.0]], [[0.4, 0.6]]], "max_probability") == pytest.approx(0.6)


def test_logits_become_probabilities_however_large_they_are() -> None:
    assert _score([[1000.0, 0.0]], values="logits") == pytest.approx(1.0)
    assert _score([[0.0, 0.0]], values="logits") == pytest.approx(0.0)
    assert _score([[math.log(3), 0.0]], "max_probability", "logits") == pytest.approx(0.75)


def test_a_class_that_a_model_rules_out_has_no_share() -> None:
    assert _score([[0.0, -math.inf, 0.0]], values="logits") == pytest.approx(0.0)
    assert _score([[-math.inf, 0.0]], "max_probability", "logits") == pytest.approx(1.0)
    assert _score([[-math.inf, -math.inf]], values="logits") is None


@pytest.mark.wide
@pytest.mark.parametrize("kind", ["margin", "max_probability"])
@pytest.mark.parametrize(
    ("values", "bad"),
    [
        ("probabilities", math.nan),
        ("probabilities", math.inf),
        ("probabilities", -math.inf),
        ("logits", math.nan),
        ("logits", math.inf),
    ],
)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_C8_a_number_that_is_none_makes_no_answer_certain(kind: Any, values: Any, bad: float, at: int) -> None:
    row = [0.98, 0.01, 0.01]
    row[at] = bad
    assert _score([[0.98, 0.01, 0.01], row], kind, values) is None


@pytest.mark.parametrize("rows", [0.5, [], [[]], [[0.5]], [[5.0, -4.0]], [[2.0, 0.0]]])
def test_what_is_no_distribution_has_no_score(rows: Any) -> None:
    assert _score(rows) is None


def test_an_output_that_is_not_there_has_no_score() -> None:
    assert score_of({}, Score(output="p")) is None


floats = st.floats(width=32)


rows = st.lists(st.lists(floats, min_size=3, max_size=3), min_size=1, max_size=4)


@given(rows, st.sampled_from(["probabilities", "logits"]))
def test_a_score_is_a_share_or_none(rows: list[list[float]], values: Any) -> None:
    score = _score(rows, values=values)
    assert score is None or 0.0 <= score <= 1.0
    if np.isnan(rows).any() or np.isposinf(rows).any():
        assert score is None


def test_where_there_are_no_rows_there_is_nothing_to_doubt() -> None:
    score = Score(output="probabilities")
    assert score_of({"probabilities": np.zeros((0, 3), np.float32)}, score) == 1.0
