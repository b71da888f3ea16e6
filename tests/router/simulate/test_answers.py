"""Who is right: accuracies, confidences and correlations are those that were asked for."""

from __future__ import annotations

import statistics

import pytest

from router.simulate.answers import Example, Examples, Parametric, Truth
from router.simulate.chance import Chance

MANY = 20_000


def _drawn(model: Parametric | Examples, many: int = MANY) -> list[Truth]:
    chance = Chance(1, "answers")
    return [model.draw(chance) for _ in range(many)]


def _auroc(truths: list[Truth]) -> float:
    ranked = sorted(truths, key=lambda truth: truth.score)
    rights = sum(truth.right["device"] for truth in ranked)
    ranks = sum(rank for rank, truth in enumerate(ranked, start=1) if truth.right["device"])
    return (ranks - rights * (rights + 1) / 2) / (rights * (len(ranked) - rights))


@pytest.mark.wide
def test_accuracies_and_the_discrimination_of_the_score_are_as_asked_for() -> None:
    truths = _drawn(Parametric(0.75, 0.85, 1.0, {"cloud": (0.95, 0.6)}))
    assert statistics.fmean(truth.right["device"] for truth in truths) == pytest.approx(0.75, abs=0.01)
    assert statistics.fmean(truth.right["cloud"] for truth in truths) == pytest.approx(0.75 * 0.95 + 0.15, abs=0.01)
    assert _auroc(truths) == pytest.approx(0.85, abs=0.01)


def test_a_calibrated_score_is_right_as_often_as_it_says_and_an_overconfident_one_is_not() -> None:
    calibrated = _drawn(Parametric(0.75, 0.85, 1.0, {}))
    sure = [truth for truth in calibrated if truth.score > 0.9]
    said = statistics.fmean(truth.score for truth in sure)
    assert statistics.fmean(truth.right["device"] for truth in sure) == pytest.approx(said, abs=0.015)
    boasting = [truth for truth in _drawn(Parametric(0.75, 0.85, 3.0, {})) if truth.score > 0.9]
    assert statistics.fmean(truth.right["device"] for truth in boasting) < said - 0.03


def test_what_is_probable_is_what_comes_out() -> None:
    truths = _drawn(Parametric(0.75, 0.85, 2.0, {"cloud": (0.95, 0.6)}))
    for target in ("device", "cloud"):
        expected = statistics.fmean(truth.p_right[target] for truth in truths)
        assert statistics.fmean(truth.right[target] for truth in truths) == pytest.approx(expected, abs=0.01)


def test_what_is_hard_for_one_remote_target_is_hard_for_the_others() -> None:
    truths = _drawn(Parametric(0.7, 0.8, 1.0, {"fog": (0.9, 0.5), "cloud": (0.97, 0.7)}))
    assert not any(truth.right["fog"] and not truth.right["cloud"] for truth in truths)


def test_examples_are_drawn_alike_and_neighbours_tell_how_probable_right_is() -> None:
    examples = [Example(score / 1000, {"device": score >= 500}) for score in range(1000)]
    truths = _drawn(Examples(examples), 5000)
    assert statistics.fmean(truth.score for truth in truths) == pytest.approx(0.5, abs=0.02)
    assert {truth.p_right["device"] for truth in truths if truth.score > 0.56} == {1.0}
    assert {truth.p_right["device"] for truth in truths if truth.score < 0.44} == {0.0}
