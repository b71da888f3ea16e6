"""What is refused before anything long was done: every one with what to do, and nothing is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.publish.data import Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.measure import DeviceClass
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.prepare import prepare
from cloud_service.publish.refusals import (
    require_better_than_chance,
    require_named,
    require_options,
    require_same_question,
)
from cloud_service.publish.release import require_writable
from tests.builders.graphs import perceptron
from tests.builders.questions import FEATURES, question

ASKED = question("classification", count=400)


def options(folder: Path, **changed: Any) -> PrepareOptions:  # Any: a field of the options each
    given = PrepareOptions(
        name="asked", model=ASKED.full, examples=ASKED.examples(), out=folder / "release", alphas=(0.05,)
    )
    return replace(given, **changed)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"name": "my model (1)"}, "is no name for a model; name it with --name"),
        ({"name": ""}, "is no name for a model"),
        ({"device": DeviceClass("my phone")}, "'my phone' is no name for a class of device"),
        ({"version": 0}, "version 0 is none"),
        ({"tolerance": 0.5}, "classification has no tolerance"),
        ({"task": "regression"}, "task regression needs a tolerance"),
        ({"task": "embedding", "tolerance": float("nan")}, "task embedding needs a tolerance"),
        ({"task": "regression", "tolerance": 0.5}, "has no confidence of its own.*--score value --score-output NAME"),
        ({"score": "value"}, "give both --score value and --score-output"),
        ({"score_output": "sure"}, "give both --score value and --score-output"),
        ({"alphas": ()}, "no loss to promise"),
        ({"alphas": (0.05, 0.9)}, "alpha is a share from 0.0001 to 0.5"),
        ({"delta": 0.0}, "delta is a share"),
        ({"golden": -1}, "-1 golden examples"),
    ],
    ids=lambda part: "-".join(part) if isinstance(part, dict) else "",
)
def test_options_that_cannot_be_meant_are_refused(tmp_path: Path, changed: dict[str, Any], told: str) -> None:
    with pytest.raises(PublishError, match=told):
        prepare(options(tmp_path, **changed))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "agreement"])
@pytest.mark.wide
def test_too_few_examples_are_told_how_many_it_takes(tmp_path: Path, labelled: bool) -> None:
    """The models were compressed, measured and run for minutes before this was found out."""
    told = (
        r"alpha 0\.01 at delta 0\.1 \(labels\) needs 230 examples to calibrate on, and there are 180; "
        "give about 512 examples in all"
    )
    if not labelled:
        told = r"\(agreement\) needs 230 examples to calibrate on, and there are 180; give about 512 examples"
    with pytest.raises(PublishError, match=told):
        prepare(options(tmp_path, examples=ASKED.examples(labelled=labelled), alphas=(0.005, 0.01)))


@pytest.mark.wide
def test_labels_beyond_the_models_classes_are_refused(tmp_path: Path) -> None:
    """Every answer was wrong on both ends, so nothing was ever lost, and everything was certified to stay."""
    with pytest.raises(PublishError, match="label 7 stands in the data, and the model answers with 4 classes"):
        prepare(options(tmp_path, examples=Examples({"x": ASKED.inputs}, ASKED.labels + 4)))


@pytest.mark.wide
def test_folder_names_that_are_not_as_many_as_the_models_classes_are_refused(tmp_path: Path) -> None:
    examples = replace(ASKED.examples(), label_names=("a", "b", "c"))
    with pytest.raises(PublishError, match=r"the data: 3 labels for 4 classes; .*--labels-file"):
        prepare(options(tmp_path, examples=examples))


@pytest.mark.parametrize("names", [["a", "b"], ["a", "b", " ", "d"], ["a", "b", "c\nd", "e"]])
def test_names_that_are_not_one_for_each_class_are_refused(names: list[str]) -> None:
    with pytest.raises(PublishError, match="--labels-file"):
        require_named(names, [-1, 4], "--labels-file")
    require_named(["a", "b", "c", "d"], [-1, 4], "--labels-file")


def test_answers_that_have_nothing_to_do_with_the_labels_are_refused_and_rare_classes_are_not() -> None:
    chance = np.random.default_rng(0)
    labels = chance.integers(0, 10, 2000)
    with pytest.raises(PublishError, match=r"is right on 0\.0% of the examples, and by chance it would be on 10\.\d%"):
        require_better_than_chance((labels + 1) % 10, labels)
    # A detector that finds half of what is rare, with as many false alarms, is less often right than one that sleeps.
    rare = (chance.random(4000) < 0.01).astype(int)
    found = np.where(rare == 1, chance.random(4000) < 0.5, chance.random(4000) < 0.01).astype(int)
    require_better_than_chance(found, rare)


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"notes.txt": "mine"}, "is no release, and not empty"),
        ({"manifest.toml": "schema = 1"}, "is no release, and not empty"),
    ],
    ids=["a-folder-of-others", "a-broken-release"],
)
def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
    tmp_path: Path, there: dict[str, str], told: str
) -> None:
    out = tmp_path / "release"
    out.mkdir()
    for name, content in there.items():
        (out / name).write_text(content)
    with pytest.raises(PublishError, match=told):
        prepare(options(tmp_path))
    assert {path.name: path.read_text() for path in out.iterdir()} == there


@pytest.mark.parametrize(
    ("out", "told"),
    [("file/release", "file is no folder"), ("file/deep/release", "is no folder"), ("x" * 250, "File name too long")],
)
def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_made(
    tmp_path: Path, out: str, told: str
) -> None:
    """It was found out when all was made, and then lost."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(PublishError, match=f"cannot be written: .*{told}; name a folder with --out that can be"):
        require_options(options(tmp_path, out=tmp_path / out))
    require_options(options(tmp_path, out=tmp_path / "deep/deeper/release"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_no_other_can_take_the_place_of_is_refused() -> None:
    with pytest.raises(PublishError, match="a file system is mounted there; name a folder in it"):
        require_writable(Path("/"))


@pytest.mark.wide
def test_inputs_of_another_type_or_shape_than_the_models_are_refused_with_what_to_do(tmp_path: Path) -> None:
    for inputs in (ASKED.inputs.astype(np.float64), ASKED.inputs[:, : FEATURES - 1]):
        with pytest.raises(PublishError, match="'x'"):
            prepare(options(tmp_path, examples=Examples({"x": inputs}, ASKED.labels)))
    with pytest.raises(PublishError, match="'x'"):
        prepare(options(tmp_path, examples=Examples({"z": ASKED.inputs}, ASKED.labels)))
    with pytest.raises(PublishError, match="'extra'"):
        prepare(options(tmp_path, examples=Examples({"x": ASKED.inputs, "extra": ASKED.labels}, ASKED.labels)))


def test_a_device_model_of_other_classes_than_the_full_one_s_is_refused_before_it_is_tried() -> None:
    """It was tried, and labels were said to be in another order."""
    for alike in ((-1, 4), (1, 4), (-1, -1), (-1,)):
        require_same_question(alike, (-1, 4))
    with pytest.raises(PublishError, match="answers with 1000 numbers, the full model with 1001; both models have to"):
        require_same_question((-1, 1000), (-1, 1001))


@pytest.mark.wide
def test_that_is_asked_of_every_device_model(tmp_path: Path) -> None:
    other = perceptron(width=FEATURES).content
    with pytest.raises(PublishError, match="the device model answers with 10 numbers, the full model with 4"):
        prepare(options(tmp_path, device_model=other))
