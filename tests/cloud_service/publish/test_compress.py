"""From a model to the candidate that ships: all of it, on models made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from cloud_service.publish.compress import Compression, Own, compress
from cloud_service.publish.errors import PublishError
from cloud_service.publish.measure import DeviceClass
from tests.builders.graphs import Sample, allocating, crossing, endless, perceptron, transformer, weighing
from tests.builders.questions import question, renumbered

pytestmark = pytest.mark.wide

X = {"x": np.random.default_rng(0).standard_normal((12, 16)).astype(np.float32)}


def compressed(sample: Sample, **options: Any) -> Compression:
    return compress(
        sample.content, sample.inputs, task="classification", tolerance=None, output=sample.output, **options
    )


def names(made: Compression) -> dict[str, str]:
    """Why each was skipped; nothing where it was not."""
    return {figures.name: figures.skipped for figures in made.measured}


@dataclass(frozen=True)
class Tried:
    """What became of a model with labels for its examples, and the progress that was told meanwhile."""

    made: Compression
    told: list[tuple[str, int, int]]


@pytest.fixture(scope="module")
def tried() -> Tried:
    told: list[tuple[str, int, int]] = []
    labels = np.zeros(40, np.int64)
    labels[:3] = 1
    sample = perceptron(width=64, inner=256)
    return Tried(compressed(sample, labels=labels, progress=lambda *what: told.append(what)), told)


def test_every_candidate_is_measured_and_the_chosen_is_one_of_the_front(tried: Tried) -> None:
    made = tried.made
    assert list(names(made)) == [
        "as given", "simplified", "int8 dynamic, per channel", "int8 dynamic, per tensor",
        "int8 weights", "int4 weights", "fp16",
    ]  # fmt: skip
    running = [figures for figures in made.measured if not figures.skipped]
    assert len(running) >= 6
    assert all(figures.latency_ms_p50 > 0 and figures.size_bytes > 0 for figures in running)
    assert made.chosen in made.measured
    assert made.chosen.on_front


@pytest.mark.parametrize(
    ("sample", "drop_layers"),
    [
        pytest.param(crossing(count=3), 0, id="two inputs"),
        pytest.param(transformer(kind="INT32", count=12), 1, id="int32, layers dropped", marks=pytest.mark.slow),
    ],
)
def test_models_of_several_inputs_are_compressed_too(sample: Sample, drop_layers: int) -> None:
    made = compressed(sample, drop_layers=drop_layers)
    fewer = [name for name in names(made) if "fewer" in name]
    assert fewer == (["1 layers fewer", "1 layers fewer, int8 dynamic"] if drop_layers else [])
    skipped = {name: why for name, why in names(made).items() if why}
    assert set(skipped) <= {"simplified"}, skipped


def test_the_user_s_own_model_is_tried_on_its_own_inputs() -> None:
    sample, own = weighing(), perceptron(width=8)
    half = {"x": sample.inputs["x"][:, :8]}
    made = compressed(sample, own=Own(own.content, half, "y"), ship="own")
    assert made.chosen.is_own
    assert names(made)["own"] == ""


@pytest.mark.parametrize(
    "labelled", [pytest.param(True, id="labels"), pytest.param(False, id="agreement", marks=pytest.mark.slow)]
)
def test_a_device_model_that_numbers_classes_otherwise_is_refused_and_a_weak_one_is_not(labelled: bool) -> None:
    """It was tried, and shipped where it was named: right on 15 % of the examples, without a word on why."""
    asked, weak = question("classification", count=256), question("classification", count=256, err=2.5)
    inputs, labels = {"x": asked.inputs}, asked.labels if labelled else None

    def tried(content: bytes) -> Compression:
        own = Own(content, inputs, "y")
        return compress(
            asked.full, inputs, task="classification", tolerance=None, output="y", labels=labels, own=own, ship="own"
        )

    does = "is right on" if labelled else "answers as the full model on"
    with pytest.raises(PublishError, match=f"the device model: it tells the classes apart .* but {does}") as refused:
        tried(renumbered(asked.small, (1, 2, 3, 0)))
    assert "export the device model again, with its classes in the full model's order" in str(refused.value)
    assert tried(weak.small).chosen.agreement[0] < 0.6


def test_what_is_asked_for_ships_and_what_is_not_there_is_refused() -> None:
    sample = weighing()
    assert compressed(sample, ship="fp16").chosen.name == "fp16"
    with pytest.raises(PublishError, match=r"'fp8' cannot be shipped: was not tried; name one of 'as given'"):
        compressed(sample, ship="fp8")


def test_labels_decide_where_there_are_some(tried: Tried) -> None:
    assert all(figures.accuracy is not None for figures in tried.made.measured if not figures.skipped)


@pytest.mark.slow
def test_a_full_model_that_a_device_has_no_memory_for_is_still_what_answers_are_held_against() -> None:
    """It used to end everything, although what is made of it might fit."""
    made = compress(
        allocating(1), X, task="classification", tolerance=None, output="y",
        own=Own(perceptron().content, X, "y"), device=DeviceClass(memory_limit_bytes=256 << 20),
    )  # fmt: skip
    assert "256 MiB" in names(made)["as given"]
    assert made.chosen.is_own


@pytest.mark.slow
def test_where_nothing_fits_the_device_that_is_said() -> None:
    with pytest.raises(PublishError, match="no candidate runs on this device class: as given: it wants more memory"):
        compress(
            allocating(1), X, task="classification", tolerance=None, output="y",
            device=DeviceClass(memory_limit_bytes=128 << 20),
        )  # fmt: skip


def test_a_model_that_does_not_take_the_examples_is_refused() -> None:
    with pytest.raises(PublishError, match="cannot be run on the examples"):
        compress(crossing().content, X, task="classification", tolerance=None, output="y")


@pytest.mark.slow
def test_patience_bounds_each_candidate() -> None:
    own = Own(endless(), X, "y")
    made = compress(weighing().content, X, task="classification", tolerance=None, output="y", own=own, patience_s=6)
    assert names(made)["own"] == "it did not end within 6 s"
    assert made.chosen.content is not None


def test_progress_is_told_of_each_candidate(tried: Tried) -> None:
    count = len(tried.made.measured)
    begun = [(done, total) for stage, done, total in tried.told if stage == "try candidates"]
    assert [done for done, _ in begun] == list(range(count + 1))
    assert begun[-1] == (count, count)
    assert [(done, total) for stage, done, total in tried.told if stage == "time candidates"] == [(0, 1), (1, 1)]
