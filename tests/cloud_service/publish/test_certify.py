"""From outcomes to a certificate: each set has one use, and what is written down decides as it was counted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud_service.publish.certify import Certified, Kind, binned, certify_outcomes, promise_of, reference_of
from cloud_service.publish.errors import PublishError
from cloud_service.publish.outcomes import Outcomes
from cloud_service.publish.splits import Split
from router.cascade.certificate import Certificate, Gains, parse_certificate, to_json
from router.cascade.drift import begin_drift, notice
from router.cascade.learn import Method, Threshold

DIGEST = "sha256:" + "0" * 64


def thirds(count: int) -> Split:
    fit, calibrate, evaluate = np.array_split(np.arange(count), 3)
    return Split(fit, calibrate, evaluate, "in order")


def outcomes_of(gains: np.ndarray, answers: np.ndarray | None = None, *, labelled: bool = True) -> Outcomes:
    count = len(gains)
    known = (gains <= 0, gains >= 0) if labelled else (None, None)
    return Outcomes(np.zeros(count, int) if answers is None else answers, gains != 0, gains, *known)


def drawn(count: int = 3000, seed: int = 0) -> tuple[Outcomes, dict[Kind, np.ndarray]]:
    """A device that is right as often as it says; two other confidences say less, and nothing."""
    chance = np.random.default_rng(seed)
    sure = chance.random(count)
    gains = (chance.random(count) > sure).astype(int) * (chance.random(count) < 0.5)
    vague = np.clip(sure + chance.normal(0, 0.4, count), 0, 1)
    return outcomes_of(gains), {"margin": vague, "max_probability": sure, "energy": chance.random(count)}


def certified_of(outcomes: Outcomes, read: dict[Kind, np.ndarray], split: Split, **given: Any) -> Certified:
    wanted: dict[str, Any] = {"alphas": (0.02, 0.1), "delta": 0.1} | given
    return certify_outcomes(outcomes, read, split, wanted["alphas"], wanted["delta"])


def certificate_of(found: Certified) -> Certificate:
    table = found.table
    return Certificate(
        model="m",
        method=found.method,
        task="classification",
        score=found.kind,
        device_digest=DIGEST,
        remote_digest=DIGEST,
        preprocessing_digest=DIGEST,
        gains=Gains.of(table, found.grid),
        promises=list(found.promises),
        reference=found.reference,
        n_fit=1,
        n_calibrate=1,
        n_evaluate=1,
        split="in order",
        seed=0,
        made_utc="now",
        not_covered=[],
    )


def test_the_confidence_that_keeps_most_is_chosen() -> None:
    outcomes, read = drawn()
    assert certified_of(outcomes, read, thirds(3000)).kind == "max_probability"


def test_what_is_chosen_is_chosen_on_the_fit_set_alone() -> None:
    outcomes, read = drawn()
    split = thirds(3000)
    before = certified_of(outcomes, read, split)
    others = np.r_[split.calibrate, split.evaluate]
    chance = np.random.default_rng(1)
    gains = outcomes.gains.copy()
    gains[others] = chance.permutation(gains[others])
    # Elsewhere the confidence that was chosen says nothing, and another one all.
    swapped = {kind: values.copy() for kind, values in read.items()}
    swapped["max_probability"][others] = chance.random(len(others))
    swapped["energy"][others] = -gains[others]
    after = certified_of(replace(outcomes, gains=gains), swapped, split)
    assert (after.kind, after.table, after.grid) == (before.kind, before.table, before.grid)
    assert after.promises != before.promises


def test_thresholds_do_not_depend_on_the_evaluation_set() -> None:
    outcomes, read = drawn()
    split = thirds(3000)
    before = certified_of(outcomes, read, split)
    gains = outcomes.gains.copy()
    gains[split.evaluate] = 1
    after = certified_of(replace(outcomes, gains=gains, disagree=gains != 0), read, split)
    assert [p.threshold for p in after.promises] == [p.threshold for p in before.promises]
    assert all(new.loss > old.loss for new, old in zip(after.promises, before.promises, strict=True))


def test_a_larger_loss_keeps_more_and_each_alpha_has_one_promise() -> None:
    outcomes, read = drawn()
    found = certified_of(outcomes, read, thirds(3000), alphas=(0.1, 0.02, 0.05, 0.02))
    assert [promise.alpha for promise in found.promises] == [0.02, 0.05, 0.1]
    kept = [promise.kept for promise in found.promises]
    assert kept == sorted(kept) and kept[0] < kept[-1]


def test_without_labels_disagreement_is_what_is_bounded() -> None:
    outcomes, read = drawn()
    found = certified_of(outcomes_of(outcomes.gains, labelled=False), read, thirds(3000))
    assert found.method is Method.AGREEMENT
    assert all(promise.loss <= promise.alpha_d for promise in found.promises)


def test_an_alpha_that_is_too_strict_for_n_is_told_with_the_n_that_it_takes() -> None:
    outcomes, read = drawn(900)
    found = certified_of(outcomes, read, thirds(900), alphas=(0.001, 0.1))
    assert [promise.alpha for promise in found.promises] == [0.1]
    assert "alpha 0.001" in found.refused[0] and "needs 2" in found.refused[0] and "there are 300" in found.refused[0]
    with pytest.raises(PublishError, match=r"no promise can be made: alpha 0\.001 .* needs 2\d+ inputs"):
        certified_of(outcomes, read, thirds(900), alphas=(0.001,))


def test_a_confidence_that_cannot_be_read_is_not_chosen_and_where_it_appears_later_keeps_nothing() -> None:
    outcomes, read = drawn()
    split = thirds(3000)
    read["max_probability"][split.fit[0]] = math.nan
    assert certified_of(outcomes, read, split).kind == "margin"
    alone = {"max_probability": drawn()[1]["max_probability"]}
    alone["max_probability"][split.evaluate[:10]] = math.nan
    found = certified_of(outcomes, alone, split)
    assert (found.scores[split.evaluate[:10]] == -math.inf).all()
    for kind in read:
        read[kind][split.fit[0]] = math.nan
    with pytest.raises(PublishError, match="cannot be read on some examples of the fit set"):
        certified_of(outcomes, read, split)


def test_a_gain_table_beats_a_fixed_threshold_where_classes_differ() -> None:
    chance = np.random.default_rng(0)
    answers, sure = chance.integers(0, 2, 6000), chance.random(6000)
    # Of one class the cloud knows better, of the other it does not: confidence alone cannot say so.
    gains = ((answers == 0) & (chance.random(6000) > sure)).astype(int)
    found = certified_of(outcomes_of(gains, answers), {"margin": sure}, thirds(6000), alphas=(0.02,))
    assert 1 - found.promises[0].kept < found.best_fixed
    assert found.hindsight <= 1 - found.promises[0].kept


def test_the_best_fixed_threshold_may_keep_everything() -> None:
    """Its grid ended at the lowest confidence: it always sent something to the cloud, and looked the worse for it."""
    chance = np.random.default_rng(0)
    found = certified_of(outcomes_of(np.zeros(3000, int)), {"margin": chance.random(3000)}, thirds(3000))
    assert found.best_fixed == 0.0


def test_a_promise_says_what_the_evaluation_set_says() -> None:
    threshold = Threshold(0.5, 0.9, (0.9, 0.5), 0.01, 3)
    scores, gains = np.array([0.6, 0.5, 0.4, 0.9]), np.array([1, 1, 1, 0])
    found = promise_of(threshold, 0.1, 0.1, scores, gains, np.array([True, True, True, False]))
    assert (found.kept, found.loss, found.threshold, found.passed) == (0.5, 0.25, 0.5, [0.9, 0.5])
    assert 0.25 < found.alpha_d < 1
    nothing = promise_of(Threshold(math.inf, 0.0, (), 1.0, 1), 0.1, 0.1, scores, gains, gains > 0)
    assert (nothing.kept, nothing.threshold) == (0, None)


@settings(max_examples=80, deadline=None)
@pytest.mark.wide
@given(st.data())
def test_a_certificate_read_back_keeps_exactly_what_was_counted(data: st.DataObject) -> None:
    count = 120
    levels = data.draw(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=8), label="confidences to choose from")
    chance = np.random.default_rng(data.draw(st.integers(0, 1000), label="seed"))
    confidences = chance.choice(np.array(levels), count)
    blind = data.draw(st.integers(0, 3), label="that cannot be read")
    labelled = data.draw(st.booleans(), label="labelled")
    gains = chance.choice([-1, 0, 1] if labelled else [0, 1], count, p=[0.1, 0.7, 0.2] if labelled else [0.8, 0.2])
    outcomes = outcomes_of(gains, chance.integers(0, 3, count), labelled=labelled)
    split = thirds(count)
    confidences[split.evaluate[:blind]] = math.nan
    try:
        found = certified_of(outcomes, {"margin": confidences}, split, alphas=(0.2, 0.5), delta=0.4)
    except PublishError:
        return
    certificate = parse_certificate(to_json(certificate_of(found)), "c")
    table = certificate.table()
    scores = [table.score(int(a), float(c)) for a, c in zip(outcomes.answers, confidences, strict=True)]
    assert scores == found.scores.tolist()
    for promise in certificate.promises:
        kept = np.array([score > promise.value for score in scores])
        rows = split.evaluate
        assert kept[rows].mean() == promise.kept
        assert (kept * gains)[rows].mean() == pytest.approx(promise.loss)


def test_confidences_are_binned_as_the_drift_test_bins_them() -> None:
    edges = [0.25, 0.5]
    confidences = np.array([0.25, 0.2500001, 0.5, 0.9, math.nan, -1.0])
    drift = begin_drift(edges, [0, 0, 0], 0.01)
    for confidence in confidences:
        drift = notice(drift, float(confidence), 0.5)
    assert binned(np.array(edges), confidences) == list(drift.counts)


def test_confidences_that_are_no_numbers_are_in_the_reference_as_the_drift_test_counts_them() -> None:
    """They were dropped here and counted there: a model that had some in calibration would have been said to drift."""
    confidences = np.linspace(0, 1, 300)
    confidences[200:210] = math.nan
    assert sum(reference_of(confidences, thirds(300)).counts) == 200


def test_no_edge_of_the_reference_lies_on_a_confidence_that_many_have() -> None:
    """Rounded to 32 bits here and not there, all inputs of one level of an 8-bit model changed the bin: false alarm."""
    levels = np.arange(1, 30) / 30
    confidences = np.random.default_rng(0).choice(levels, 3000)
    reference = reference_of(confidences, thirds(3000))
    assert len(reference.edges) > 5
    for shift in (1e-12, -1e-12):
        assert binned(np.array(reference.edges), (confidences + shift)[1000:]) == reference.counts


@pytest.mark.parametrize("levels", [[0.5], [0.25, 0.75]], ids=["one", "two"])
def test_a_reference_of_few_levels_can_be_read_back(levels: list[float]) -> None:
    reference = reference_of(np.tile(np.array(levels), 150)[:150], thirds(150))
    assert sum(reference.counts) == 100


@pytest.mark.wide
def test_the_margin_is_read_unless_another_kind_is_better_by_more_than_chance() -> None:
    """Picked by what was kept at the strictest alpha, a worse kind won now and then by a handful of examples."""
    chosen = []
    for seed in range(20):
        outcomes, read = drawn(900, seed=seed)
        alike = {"margin": read["max_probability"], "max_probability": read["max_probability"] ** 2}
        nearly = np.clip(alike["margin"] + np.random.default_rng(seed).normal(0, 0.01, 900), 0, 1)
        chosen.append(certified_of(outcomes, {**alike, "energy": nearly}, thirds(900)).kind)
    assert chosen.count("margin") >= 18
