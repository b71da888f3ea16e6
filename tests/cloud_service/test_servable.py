from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.errors import InvalidInput, UnservableModel
from cloud_service.servable import Servable, form_of
from nearfar_wire.digest import digest_of
from nearfar_wire.errors import TensorError
from nearfar_wire.manifest import parse_manifest
from nearfar_wire.specs import TensorSpec
from tests.builders.backends import EchoBackend
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import APP_MANIFEST

_MLP = OnnxBackend(softmax_mlp(pixels="FP32"))
_IMAGE = np.array([[[0, 51], [102, 255]]], np.uint8)


def _servable(manifest: str | None = None, backend: OnnxBackend | EchoBackend = _MLP) -> Servable:
    parsed = parse_manifest(manifest.encode(), "manifest") if manifest is not None else None
    return Servable("tiny", 1, "sha256:0", backend, form_of(parsed, backend))


def test_the_app_form_answers_as_the_model_does_for_what_the_device_would_have_prepared() -> None:
    theirs = _servable().answer(_MLP.new_run(), {"pixels": _IMAGE.reshape(1, 4) / np.float32(255)}, ["probabilities"])
    ours = _servable(APP_MANIFEST).answer(_MLP.new_run(), {"image": _IMAGE}, ["answer"])
    assert list(ours) == ["answer"]
    np.testing.assert_allclose(ours["answer"], theirs["probabilities"], rtol=1e-6)


def test_with_send_model_callers_see_the_model_file_whatever_the_app_has() -> None:
    form = _servable(APP_MANIFEST.replace("[remote]", '[remote]\nsend = "model"')).form
    assert form.inputs == (TensorSpec("pixels", "FP32", (-1, 4), allow_nan=False),)
    assert [spec.name for spec in form.outputs] == ["probabilities", "logits"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(lambda m: m.replace("feeds.pixels", "feeds.pixel"), "nothing feeds .* 'pixels'", id="feed's name"),
        pytest.param(
            lambda m: m.replace('datatype = "FP32"\nsteps', 'datatype = "FP64"\nsteps'),
            "'pixels' takes FP32, and FP64 is fed",
            id="feed's datatype",
        ),
        pytest.param(
            lambda m: m + '\n[remote.feeds.more]\nsource = "image"\ndatatype = "FP32"',
            "no input 'more'",
            id="extra feed",
        ),
        pytest.param(lambda m: m.replace('"probabilities"', '"p"'), "no output 'p'", id="fetch"),
        pytest.param(
            lambda m: m.replace('"answer"\ndatatype = "FP32"', '"answer"\ndatatype = "INT64"'),
            "'answer' is INT64, and the model file gives FP32",
            id="output's datatype",
        ),
        pytest.param(lambda m: m[: m.index("[remote.feeds")], "nothing feeds .* 'pixels'", id="no feeds, other names"),
    ],
)
def test_a_manifest_that_does_not_fit_its_model_file_is_refused_when_it_is_loaded(
    change: Callable[[str], str], reason: str
) -> None:
    with pytest.raises(UnservableModel, match=reason):
        _servable(change(APP_MANIFEST))


def test_outputs_are_answered_in_the_order_asked_for() -> None:
    assert _servable().wanted(["logits", "probabilities"]) == ["logits", "probabilities"]


def test_no_outputs_asked_for_are_all() -> None:
    assert _servable().wanted([]) == ["probabilities", "logits"]


def test_an_unknown_output_is_refused_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="'answer' is not one of probabilities, logits"):
        _servable().wanted(["answer"])


_FLOATS = """
schema = 1
name = "echo"
version = 1
inputs = [{ name = "x", datatype = "FP32", shape = [-1] }]
outputs = [{ name = "y", datatype = "FP32", shape = [-1] }]
[remote]
model = "tiny"
"""


@pytest.mark.parametrize("send", ["app", "model"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf], ids=str)
def test_nan_and_infinity_are_refused_where_the_manifest_forbids_them(send: str, value: float) -> None:
    servable = _servable(f'{_FLOATS}send = "{send}"', EchoBackend())
    x = {"x": np.array([1, value], np.float32)}
    with pytest.raises(TensorError, match="NaN or infinity"):
        servable.answer(servable.backend.new_run(), x, ["y"])


@pytest.mark.parametrize(
    "manifest",
    [None, _FLOATS.replace("[-1] }]\noutputs", "[-1], allow_nan = true }]\noutputs")],
    ids=["none", "allows"],
)
def test_nan_passes_where_nobody_forbids_it(manifest: str | None) -> None:
    servable = _servable(manifest, EchoBackend())
    answer = servable.answer(servable.backend.new_run(), {"x": np.array([np.nan], np.float32)}, ["y"])
    assert np.isnan(answer["y"]).all()


def test_a_manifest_without_a_remote_side_changes_nothing() -> None:
    device_only = _FLOATS[: _FLOATS.index("[remote]")] + f'[device]\nfile = "f"\ndigest = "{digest_of(b"")}"'
    backend = EchoBackend()
    assert form_of(parse_manifest(device_only.encode(), "manifest"), backend) == form_of(None, backend)


def test_a_model_that_needs_images_decoded_is_refused_where_nothing_can(monkeypatch: pytest.MonkeyPatch) -> None:
    images = APP_MANIFEST.replace('"UINT8"\nshape = [-1, 2, 2]', '"BYTES"\nencoding = "image"\nshape = [-1]')
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UnservableModel, match=r"nearfar\[image\]"):
        _servable(images)
