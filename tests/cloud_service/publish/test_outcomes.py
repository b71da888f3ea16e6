"""What both models make of every example, asked as an app would ask; and which confidences can be read from it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.data import Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.outcomes import Answers, answers, judge
from cloud_service.publish.scores import read_confidences, values_of
from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import Preparer
from tests.builders.questions import question

ASKED = question("classification", count=50)
DIGEST = "sha256:" + "0" * 64


def manifest(task: str = "classification", tolerance: float | None = None) -> Manifest:
    return Manifest.model_validate(
        {
            "schema": 1,
            "name": "m",
            "version": 1,
            "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 8]}],
            "outputs": [
                {"name": "scores", "datatype": "FP32", "shape": [-1, -1]},
                {"name": "sure", "datatype": "FP32", "shape": [-1, 1]},
            ],
            "device": {"file": "m.onnx", "digest": DIGEST},
            "task": task,
            "tolerance": tolerance,
        }
    )


def ends(outputs: list[list[float]]) -> Answers:
    return Answers({"scores": np.array(outputs, np.float32)}, True)


class Counting(OnnxBackend):
    """Notes how many rows each run has."""

    rows: list[int]

    def new_run(self) -> Any:  # Any: the run of a backend
        run, noted = super().new_run(), self.rows

        class Noting:
            def execute(self, tensors: Any, outputs: Any) -> Any:
                noted.append(len(tensors["x"]))
                return run.execute(tensors, outputs)

        return Noting()


@pytest.mark.parametrize(("alone", "rows"), [(True, [1] * 50), (False, [16, 16, 16, 2])])
def test_the_device_is_asked_one_at_a_time_and_the_full_model_together(alone: bool, rows: list[int]) -> None:
    backend, told = Counting(ASKED.full), []
    backend.rows = []
    found = answers(
        backend, Preparer([], {}, lambda _: b""), {"scores": "y"}, manifest(), ASKED.examples(),
        alone=alone, progress=told.append,
    )  # fmt: skip
    assert backend.rows == rows
    assert found.alone == alone
    assert told[-1] == 50
    assert found.outputs["scores"].shape == (50, 4) and found.outputs["sure"].shape == (50, 1)
    together = OnnxBackend(ASKED.full).new_run().execute({"x": ASKED.inputs}, ["y"])["y"]
    assert found.outputs["scores"] == pytest.approx(together, abs=1e-5)


def test_with_labels_a_gain_is_who_is_right() -> None:
    near, far = ends([[1, 0], [1, 0], [0, 1], [0, 1]]), ends([[1, 0], [0, 1], [1, 0], [0, 1]])
    found = judge(manifest(), "scores", near, far, np.array([0, 1, 1, 0]))
    assert found.gains.tolist() == [0, 1, -1, 0]
    assert found.disagree.tolist() == [False, True, True, False]
    assert found.answers.tolist() == [0, 0, 1, 1]
    assert found.device_right is not None and found.device_right.tolist() == [True, False, True, False]


def test_without_labels_a_gain_is_a_disagreement_and_what_is_no_number_disagrees() -> None:
    found = judge(manifest(), "scores", ends([[1, 0], [1, math.nan]]), ends([[1, 0], [1, 0]]), None)
    assert found.gains.tolist() == [0, 1]
    assert found.device_right is None and found.remote_right is None


@pytest.mark.parametrize(
    ("task", "tolerance", "near", "far", "labels", "gains"),
    [
        ("multilabel", 0.5, [[0.9, 0.1], [0.9, 0.9]], [[0.8, 0.2], [0.9, 0.1]], [[1, 0], [1, 0]], [0, 1]),
        ("regression", 0.5, [[1.0], [3.0]], [[1.2], [1.0]], [1.1, 1.2], [0, 1]),
        ("embedding", 0.1, [[1.0, 0.0], [0.0, 1.0]], [[2.0, 0.1], [1.0, 0.0]], [[1, 0], [1, 0]], [0, 1]),
    ],
)
def test_every_task_is_judged_by_its_tolerance(
    task: str, tolerance: float, near: list[Any], far: list[Any], labels: list[Any], gains: list[int]
) -> None:
    assert judge(manifest(task, tolerance), "scores", ends(near), ends(far), np.array(labels)).gains.tolist() == gains
    assert judge(manifest(task, tolerance), "scores", ends(near), ends(far), None).gains.tolist() == gains


def test_labels_of_another_length_than_an_answer_are_refused() -> None:
    """They ended in a ValueError of numpy's reshape, after both models had been run over everything."""
    with pytest.raises(PublishError, match="a label has 3 numbers, and an answer of the model 2"):
        judge(manifest("multilabel", 0.5), "scores", ends([[0, 1]]), ends([[0, 1]]), np.array([[1, 0, 1]]))


def options(**changed: Any) -> PrepareOptions:  # Any: a field of the options each
    return PrepareOptions("m", b"", Examples({"x": np.zeros(4)}), out=None, **changed)  # type: ignore[arg-type]


LOGITS = np.array([[2.0, 1.0], [0.0, 5.0], [1.0, 1.0], [9.0, 0.0]], np.float32)
SHARES = np.array([[0.7, 0.3], [0.1, 0.9], [0.5, 0.5], [1.0, 0.0]], np.float32)
ALL = np.arange(4)


def test_of_logits_all_three_confidences_are_read_and_of_probabilities_no_energy() -> None:
    assert set(read_confidences(options(), LOGITS, ALL)) == {"margin", "max_probability", "energy"}
    assert set(read_confidences(options(), SHARES, ALL)) == {"margin", "max_probability"}
    assert set(read_confidences(options(score="margin"), LOGITS, ALL)) == {"margin"}
    with pytest.raises(PublishError, match="cannot be read from probabilities"):
        read_confidences(options(score="energy"), SHARES, ALL)


def test_whether_an_output_is_probabilities_is_seen_on_the_fit_set_alone() -> None:
    """One strange answer in the sets that judge changed how confidence is read for all."""
    strange = SHARES.copy()
    strange[3] = [3.0, 4.0]
    read = read_confidences(options(), strange, ALL[:3])
    assert values_of(strange[:3]) == "probabilities" and values_of(strange) == "logits"
    assert set(read) == {"margin", "max_probability"}
    assert math.isnan(read["max_probability"][3])


def test_an_answer_of_several_rows_is_refused() -> None:
    with pytest.raises(PublishError, match="several rows for one example"):
        read_confidences(options(), np.zeros((4, 3, 2), np.float32), ALL)
