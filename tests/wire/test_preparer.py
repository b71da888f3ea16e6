"""The digest of a preparation: everything between the app's tensors and its answer, but for the model files."""

from __future__ import annotations

from typing import Any

import pytest

from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import preprocessing_digest

DIGEST, OTHER = "sha256:" + "0" * 64, "sha256:" + "1" * 64


def manifest(**changed: Any) -> Manifest:  # Any: a field of the document each
    document: dict[str, Any] = {
        "schema": 1,
        "name": "m",
        "version": 1,
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}],
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 3]}],
        "device": {"file": "m.onnx", "digest": DIGEST, "feeds": {"a": {"source": "x", "datatype": "FP32"}}},
        "remote": {"model": "m", "digest": DIGEST, "fetches": {"y": "z"}},
        "score": {"output": "y", "kind": "margin", "values": "logits"},
        "labels": {"file": "labels.txt", "digest": DIGEST},
    }
    return Manifest.model_validate(document | changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}]},
        {"outputs": [{"name": "y", "datatype": "FP32", "shape": [-1, 4]}]},
        {"device": {"file": "m.onnx", "digest": DIGEST, "feeds": {"a": {"source": "x", "datatype": "FP16"}}}},
        {"remote": {"model": "m", "digest": DIGEST}},
        {"score": {"output": "y", "kind": "energy", "values": "logits"}},
        {"task": "regression", "tolerance": 0.5},
        {"labels": {"file": "labels.txt", "digest": OTHER}},
        {"labels": None},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changes_an_answer_changes_the_digest(changed: dict[str, Any]) -> None:
    assert preprocessing_digest(manifest(**changed)) != preprocessing_digest(manifest())


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"device": {"file": "n.onnx", "digest": OTHER, "feeds": {"a": {"source": "x", "datatype": "FP32"}}}},
        {"golden": {"file": "golden.npz", "digest": DIGEST}},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_does_not_leaves_it(changed: dict[str, Any]) -> None:
    assert preprocessing_digest(manifest(**changed)) == preprocessing_digest(manifest())
