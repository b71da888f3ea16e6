"""Real LiteRT files: as accurate as the ONNX files of the same training, and given pictures as they want them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cloud_service.backends.opening import open_backend
from cloud_service.publish.ends import File, Pictures, Tried
from cloud_service.publish.recipes.pictures import SOURCE, PictureRecipe
from cloud_service.publish.sandbox import Sandbox
from edge_agent.runtimes.litert import LitertRuntime
from edge_agent.runtimes.onnx import OnnxRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.tflite import read_tflite

pytestmark = [pytest.mark.data, pytest.mark.wide]

_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def _members(path: Path, count: int) -> list[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda member: member.name)
        chosen = members[:: max(1, len(members) // count)][:count]
        return [(m.name, archive.extractfile(m).read()) for m in chosen]  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def cifar(data: Path) -> tuple[np.ndarray, np.ndarray]:
    """UINT8 pixels [n, 32, 32, 3] and labels."""
    files = _members(data / "cifar10" / "images_test_5000.tar.gz", 500)
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")) for _, jpeg in files])
    return pixels, np.array([_CLASSES.index(Path(name).parent.name) for name, _ in files])


@pytest.fixture(scope="module")
def imagenet(data: Path) -> tuple[list[bytes], np.ndarray]:
    """JPEG files, and labels as the models count them."""
    files = [(name, jpeg) for name, jpeg in _members(data / "imagenet" / "images_even_500.tar", 500) if "." in name]
    return [jpeg for _, jpeg in files], np.array([int(Path(name).name.split("_")[0]) + 1 for name, _ in files])


def _load(path: Path) -> LitertRuntime:
    content = path.read_bytes()
    return LitertRuntime(path.name, content, digest_of(content))


def _twin(path: Path, pixels: np.ndarray) -> np.ndarray:
    content = path.read_bytes()
    runtime = OnnxRuntime(path.name, content, digest_of(content))
    rows = (row[np.newaxis].transpose(0, 3, 1, 2) for row in pixels)
    return np.concatenate([runtime.run({"input": np.ascontiguousarray(row)})["logits"] for row in rows]).argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("mlperf_tiny_pretrainedResnet_quant", "mlperf_tiny_resnet8_int8qdq"),
        ("mlperf_tiny_pretrainedResnet_large_float", "mlperf_tiny_resnet_large_int8qdq"),
    ],
)
def test_a_real_file_is_as_accurate_as_its_twin(
    data: Path, cifar: tuple[np.ndarray, np.ndarray], name: str, twin: str
) -> None:
    pixels, labels = cifar
    reals = pixels.astype(np.float32)  # these want 0 to 255
    runtime = _load(data / "cifar10" / f"{name}.tflite")
    (taken,), (given,) = runtime.inputs, runtime.outputs
    scores = np.concatenate([runtime.run({taken.name: row[np.newaxis]})[given.name] for row in reals])
    assert given.datatype == "FP32"
    of_twin = _twin(data / "cifar10" / f"{twin}.onnx", reals)
    accuracy, twins = (scores.argmax(axis=1) == labels).mean(), (of_twin == labels).mean()
    assert twins > 0.65
    assert abs(accuracy - twins) < 0.04
    assert (scores.argmax(axis=1) == of_twin).mean() > 0.85


def test_rows_that_run_together_are_answered_as_alone(data: Path, cifar: tuple[np.ndarray, np.ndarray]) -> None:
    runtime = _load(data / "cifar10" / "mlperf_tiny_pretrainedResnet_quant.tflite")
    (taken,), (given,) = runtime.inputs, runtime.outputs
    reals = cifar[0][:8].astype(np.float32)
    together = runtime.run({taken.name: reals})[given.name]
    alone = np.concatenate([runtime.run({taken.name: row[np.newaxis]})[given.name] for row in reals])
    assert np.array_equal(together, alone)


@pytest.mark.slow
def test_a_model_of_bytes_gets_the_pictures_bytes_and_is_as_accurate_as_its_twin(
    data: Path, imagenet: tuple[list[bytes], np.ndarray]
) -> None:
    jpegs, labels = imagenet
    content = (data / "imagenet" / "mobilenet_v1_0.25_128_quant.tflite").read_bytes()
    twin = (data / "imagenet" / "mobilenet_v1_0.25_128_int8qdq.onnx").read_bytes()
    run, pictures = Tried(Sandbox()), np.array(jpegs, dtype=object)
    scores: dict[str, np.ndarray] = {}
    for origin, model in (("own", content), ("full", twin)):
        backend = open_backend(model)
        output = backend.outputs[0].name
        ends = Pictures(PictureRecipe("encoded"), run, {}, {})
        file = File("the model", origin, model, backend.inputs, output)  # type: ignore[arg-type]
        tensors = ends.tensors(file, {SOURCE: pictures}, labels.tolist())
        assert "normalised as signed, found by trying" in ends.notes[0]
        assert ends.notes[0].endswith("which are a picture's bytes") is (origin == "own")
        scores[origin] = run(model, tensors)[output]
        if origin == "own":
            assert {tensor.dtype for tensor in tensors.values()} == {np.dtype(np.uint8)}
    accuracy, twins = ((scores[origin].argmax(axis=1) == labels).mean() for origin in ("own", "full"))
    assert twins > 0.35
    assert abs(accuracy - twins) < 0.05


def test_our_reading_of_a_real_file_is_the_librarys(data: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    paths = sorted(data.glob("*/*.tflite"))
    assert paths
    for path in paths:
        content = path.read_bytes()
        file, library = read_tflite(content), Interpreter(model_content=content)
        for ports, details in (
            (file.inputs, library.get_input_details()),
            (file.outputs, library.get_output_details()),
        ):
            assert [port.index for port in ports] == [detail["index"] for detail in details]
            assert [port.shape for port in ports] == [tuple(detail["shape_signature"].tolist()) for detail in details]
            assert [port.datatype.lower().replace("fp", "float") for port in ports] == [
                detail["dtype"].__name__ for detail in details
            ]
            assert [(0.0, 0) if p.quantity is None else (p.quantity.scale, p.quantity.zero_point) for p in ports] == [
                detail["quantization"] for detail in details
            ]
