"""A user's own LiteRT file: looked at, its pictures understood, and told apart from what it cannot be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from cloud_service.backends.opening import open_backend
from cloud_service.publish.ends import File, Pictures
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.pictures import SOURCE, PictureRecipe
from cloud_service.publish.scores import values_of
from cloud_service.publish.tflite import inspect_own, require_no_tflite
from nearfar_wire.manifest import Feed
from tests.builders.onnx_models import softmax_mlp
from tests.builders.tflite_models import BUILTIN, brightness, dense_softmax, with_operator

# Around the middle, where a picture that is normalised in another way is taken for another.
MEANS = np.linspace(104, 151, 128)
PICTURES = np.clip(
    np.random.default_rng(4).normal(MEANS[:, None, None, None], 4, (128, 4, 4, 3)).round(), 0, 255
).astype(np.uint8)
DARK = [int(mean < 127.5) for mean in PICTURES.reshape(128, -1).mean(axis=1)]


def _run(content: bytes, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    backend = open_backend(content)
    names = [spec.name for spec in backend.outputs]
    count = len(next(iter(tensors.values())))
    made = [
        backend.new_run().execute({name: tensor[i : i + 1] for name, tensor in tensors.items()}, names)
        for i in range(count)
    ]
    return {name: np.concatenate([one[name] for one in made]) for name in names}


def _joined(datatype: str, *, wanted: list[int] | None = DARK, declared: str | None = None) -> tuple[Feed, list[str]]:
    content = brightness(datatype)
    ends = Pictures(PictureRecipe("pixels"), _run, {} if declared is None else {"own": declared}, {})
    file = File("the device model", "own", content, open_backend(content).inputs, "scores")
    ends.tensors(file, {SOURCE: PICTURES}, wanted)
    joined = ends.join(file, file, {SOURCE: PICTURES})
    assert joined.device.content == content
    return joined.device.feeds["picture"], [*ends.notes, *joined.notes]


@pytest.mark.wide
@pytest.mark.parametrize("datatype", ["FP32", "UINT8", "INT8"])
def test_how_a_model_wants_its_pictures_is_found_out_whatever_it_keeps_them_as(datatype: str) -> None:
    feed, notes = _joined(datatype)
    assert "normalised as signed, found by trying" in notes[0]
    if datatype == "UINT8":
        # Its numbers are the bytes: nothing has to be reckoned.
        assert (feed.datatype, [step.kind for step in feed.steps]) == ("UINT8", ["resize"])
    else:
        assert (feed.datatype, [step.kind for step in feed.steps]) == ("FP32", ["resize", "scale", "subtract"])


def test_bytes_as_they_are_get_the_same_answers_as_numbers() -> None:
    signed = (PICTURES / 127.5 - 1).astype(np.float32)
    as_bytes, as_numbers = (_run(brightness("UINT8"), {"picture": given})["scores"] for given in (PICTURES, signed))
    assert (as_bytes.argmax(axis=1) == as_numbers.argmax(axis=1)).mean() > 0.95
    assert (as_bytes.argmax(axis=1) == DARK).mean() > 0.9


def test_a_declared_normalisation_that_is_plainly_wrong_is_refused() -> None:
    with pytest.raises(PublishError, match="declare signed"):
        _joined("UINT8", declared="raw")


def test_of_a_model_that_keeps_bytes_one_need_not_be_told_anything() -> None:
    feed, notes = _joined("UINT8", wanted=None)
    assert (feed.datatype, [step.kind for step in feed.steps]) == ("UINT8", ["resize"])
    assert notes[0] == "the device model takes UINT8 pixels as they are"
    with pytest.raises(PublishError, match="how its pictures are normalised is not known"):
        _joined("INT8", wanted=None)


@pytest.mark.wide
def test_preparation_is_not_put_into_a_file_that_is_no_graph_of_ours() -> None:
    assert "preparation is declared, not fused: a .tflite file is left as it is" in _joined("FP32")[1]


def test_a_full_model_is_no_LiteRT_file() -> None:
    require_no_tflite(softmax_mlp())
    with pytest.raises(PublishError, match="give its ONNX export, and this file with --device-model"):
        require_no_tflite(dense_softmax())


def test_D14_what_may_not_run_on_a_device_is_refused_before_it_runs_here() -> None:
    inspect_own(dense_softmax())
    inspect_own(softmax_mlp())
    with pytest.raises(PublishError, match="the device model cannot be used: it has operator WHILE"):
        inspect_own(with_operator(BUILTIN.WHILE))
    with pytest.raises(PublishError):
        inspect_own(softmax_mlp()[:-9])


def test_a_softmax_in_8_bits_gives_probabilities_although_they_do_not_quite_sum_up_to_one() -> None:
    """They were taken for logits: a second softmax went over them, which left confidences of a tenth to a quarter."""
    exact = np.random.default_rng(5).dirichlet(np.ones(10), 200)
    assert values_of(exact.astype(np.float32)) == "probabilities"
    whole = np.rint(exact * 256).clip(0, 255) / 256
    assert abs(whole.sum(axis=1) - 1).max() > 1e-3
    assert values_of(whole.astype(np.float32)) == "probabilities"
    assert values_of((whole * 0.9).astype(np.float32)) == "logits"
    assert values_of(np.full((3, 10), 0.5, np.float32)) == "logits"
