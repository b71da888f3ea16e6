"""Labels that are numbered otherwise than the model's classes are noticed, and poor models are not taken for that."""

from __future__ import annotations

import numpy as np
import pytest

from cloud_service.publish.class_order import misnumbered, no_better_than_chance


def answered(labels: np.ndarray, accuracy: float, classes: int, seed: int = 1) -> np.ndarray:
    """What a model that is right so often says, wrong answers spread over the others."""
    chance = np.random.default_rng(seed)
    wrong = (labels + chance.integers(1, classes, len(labels))) % classes
    return np.where(chance.random(len(labels)) < accuracy, labels, wrong)


def drawn(count: int, classes: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, classes, count)


ORDER = np.random.default_rng(7).permutation(10)
NOTICED = [
    pytest.param(answered(drawn(128, 1000), 0.8, 1000) + 1, drawn(128, 1000), 1001, "one above", id="background"),
    pytest.param(answered(drawn(60, 10), 0.7, 10) - 1, drawn(60, 10), 10, "one below", id="one below"),
    pytest.param(ORDER[answered(drawn(128, 10), 0.6, 10)], drawn(128, 10), 10, "another numbering", id="in no order"),
    pytest.param(1 - answered(drawn(60, 2), 0.9, 2), drawn(60, 2), 2, "class one|another numbering", id="two turned"),
    pytest.param(answered(drawn(60, 5), 0.9, 5), drawn(60, 5) + 1, 5, "a label is 5, and the model has 5", id="past"),
]


@pytest.mark.parametrize(("answers", "wanted", "classes", "why"), NOTICED)
def test_another_numbering_is_noticed_and_said(answers: np.ndarray, wanted: np.ndarray, classes: int, why: str) -> None:
    found = misnumbered(answers.tolist(), wanted.tolist(), classes)
    assert found is not None
    assert any(part in found for part in why.split("|"))


POOR = [
    (accuracy, count, classes)
    for accuracy in (0.12, 0.3, 0.6, 0.95, 1.0)
    for count, classes in ((30, 2), (100, 10), (128, 100), (500, 1000))
    if classes > 2 or accuracy > 0.5  # below it is a good model turned round
]


@pytest.mark.parametrize(("accuracy", "count", "classes"), POOR)
def test_a_poor_model_in_the_right_order_is_only_poor(accuracy: float, count: int, classes: int) -> None:
    labels = drawn(count, classes)
    for seed in range(100, 110):
        answers = answered(labels, accuracy, classes, seed)
        assert misnumbered(answers.tolist(), labels.tolist(), classes) is None


def test_a_model_that_confuses_two_classes_is_only_poor() -> None:
    labels = drawn(300, 4)
    answers = np.where(labels == 3, 2, labels)
    assert misnumbered(answers.tolist(), labels.tolist(), 4) is None


def test_one_answer_to_everything_is_chance_and_no_numbering() -> None:
    labels = drawn(200, 5)
    answers = [3] * 200
    assert misnumbered(answers, labels.tolist(), 5) is None
    assert "chance" in (no_better_than_chance(answers, labels.tolist()) or "")


@pytest.mark.parametrize("answer", [3, 7], ids=["beside it", "far from it"])
def test_one_answer_beside_one_label_of_nearly_everything_is_no_numbering(answer: int) -> None:
    """It was said to tell the classes apart: of the commonest label, it usually gave the same answer."""
    labels = np.where(np.arange(60) % 12 == 0, 5, 2)
    answers = np.where(np.arange(60) % 15 == 1, 8, answer)
    assert misnumbered(answers.tolist(), labels.tolist(), 10) is None


def test_two_classes_turned_round_are_noticed_where_one_is_rare() -> None:
    labels = (np.arange(128) % 10 == 0).astype(int)
    assert misnumbered((1 - answered(labels, 0.97, 2)).tolist(), labels.tolist(), 2) is not None


def test_answers_to_other_inputs_are_chance_and_the_model_s_own_are_not() -> None:
    labels = drawn(128, 100)
    assert no_better_than_chance(np.roll(labels, 1).tolist(), labels.tolist()) is not None
    assert no_better_than_chance(answered(labels, 0.2, 100).tolist(), labels.tolist()) is None
    assert no_better_than_chance(labels.tolist(), labels.tolist()) is None


def test_another_model_is_held_to_the_full_one_s_answers_in_their_own_words() -> None:
    labels = drawn(128, 10)
    given = answered(labels, 0.8, 10)
    told = [misnumbered(moved.tolist(), labels.tolist(), 12, agreement=True) for moved in (ORDER[given], given + 1)]
    assert "but answers as the full model on" in (told[0] or "") and "label" not in (told[0] or "")
    assert "the class one above the full model's" in (told[1] or "")


def test_too_few_examples_prove_nothing() -> None:
    assert no_better_than_chance([0, 1, 0, 1], [1, 0, 1, 0]) is None
