"""The recipes' one face: what a file is measured on, how that is found out once, and what is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.columns import row_of, rows_in
from cloud_service.publish.ends import File, Pictures, Tried
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.pictures import SOURCE, PictureRecipe
from cloud_service.publish.sandbox import Sandbox
from tests.builders.graphs import endless, perceptron
from tests.builders.pictures import shapes_model, shown

pytest.importorskip("PIL.Image", reason="the extra `image` is not installed")
pytest.importorskip("sklearn", reason="the extra `demo` is not installed")

Array = np.ndarray[Any, Any]

FILES, LABELS = shown(120)


class Counted:
    """Runs models here, and counts how often."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, content: bytes, tensors: Mapping[str, Array]) -> dict[str, Array]:
        self.runs += 1
        backend = OnnxBackend(content)
        made = [backend.new_run().execute(row_of(tensors, index), ["scores"]) for index in range(rows_in(tensors))]
        return {"scores": np.concatenate([one["scores"] for one in made])}


def file_of(content: bytes, origin: Any = "full") -> File:
    return File(f"the {origin} model", origin, content, OnnxBackend(content).inputs, "scores")


@pytest.mark.wide
def test_how_pictures_are_normalised_is_found_out_once_for_each_origin() -> None:
    run = Counted()
    ends = Pictures(PictureRecipe("encoded"), run, {}, {})
    full, own = file_of(shapes_model("raw", size=32)), file_of(shapes_model("unit", channels=1), "own")
    first = ends.tensors(full, {SOURCE: FILES}, LABELS.tolist())
    tried = run.runs
    assert first["picture"].shape == (120, 3, 32, 32)
    # A candidate that was made of the full model wants its pictures as that does, and nobody tries again.
    again = ends.tensors(file_of(shapes_model("raw", size=32, trained_on=80)), {SOURCE: FILES[:4]}, None)
    assert run.runs == tried
    assert np.array_equal(again["picture"], first["picture"][:4])
    assert ends.tensors(own, {SOURCE: FILES}, LABELS.tolist())["picture"].shape == (120, 1, 16, 16)
    assert len(ends.notes) == 2


@pytest.mark.wide
def test_what_was_declared_for_one_end_is_not_taken_for_the_other() -> None:
    ends = Pictures(PictureRecipe("encoded"), Counted(), {"own": "unit"}, {"full": (24, 24)})
    full = file_of(shapes_model("raw", size=None))
    assert ends.tensors(full, {SOURCE: FILES}, LABELS.tolist())["picture"].shape == (120, 3, 24, 24)
    assert "normalised as raw, found by trying" in ends.notes[0]
    with pytest.raises(PublishError, match="the own model: with pictures normalised as unit it is right on"):
        ends.tensors(file_of(shapes_model("raw"), "own"), {SOURCE: FILES}, LABELS.tolist())


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "agreement"])
@pytest.mark.wide
def test_what_a_device_model_is_held_to_is_said_as_it_is(labelled: bool) -> None:
    """The full model comes first: with labels both are held to these, without them the device's to its answers."""
    ends = Pictures(PictureRecipe("encoded"), Counted(), {"full": "raw"}, {})
    ends.tensors(file_of(shapes_model("raw")), {SOURCE: FILES}, LABELS.tolist() if labelled else None)
    ends.tensors(file_of(shapes_model("unit"), "own"), {SOURCE: FILES}, LABELS.tolist())
    assert ("right, of 120" if labelled else "as the full model, of 120") in ends.notes[1]


@pytest.mark.wide
def test_a_model_that_cannot_be_run_is_refused_with_the_reason_and_this_process_lives() -> None:
    x = {"x": np.ones((2, 16), np.float32)}
    assert Tried(Sandbox())(perceptron().content, x)["y"].shape == (2, 10)
    with pytest.raises(PublishError, match="did not end within 3 s; look at its inputs, or give it more --patience"):
        Tried(Sandbox(limit_s=3))(endless(), x)
