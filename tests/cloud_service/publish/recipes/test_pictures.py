"""The recipe for pictures: whatever an app hands in, each end sees what it was trained on, and people are told how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.columns import row_of, rows_in
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.fuse import PIXELS
from cloud_service.publish.recipes.graph import PictureInput, picture_input
from cloud_service.publish.recipes.normalisation import KNOWN, Normalisation, fitting
from cloud_service.publish.recipes.pictures import SOURCE, PictureRecipe, _tried, settle
from nearfar_wire.manifest import Step
from nearfar_wire.prepare import prepare
from nearfar_wire.specs import TensorSpec
from tests.builders.pictures import SHAPES, draw, encoded, shapes_model, shown

pytest.importorskip("PIL.Image", reason="the extra `image` is not installed")
pytest.importorskip("sklearn", reason="the extra `demo` is not installed")

Array = np.ndarray[Any, Any]

FILES, LABELS = shown(120)
RECIPE = PictureRecipe("encoded")


def run(content: bytes, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Every output, one row at a time, here: these models are ours."""
    backend = OnnxBackend(content)
    names = [spec.name for spec in backend.outputs]
    made = [backend.new_run().execute(row_of(tensors, index), names) for index in range(rows_in(tensors))]
    return {name: np.concatenate([one[name] for one in made]) for name in names}


def settled(
    content: bytes, wanted: Sequence[int] | None = tuple(LABELS.tolist()), *, files: Array = FILES, **options: Any
) -> tuple[PictureInput, Normalisation, str]:
    return settle("the model", RECIPE, content, OnnxBackend(content).inputs, files, wanted, run, **options)


def accuracy(content: bytes, found: tuple[PictureInput, Normalisation, str], recipe: PictureRecipe = RECIPE) -> float:
    """Of the end as it ships."""
    ending, note = recipe.end(content, found[0], found[1], FILES[:4], run)
    assert note == ""
    scores = run(ending.content, prepare({SOURCE: FILES}, [recipe.input()], ending.feeds))["scores"]
    return float((scores.argmax(axis=1) == LABELS).mean())


WANTS = [
    pytest.param({"wants": "raw"}, id="raw"),
    pytest.param({"wants": "unit"}, id="unit"),
    pytest.param({"wants": "signed"}, id="signed"),
    pytest.param({"wants": "imagenet"}, id="imagenet"),
    pytest.param({"wants": "imagenet", "layout": "nhwc"}, id="channels last"),
    pytest.param({"wants": "imagenet", "size": 32}, id="another size"),
    pytest.param({"wants": "signed", "rows": 1}, id="a batch of one and no other"),
    pytest.param({"wants": "signed", "probabilities": True}, id="probabilities"),
    pytest.param({"wants": "raw", "channels": 1}, id="grey"),
    pytest.param({"wants": "mnist", "channels": 1}, id="grey, as MNIST's"),
    pytest.param({"wants": "unit", "channels": 1, "layout": "nhwc"}, id="grey, channels last"),
]


@pytest.mark.wide
@pytest.mark.parametrize("options", WANTS)
@pytest.mark.parametrize("fuse", [True, False], ids=["fused", "declared"])
def test_how_a_model_wants_its_pictures_is_found_by_trying(options: dict[str, Any], fuse: bool) -> None:
    """Files of any size, grey, with a palette, transparent or in four colours: all become what the model wants."""
    content = shapes_model(**options)
    assert accuracy(content, settled(content), PictureRecipe("encoded", fuse=fuse)) > 0.95


@pytest.mark.wide
@pytest.mark.parametrize(("datatype", "wants"), [("UINT8", "raw"), ("INT8", "centred")])
def test_a_model_of_integers_wants_its_pixels_in_one_way(datatype: str, wants: str) -> None:
    """Signed bytes were given pixels above 127, which do not fit them."""
    content = shapes_model(wants, datatype=datatype)
    found = settled(content, None)
    assert found[1] == KNOWN[wants]
    assert accuracy(content, found) > 0.95


