"""What a device's answer is worth under a certificate: as much as in calibration, and nothing where it is no number."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from edge_agent.quality import Quality
from nearfar_wire.confidence import confidences
from nearfar_wire.disagreement import classes
from nearfar_wire.manifest import Manifest
from router.cascade.certificate import Certificate, Gains, parse_certificate, to_json
from router.cascade.gain import fit_gain
from router.cascade.learn import grid_of
from tests.builders.certificates_of_loss import DEVICE, certificate

KINDS = [
    ("margin", "logits"), ("margin", "probabilities"), ("max_probability", "logits"),
    ("max_probability", "probabilities"), ("energy", "logits"), ("value", "logits"),
]  # fmt: skip


def quality_of(kind: str, values: str, certificate: Certificate, task: str = "classification") -> Quality:
    outputs = [{"name": "o", "datatype": "FP32", "shape": [-1, 4]}]
    if kind == "value":
        outputs.append({"name": "sure", "datatype": "FP32", "shape": [-1, 1]})
    manifest = Manifest.model_validate(
        {
            "schema": 1,
            "name": "m",
            "version": 1,
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
            "outputs": outputs,
            "score": {"output": "sure" if kind == "value" else "o", "kind": kind, "values": values},
            "device": {"file": "m.onnx", "digest": DEVICE},
            "task": task,
            **({"tolerance": 0.5} if task == "regression" else {}),
        }
    )
    return Quality(manifest, certificate, "", chance=random.Random(0))


def quantized(rows: int, seed: int, levels: int = 6) -> np.ndarray:
    """Logits as a model of 8 bits gives them: few levels, and so many that are alike."""
    return (np.random.default_rng(seed).integers(0, levels, (rows, 4)) * np.float32(0.2371)).astype(np.float32)


def outputs_of(kind: str, values: str, logits: np.ndarray) -> dict[str, np.ndarray]:
    if values == "probabilities":
        weights = np.exp(logits)
        return {"o": (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)}
    return {"o": logits, "sure": logits[:, :1]} if kind == "value" else {"o": logits}


@pytest.mark.parametrize(("kind", "values"), KINDS)
def test_an_answer_of_few_levels_is_kept_here_exactly_where_it_was_in_calibration(kind: str, values: str) -> None:
    """Ties at the threshold among them: calibration reads many rows with numpy, the device one without."""
    quality = quality_of(kind, values, certificate())
    score = quality._manifest.score
    assert score is not None
    many = outputs_of(kind, values, quantized(600, 1))
    found = classes("classification", many["o"]).tolist()
    read = confidences(many[score.output], score).tolist()
    chance = random.Random(2)
    table = fit_gain(found, read, [int(chance.random() > 0.4 + number / 5) for number in read])
    scores = [table.score(*pair) for pair in zip(found, read, strict=True)]
    gains = Gains.of(table, grid_of(scores))
    # As a device reads it: from the release's file.
    of_release = parse_certificate(to_json(certificate(gains=gains)), "certificate.json")
    quality = quality_of(kind, values, of_release)
    judged = [quality.judge({name: value[i : i + 1] for name, value in many.items()}) for i in range(600)]
    here = [one.score for one in judged if one is not None]
    assert here == scores
    thresholds = grid_of(scores)
    ties = sum(scores.count(threshold) for threshold in thresholds)
    assert ties > 300
    for threshold in thresholds:
        assert [one > threshold for one in here] == [one > threshold for one in scores]


def test_several_rows_are_worth_what_the_least_of_them_is() -> None:
    quality = quality_of("margin", "logits", certificate())
    logits = quantized(5, 3)
    alone = [quality.judge({"o": logits[index : index + 1]}) for index in range(5)]
    together = quality.judge({"o": logits})
    assert together is not None
    assert together.score == min(one.score for one in alone if one is not None)
    assert together.classes == tuple(one.classes[0] for one in alone if one is not None)
    assert together == quality.judge({"o": logits.reshape(1, 5, 4)})


@pytest.mark.parametrize(("kind", "values"), [pair for pair in KINDS if pair[0] != "value"])
@pytest.mark.parametrize("shape", [(1, 4), (4,), (1, 1, 4), (3, 4), (0, 4)], ids=str)
def test_an_answer_that_is_not_audited_scores_as_one_that_is(kind: str, values: str, shape: tuple[int, ...]) -> None:
    """Of a single row it is read without lists of one."""
    quality = quality_of(kind, values, certificate())
    rows = math.prod(shape[:-1])
    outputs = {name: value[:rows] for name, value in outputs_of(kind, values, quantized(5, 4)).items()}
    outputs["o"] = outputs["o"].reshape(shape)
    judged = quality.judge(outputs)
    assert judged is not None
    assert quality.score(outputs) == judged.score
    assert list(quality._pending) == list(judged.confidences)


@pytest.mark.parametrize(("shape", "kind"), [((1, 1), "margin"), ((), "margin"), ((2, 1), "value")])
def test_an_answer_that_cannot_be_read_has_no_score(shape: tuple[int, ...], kind: str) -> None:
    quality = quality_of(kind, "logits", certificate())
    outputs = {"o": np.zeros(shape, np.float32), "sure": np.zeros((1, 1), np.float32)}
    assert quality.score(outputs) is quality.judge(outputs) is None
    assert not quality._pending


@pytest.mark.parametrize(("kind", "values"), KINDS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", range(4))
def test_C8_an_answer_that_is_no_number_keeps_nothing(kind: str, values: str, bad: float, at: int) -> None:
    """A confidence that a model gives itself was taken as the surest of all where it was infinite."""
    quality = quality_of(kind, values, certificate())
    outputs = outputs_of(kind, values, np.array([[1.0, 5.0, 2.0, 0.0]] * 2, np.float32))
    outputs[quality._manifest.score.output].reshape(-1)[at % outputs[quality._manifest.score.output].size] = bad
    judged = quality.judge(outputs)
    assert judged is not None
    assert quality.score(outputs) == judged.score
    alone = {name: value[:1] for name, value in outputs.items()}
    assert quality.score(alone) == quality.judge(alone).score  # type: ignore[union-attr]  # as above
    if bad == -math.inf and values == "logits" and kind != "value":
        assert math.isfinite(judged.score), "a class that is ruled out"
    else:
        assert judged.score == -math.inf


@pytest.mark.parametrize(("task", "bad"), [("classification", math.nan), ("regression", math.inf)])
def test_C8_an_answer_that_is_no_number_keeps_nothing_however_sure_its_model_is(task: str, bad: float) -> None:
    """Only the confidence was looked at."""
    quality = quality_of("value", "logits", certificate(task=task), task)
    outputs: dict[str, Any] = {"o": np.array([[0.0, bad, 1.0, 2.0]], np.float32), "sure": np.ones((1, 1), np.float32)}
    judged = quality.judge(outputs)
    assert judged is not None
    assert judged.score == -math.inf


def test_confidences_that_are_not_one_a_row_say_nothing() -> None:
    """Rows beyond the last confidence were not looked at."""
    quality = quality_of("value", "logits", certificate())
    assert quality.judge({"o": quantized(3, 0), "sure": np.ones((1, 1), np.float32)}) is None
