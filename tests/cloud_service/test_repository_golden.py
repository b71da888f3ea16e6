from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.backend import Backend
from cloud_service.backends.onnx import OnnxBackend
from cloud_service.errors import UnservableModel
from cloud_service.repository.golden import Example, compare
from cloud_service.repository.load import load
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Serving, Tolerance
from cloud_service.servable import Servable
from nearfar_wire.specs import TensorSpec
from tests.builders.backends import EchoBackend, RaisingBackend
from tests.builders.onnx_models import softmax_mlp
from tests.builders.repositories import APP_MANIFEST, write_repository

Arrays = Mapping[str, Any]  # Any: whatever numpy makes an array of

_X = np.array([1.0, 2.0], np.float32)


def _load(root: Path, backend: Backend, *examples: Arrays, serving: Serving | None = None) -> Servable:
    write_repository(root, {"m": b"a model"})
    for number, arrays in enumerate(examples, 1):
        name = "golden.npz" if number == 1 else f"golden-{number}.npz"
        np.savez(root / "m" / "1" / name, **arrays)
    return load(lambda _, __: backend, Found("m", 1, root / "m" / "1"), serving or Serving())


def test_a_version_that_answers_its_examples_is_ready(tmp_path: Path) -> None:
    ran: list[int] = []
    backend = EchoBackend(compute=lambda x: ran.append(x.size) or x)  # type: ignore[func-returns-value]  # counts
    _load(tmp_path, backend, {"inputs/x": _X, "outputs/y": _X}, {"inputs/x": _X[:1], "outputs/y": _X[:1]})
    assert ran[:2] == [2, 1]


@pytest.mark.parametrize(
    ("example", "reason"),
    [
        pytest.param({"inputs/x": _X, "outputs/y": _X + 1}, "differs from the golden one by up to 1 in 2 of 2",
                     id="another answer"),
        pytest.param({"inputs/x": _X, "outputs/y": _X[:1]}, r"has shape \[2\], the golden one \[1\]", id="shape"),
        pytest.param({"inputs/x": _X, "outputs/y": np.array([1, 2])}, "float32, the golden one int64", id="datatype"),
        pytest.param({"inputs/x": _X, "outputs/z": _X}, "output 'z' is not one of y", id="an unknown output"),
        pytest.param({"inputs/z": _X, "outputs/y": _X}, "'x': is missing", id="an unknown input"),
        pytest.param({"inputs/x": _X}, "one output at least", id="nothing to compare"),
        pytest.param({"x": _X, "outputs/y": _X}, "named inputs/NAME and outputs/NAME", id="names of another kind"),
        pytest.param({"inputs/x": _X, "outputs/y": np.array([None])}, "not an .npz of plain arrays",
                     id="pickled objects"),
    ],
)  # fmt: skip
def test_a_version_that_does_not_is_not_served(tmp_path: Path, example: Arrays, reason: str) -> None:
    with pytest.raises(UnservableModel, match=reason):
        _load(tmp_path, EchoBackend(), example)


def test_an_example_is_in_the_form_that_callers_see(tmp_path: Path) -> None:
    write_repository(tmp_path, {"tiny": softmax_mlp(pixels="FP32")}, {"tiny": APP_MANIFEST})
    found = Found("tiny", 1, tmp_path / "tiny" / "1")
    image = np.full((1, 2, 2), 51, np.uint8)
    servable = load(OnnxBackend, found, Serving())
    answer = servable.answer(servable.backend.new_run(), {"image": image}, ["answer"])["answer"]
    golden: Arrays = {"inputs/image": image, "outputs/answer": answer}
    np.savez(found.directory / "golden.npz", **golden)
    assert load(OnnxBackend, found, Serving()).digest == servable.digest
    wrong: Arrays = {"inputs/image": image, "outputs/answer": answer + 0.1}
    np.savez(found.directory / "golden.npz", **wrong)
    with pytest.raises(UnservableModel, match="output 'answer' differs"):
        load(OnnxBackend, found, Serving())


def test_bytes_are_written_as_numpy_strings(tmp_path: Path) -> None:
    text = (TensorSpec("x", "BYTES", (-1,)),), (TensorSpec("y", "BYTES", (-1,)),)
    words = np.array([b"one", b"three"])
    _load(tmp_path, EchoBackend(*text), {"inputs/x": words, "outputs/y": words})
    with pytest.raises(UnservableModel, match="in 1 of 2 elements"):
        _load(tmp_path / "b", EchoBackend(*text), {"inputs/x": words, "outputs/y": np.array([b"one", b"two"])})


@pytest.mark.parametrize(
    ("given", "golden", "same"),
    [
        pytest.param(1.05, 1.0, True, id="within the absolute tolerance"),
        pytest.param(105.0, 100.0, True, id="within the relative one"),
        pytest.param(1.5, 1.0, False, id="beyond both"),
        pytest.param(np.nan, np.nan, True, id="NaN is NaN"),
        pytest.param(np.nan, 1.0, False, id="and nothing else"),
        pytest.param(1.0, np.nan, False, id="on either side"),
        pytest.param(np.inf, np.inf, True, id="infinity"),
        pytest.param(np.inf, 1.0, False, id="is far from every number"),
    ],
)
def test_how_near_is_near_enough(given: float, golden: float, same: bool) -> None:
    example = Example("golden.npz", {}, {"y": np.array([golden], np.float32)})
    try:
        compare(example, {"y": np.array([given], np.float32)}, Tolerance(0.1, 0.1))
    except UnservableModel:
        assert not same
    else:
        assert same


def test_the_operator_says_how_near(tmp_path: Path) -> None:
    example = {"inputs/x": _X, "outputs/y": _X + 0.4}
    assert _load(tmp_path, EchoBackend(), example, serving=Serving(golden=Tolerance(0.5, 0.0))).version == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half an archive"], ids=["empty", "torn"])
def test_a_damaged_example_is_told(tmp_path: Path, content: bytes) -> None:
    write_repository(tmp_path, {"m": b""})
    (tmp_path / "m/1/golden.npz").write_bytes(content)
    with pytest.raises(UnservableModel, match=r"not an .npz of plain arrays"):
        load(lambda _, __: EchoBackend(), Found("m", 1, tmp_path / "m" / "1"), Serving())


@pytest.mark.wide
def test_an_example_that_unpacks_to_more_than_it_may_is_not_unpacked(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("inputs/x.npy", "w") as member:
        for _ in range(257):
            member.write(bytes(1 << 20))
    write_repository(tmp_path, {"m": b""})
    (tmp_path / "m/1/golden.npz").write_bytes(packed.getvalue())
    with pytest.raises(UnservableModel, match="OverflowError"):
        load(lambda _, __: EchoBackend(), Found("m", 1, tmp_path / "m" / "1"), Serving())


def test_the_first_run_is_not_a_callers(tmp_path: Path) -> None:
    ran = threading.Event()
    _load(tmp_path, EchoBackend(compute=lambda x: ran.set() or x))  # type: ignore[func-returns-value]  # tells
    assert ran.is_set()


def test_a_model_that_refuses_made_up_inputs_is_served_all_the_same(tmp_path: Path) -> None:
    assert _load(tmp_path, RaisingBackend(ValueError("no"))).version == 1
