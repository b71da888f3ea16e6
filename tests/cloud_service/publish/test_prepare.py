"""From a model and some data to a release, whole: every task, and what each option changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.data import Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.options import PrepareOptions, Task
from cloud_service.publish.prepare import prepare
from cloud_service.publish.prepared import Prepared
from cloud_service.publish.telling import accuracy, figures, report_facts
from edge_agent.config import DeviceConfig
from edge_agent.releases import load_release
from nearfar_wire.confidence import confidences
from nearfar_wire.digest import digest_of
from nearfar_wire.disagreement import classes, disagree, right
from nearfar_wire.manifest import read_manifest
from nearfar_wire.preparer import preprocessing_digest
from router.cascade.certificate import parse_certificate
from router.cascade.learn import Method
from tests.builders.questions import Question, question

pytestmark = [pytest.mark.wide, pytest.mark.timeout(600)]

TASKS: dict[Task, dict[str, Any]] = {
    "classification": {"golden": 3},
    "multilabel": {"tolerance": 0.5, "score": "value", "score_output": "sure"},
    "regression": {"tolerance": 0.5, "score": "value", "score_output": "sure"},
    "embedding": {"tolerance": 0.05, "score": "value", "score_output": "sure"},
}


def options(folder: Path, asked: Question, **changed: Any) -> PrepareOptions:  # Any: a field of the options each
    given = PrepareOptions(
        name="asked",
        model=asked.full,
        device_model=asked.small,
        ship="own",
        examples=asked.examples(),
        out=folder / "release",
        task=asked.task,
        alphas=(0.02, 0.05),
    )
    return replace(given, **changed)


# Each costs a release; the first and the last differ most.
_SLOW = ("multilabel", "regression")


@pytest.fixture(
    scope="module",
    params=[pytest.param(task, marks=pytest.mark.slow) if task in _SLOW else task for task in TASKS],
)
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    task: Task = request.param
    asked = question(task)
    # An embedding has no right answer that anybody would write down: the full model's is what counts.
    examples = asked.examples(labelled=task != "embedding")
    return prepare(options(tmp_path_factory.mktemp(task), asked, examples=examples, **TASKS[task]))


def test_a_release_of_every_task_is_whole_and_loads_on_a_device(prepared: Prepared) -> None:
    out = prepared.out
    manifest = read_manifest(out / "manifest.toml")
    certificate = parse_certificate((out / "certificate.json").read_bytes(), "c")
    assert manifest == prepared.manifest and certificate == prepared.certificate
    assert manifest.device is not None and manifest.remote is not None and manifest.golden is not None
    cloud = out / "cloud/asked/1"
    assert certificate.device_digest == digest_of((out / manifest.device.file).read_bytes()) == manifest.device.digest
    assert certificate.remote_digest == digest_of((cloud / "model.onnx").read_bytes()) == manifest.remote.digest
    assert certificate.preprocessing_digest == preprocessing_digest(manifest)
    assert (cloud / "manifest.toml").read_bytes() == (out / "manifest.toml").read_bytes()
    assert manifest.golden.digest == digest_of((out / "golden.npz").read_bytes())
    loaded = load_release("asked", out, DeviceConfig())
    assert loaded.runtime is not None and loaded.why_uncovered == ""


def test_what_is_promised_holds_for_inputs_that_nobody_has_seen(prepared: Prepared) -> None:
    manifest, certificate = prepared.manifest, prepared.certificate
    assert manifest.device is not None and manifest.remote is not None and manifest.score is not None
    fresh = question(manifest.task, count=20_000)
    new = slice(10_000, None)
    near, far = (
        OnnxBackend((prepared.out / file).read_bytes()).new_run().execute({"x": fresh.inputs[new]}, ["y", "sure"])
        for file in (manifest.device.file, "cloud/asked/1/model.onnx")
    )
    sure = confidences(near["sure" if manifest.score.kind == "value" else "y"], manifest.score)
    table = certificate.table()
    scores = [table.score(int(a), float(c)) for a, c in zip(classes(manifest.task, near["y"]), sure, strict=True)]
    if certificate.method is Method.LABELS:
        good = [right(manifest.task, end["y"], fresh.labels[new], manifest.tolerance) for end in (far, near)]
        gains = good[0].astype(int) - good[1].astype(int)
    else:
        gains = disagree(manifest.task, near["y"], far["y"], manifest.tolerance).astype(int)
    for promise in certificate.promises:
        kept = np.array(scores) > promise.value
        assert 0.1 < promise.kept == pytest.approx(kept.mean(), abs=0.07)
        assert (kept * gains).mean() <= promise.alpha


def test_figures_are_json_and_agree_with_the_certificate(prepared: Prepared) -> None:
    told = json.loads(json.dumps(figures(prepared)))
    assert set(told) == {
        "model", "version", "method", "score", "delta", "split", "n", "evaluation", "digests", "candidates",
        "promises", "refused", "escalated", "not_covered", "doubts", "notes",
    }  # fmt: skip
    assert [row["kept"] for row in told["promises"]] == [promise.kept for promise in prepared.certificate.promises]
    assert [row["name"] for row in told["candidates"] if row["chosen"]] == ["own"]
    assert all(row["latency_ms"] is None and row["agreement"] is None for row in told["candidates"] if row["skipped"])
    assert bool(accuracy(prepared)) == (prepared.certificate.method is Method.LABELS)
    page = (prepared.out / "report.html").read_text("utf-8")
    assert all(text in page for text in prepared.certificate.not_covered)
    assert report_facts(prepared).risk[0].kept <= report_facts(prepared).risk[-1].kept == 1.0


def test_what_speaks_against_a_promise_is_in_the_figures_and_on_the_report_too(prepared: Prepared) -> None:
    """It was said on the terminal alone, where nobody looks who ships by the file of figures."""
    certificate = prepared.certificate
    broken = certificate.promises[0].model_copy(update={"loss": 0.6})
    other = replace(prepared, certificate=certificate.model_copy(update={"promises": [broken]}))
    (told,) = figures(other)["doubts"]
    assert f"against the promise of {broken.alpha:.2%}" in told
    assert ("note", told) in report_facts(other).particulars


def test_golden_examples_are_counted_named_and_of_the_evaluation_set(prepared: Prepared) -> None:
    wanted = TASKS[prepared.manifest.task].get("golden", 8)
    with np.load(prepared.out / "golden.npz", allow_pickle=False) as golden:
        rows = golden["inputs/x"]
    assert len(rows) == wanted
    note = next(note for note in prepared.notes if "golden inputs" in note)
    assert note.startswith(f"{wanted} examples of the data go with the release to every device")
    evaluated = question(prepared.manifest.task).inputs[prepared.split.evaluate]
    assert all((evaluated == row).all(axis=1).any() for row in rows)


@pytest.mark.slow
def test_a_release_without_golden_examples_and_report_says_so_and_replaces_the_one_before(tmp_path: Path) -> None:
    asked = question("classification", count=800)
    before = prepare(options(tmp_path, asked, alphas=(0.05,), label_names=("a", "b", "c", "d")))
    assert (before.out / "labels.txt").read_text() == "a\nb\nc\nd\n"
    stages: dict[str, int] = {}
    after = prepare(
        options(tmp_path, asked, alphas=(0.05,), golden=0, report=False, version=2, seed=1),
        progress=lambda stage, done, total: stages.__setitem__(stage, total - done),
    )
    assert {path.name for path in after.out.iterdir()} == {"manifest.toml", "certificate.json", "asked.onnx", "cloud"}
    assert [path.name for path in (after.out / "cloud/asked").iterdir()] == ["2"]
    assert after.manifest.golden is None
    assert any("no example is in the release" in note for note in after.notes)
    assert before.split.fit.tolist() != after.split.fit.tolist()
    assert set(stages.values()) == {0} and "certify" in stages
    (after.out / "notes.md").write_text("mine")
    with pytest.raises(PublishError, match=r"holds 'notes\.md', which is no part of a release; move it away"):
        prepare(options(tmp_path, asked))
    assert (after.out / "notes.md").read_text() == "mine"


def test_labels_of_another_order_than_the_models_are_noticed(tmp_path: Path) -> None:
    asked = question("classification", count=800)
    examples = Examples({"x": asked.inputs}, (asked.labels + 1) % 4)
    with pytest.raises(PublishError, match="number classes otherwise; name the labels in the model's order"):
        prepare(options(tmp_path, asked, examples=examples, alphas=(0.05,)))
    assert not (tmp_path / "release").exists()
