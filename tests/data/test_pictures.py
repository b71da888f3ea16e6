"""The pairs of real classifiers: how they want their pictures, and labels numbered otherwise than their classes."""

from __future__ import annotations

import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.ends import Tried
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.pictures import PictureRecipe, settle
from cloud_service.publish.sandbox import Sandbox

pytestmark = [pytest.mark.data, pytest.mark.wide]
pytest.importorskip("PIL.Image", reason="the extra `image` is not installed")

Array = np.ndarray[Any, Any]

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def cifar10(data: Path) -> tuple[Array, Array]:
    """Fifty files a class, and their labels."""
    files: list[bytes] = []
    labels: list[int] = []
    with tarfile.open(data / "cifar10" / "images_test_5000.tar.gz") as archive:
        taken = dict.fromkeys(CIFAR10, 0)
        for member in archive:
            name = member.name.split("/")[-2] if member.isfile() else ""
            if name in taken and taken[name] < 50:
                taken[name] += 1
                opened = archive.extractfile(member)
                assert opened is not None
                files.append(opened.read())
                labels.append(CIFAR10.index(name))
    return column(files), np.array(labels)


def imagenet(data: Path) -> tuple[Array, Array]:
    """A file of every fourth class, and the classes' numbers, from 0."""
    with tarfile.open(data / "imagenet" / "images_even_500.tar") as archive:
        members = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)[::2]
        files = []
        for member in members:
            opened = archive.extractfile(member)
            assert opened is not None
            files.append(opened.read())
    return column(files), np.array([int(Path(member.name).name[:4]) for member in members])


def column(files: list[bytes]) -> Array:
    made = np.empty(len(files), dtype=object)
    made[:] = files
    return made


def found(model: Path, files: Array, labels: Array, **options: Any) -> tuple[str, str]:
    content = model.read_bytes()
    inputs = OnnxBackend(content).inputs
    _, normalisation, note = settle(
        "it", PictureRecipe("encoded"), content, inputs, files, labels.tolist(), Tried(Sandbox()), **options
    )
    return normalisation.name, note


@pytest.mark.parametrize(("model", "wanted"), [("resnet56_fp32", "imagenet"), ("mlperf_tiny_resnet8_int8qdq", "raw")])
def test_the_pair_of_cifar10(data: Path, model: str, wanted: str) -> None:
    assert found(data / "cifar10" / f"{model}.onnx", *cifar10(data))[0] == wanted


@pytest.mark.parametrize("model", ["mobilenet_v2_1.0_224_fp32", "mobilenet_v1_0.25_128_int8qdq"])
@pytest.mark.slow
def test_the_pair_of_imagenet_with_its_background_class_in_front(data: Path, model: str) -> None:
    files, labels = imagenet(data)
    path = data / "imagenet" / f"{model}.onnx"
    assert found(path, files, labels + 1)[0] == "signed"
    with pytest.raises(PublishError, match="one above the label"):
        found(path, files, labels)
    with pytest.raises(PublishError, match="declare signed"):
        found(path, files, labels + 1, declared="raw")