@pytest.mark.wide
def test_a_size_that_the_file_leaves_open_is_named_by_hand() -> None:
    content = shapes_model("unit", size=None)
    with pytest.raises(PublishError, match="name it with --size"):
        settled(content)
    assert accuracy(content, settled(content, size=(24, 24))) > 0.95
    with pytest.raises(PublishError, match="takes pictures of 16 x 16, not 24 x 24"):
        settled(shapes_model("unit"), size=(24, 24))


@pytest.mark.wide
def test_without_labels_nothing_can_be_tried_and_a_declared_one_is_taken_on_trust() -> None:
    content = shapes_model("signed")
    with pytest.raises(PublishError, match="is not known; name it"):
        settled(content, None)
    _, normalisation, note = settled(content, None, declared="signed")
    assert normalisation == KNOWN["signed"]
    assert "not checked" in note


@pytest.mark.wide
def test_a_declared_normalisation_is_checked_and_refused_when_it_is_plainly_wrong() -> None:
    content = shapes_model("raw")
    assert settled(content, declared="raw")[1] == KNOWN["raw"]
    with pytest.raises(PublishError, match=r"normalised as unit it is right on .* as raw on .*; declare raw"):
        settled(content, declared="unit")
    with pytest.raises(PublishError, match="no normalisation 'rgb' is known"):
        settled(content, declared="rgb")
    with pytest.raises(PublishError, match="name one of raw, unit, signed, mnist"):
        settled(shapes_model("raw", channels=1), declared="imagenet")


@pytest.mark.wide
def test_two_normalisations_that_answer_the_same_are_both_right_and_that_is_said() -> None:
    """An easy task used to be refused, because the second best of the normalisations was as right as the best."""
    _, _, note = settled(shapes_model("imagenet"))
    assert "answers the same on" in note


@pytest.mark.wide
def test_two_normalisations_that_answer_otherwise_and_are_as_often_right_are_not_guessed_at() -> None:
    """Half of the pictures are answered well by one normalisation, and the other half by another."""
    halves = np.arange(len(LABELS)) % 2 == 0

    def torn(content: bytes, tensors: Mapping[str, Array]) -> Mapping[str, Array]:
        low, high = (float(tensors["picture"].min()), float(tensors["picture"].max()))
        count = len(tensors["picture"])
        told = LABELS if count == len(LABELS) else np.zeros(count, int)
        known = halves if high > 2 else ~halves if low >= 0 else np.zeros(count, bool)
        scores = np.zeros((count, 4))
        scores[np.arange(count), np.where(known, told, (told + 1) % 4)] = 1
        return {"scores": scores}

    content = shapes_model("raw")
    inputs = OnnxBackend(content).inputs
    with pytest.raises(PublishError, match="do not tell whether its pictures are normalised as raw or as unit"):
        settle("the model", RECIPE, content, inputs, FILES, LABELS.tolist(), torn)


def tried(count: int, torn: Sequence[int], **options: Any) -> tuple[str, str]:
    """What is found where raw is right but on half of the examples `torn`, and unit on those alone."""
    chance = np.random.default_rng(5)
    labels, others = chance.integers(0, 4, count), np.zeros(count, bool)
    others[chance.permutation(np.array(torn, int))[::2]] = True

    def answers_of(name: str, asked: Sequence[int]) -> tuple[list[int], int]:
        known = {"raw": ~others, "unit": others}[name]
        return np.where(known, labels, (labels + 1) % 4)[list(asked)].tolist(), 4

    given: dict[str, Any] = {"declared": None, "own": False, "agreement": False}
    return _tried("it", answers_of, ["raw", "unit"], labels.tolist(), **(given | options))


@pytest.mark.parametrize(
    ("own", "count", "of", "advice"),
    [
        (False, 300, 300, "name it with --normalise, or give more examples"),
        (True, 300, 300, "name it with --device-normalise, or give more examples"),
        (False, 5000, 512, "name it with --normalise"),
    ],
)
def test_what_stays_open_is_told_of_all_that_was_tried_with_the_flag_that_names_it(
    own: bool, count: int, of: int, advice: str
) -> None:
    """The figures were those of the first 128, and more examples were asked of somebody who had given thousands."""
    places = [index * count // of for index in range(of)]
    with pytest.raises(PublishError, match=rf"do not tell .* \(right, of {of}: .*\); {advice}$"):
        tried(count, places, own=own)


def test_more_are_tried_where_the_first_128_leave_it_open() -> None:
    first = [index * 500 // 128 for index in range(128)]
    assert tried(500, first) == ("raw", "right, of 500: raw 87%, unit 13%")
    assert tried(500, range(100))[1].startswith("right, of 128: raw")


@pytest.mark.wide
def test_without_labels_a_device_model_is_said_to_agree_and_not_to_be_right() -> None:
    """Notes said how often it was right, where nobody knew."""
    of_device = {"own": True, "agreement": True}
    assert tried(200, (), **of_device)[1] == "as the full model, of 128: raw 100%, unit 0%"
    with pytest.raises(PublishError, match="as unit it answers as the full model on 0% of the examples, as raw on"):
        tried(200, (), declared="unit", **of_device)
    with pytest.raises(PublishError, match=r"answers as the full model on \d+% of the examples, which is chance"):
        settled(shapes_model("signed"), np.roll(LABELS, 7).tolist(), **of_device)


NUMBERED = [
    pytest.param({"background": True}, LABELS, "one above the label", id="a background class in front"),
    pytest.param({}, (3 - LABELS) % 4, "another numbering", id="folders in another order"),
    pytest.param({}, LABELS + 1, "a label is 4, and the model has 4 classes", id="counted from one"),
    pytest.param({}, np.roll(LABELS, 7), "which is chance", id="labels of other pictures"),
]


@pytest.mark.wide
@pytest.mark.parametrize(("options", "labels", "why"), NUMBERED)
def test_labels_that_are_not_the_model_s_are_said_to_be_so(options: dict[str, Any], labels: Array, why: str) -> None:
    """All that used to be said was that examples did not tell how pictures are normalised."""
    with pytest.raises(PublishError, match=why) as refused:
        settled(shapes_model("signed", **options), labels.tolist())
    assert "--labels-file" in str(refused.value)


@pytest.mark.parametrize("agreement", [False, True], ids=["labels", "agreement"])
def test_a_device_model_of_another_numbering_is_told_to_be_exported_again(agreement: bool) -> None:
    """It was said of the labels, which were not wrong, or of which there were none."""
    with pytest.raises(PublishError, match=r"the model: .* export the device model again") as refused:
        settled(shapes_model("signed"), ((3 - LABELS) % 4).tolist(), own=True, agreement=agreement)
    assert ("answers as the full model on" in str(refused.value)) == agreement


def test_some_wrong_labels_do_no_harm() -> None:
    labels = np.where(np.arange(len(LABELS)) % 5 == 0, (LABELS + 1) % 4, LABELS)
    content = shapes_model("raw")
    assert settled(content, labels.tolist())[1] == KNOWN["raw"]


@pytest.mark.wide
def test_two_classes_and_few_examples_are_enough_where_they_tell() -> None:
    shapes = SHAPES[:2]
    files, labels = shown(30, shapes=shapes)
    found = settled(shapes_model("raw", shapes=shapes), labels.tolist(), files=files)
    assert found[1] == KNOWN["raw"]


@pytest.mark.wide
def test_what_crosses_the_network_is_whatever_is_smaller() -> None:
    near, far = shapes_model("unit"), shapes_model("signed", size=32)
    ends = [(content, *settled(content)[:2]) for content in (near, far)]
    joined = RECIPE.join(ends[0], ends[1], FILES, run)
    mean = sum(len(file) for file in FILES) / len(FILES)
    assert joined.send == ("app" if mean <= 32 * 32 * 3 else "model")
    large = np.empty(4, dtype=object)
    large[:] = [encoded(np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8), "PNG")] * 4
    sent = RECIPE.join(ends[0], ends[1], large, run)
    assert sent.send == "model"
    assert any("32 x 32 pixels, 3,072 bytes" in note for note in sent.notes)


@pytest.mark.wide
def test_an_app_that_hands_in_pixels_has_them_resized_as_files_are() -> None:
    content = shapes_model("unit")
    chance = np.random.default_rng(3)
    pixels = np.stack([draw(SHAPES[label], chance, height=40, width=60) for label in LABELS])
    recipe = PictureRecipe("pixels")
    found = settle("it", recipe, content, OnnxBackend(content).inputs, pixels, LABELS.tolist(), run)
    ending, _ = recipe.end(content, found[0], found[1], pixels[:4], run)
    scores = run(ending.content, prepare({SOURCE: pixels}, [recipe.input()], ending.feeds))["scores"]
    assert (scores.argmax(axis=1) == LABELS).mean() > 0.95


@pytest.mark.wide
def test_preparation_is_fused_where_it_can_be_and_declared_where_it_cannot() -> None:
    content = shapes_model("imagenet")
    taken, normalisation, _ = settled(content)
    assert set(RECIPE.end(content, taken, normalisation, FILES[:4], run)[0].feeds) == {PIXELS}
    declared, _ = PictureRecipe("encoded", fuse=False).end(content, taken, normalisation, FILES[:4], run)
    assert declared.content == content
    assert set(declared.feeds) == {"picture"}


def test_a_fused_graph_that_answers_otherwise_is_not_shipped() -> None:
    content = shapes_model("imagenet")
    taken, normalisation, _ = settled(content)

    def broken(file: bytes, tensors: Mapping[str, Array]) -> dict[str, Array]:
        made = run(file, tensors)
        return made if file == content else {name: output + 1 for name, output in made.items()}

    ending, note = RECIPE.end(content, taken, normalisation, FILES[:4], broken)
    assert ending.content == content
    assert "output 'scores' changes with it" in note


INPUTS = [
    pytest.param((-1, 3, 224, 200), ("nchw", 3, 224, 200), id="channels first"),
    pytest.param((-1, 224, 200, 3), ("nhwc", 3, 224, 200), id="channels last"),
    pytest.param((1, 1, 28, 28), ("nchw", 1, 28, 28), id="grey"),
    pytest.param((-1, 28, 28, 1), ("nhwc", 1, 28, 28), id="grey, channels last"),
    pytest.param((-1, 1, 28, 3), ("nhwc", 3, 1, 28), id="three channels before one"),
]


@pytest.mark.parametrize(("shape", "wanted"), INPUTS)
def test_how_a_picture_enters_is_read_from_the_shape(shape: tuple[int, ...], wanted: tuple[Any, ...]) -> None:
    taken = picture_input("it", [TensorSpec("x", "FP32", shape)])
    assert (taken.layout, taken.channels, taken.height, taken.width) == wanted


@pytest.mark.parametrize("shape", [(-1, 784), (-1, 4, 28, 28), (3, 28, 28), ()])
def test_what_is_no_picture_is_refused_with_its_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(PublishError, match="has shape"):
        picture_input("it", [TensorSpec("x", "FP32", shape)])


def test_a_model_of_two_inputs_takes_no_picture() -> None:
    with pytest.raises(PublishError, match=r"takes 2 inputs \(a, b\)"):
        picture_input("it", [TensorSpec("a", "FP32", (1, 3, 8, 8)), TensorSpec("b", "FP32", (1,))])


@pytest.mark.parametrize("name", list(KNOWN))
def test_steps_and_the_fused_numbers_are_the_same_function(name: str) -> None:
    pixels = np.arange(0, 255, dtype=np.float64).reshape(-1, 1) * np.ones(3)
    known = KNOWN[name]
    by_steps = pixels
    for step in known.steps():
        assert isinstance(step, Step)
        by_steps = by_steps * step.scale if step.scale is not None else by_steps
        by_steps = by_steps - np.array(step.subtract) if step.subtract is not None else by_steps
        by_steps = by_steps / np.array(step.divide) if step.divide is not None else by_steps
    factors, summands = (np.array(part) for part in known.linear())
    np.testing.assert_allclose(by_steps, pixels * factors + summands)


def test_only_what_fits_is_tried() -> None:
    assert list(fitting("FP32", 3)) == ["raw", "unit", "signed", "imagenet"]
    assert list(fitting("FP16", 1)) == ["raw", "unit", "signed", "mnist"]
    assert list(fitting("UINT8", 3)) == ["raw"]
    assert list(fitting("INT8", 1)) == ["centred"]
