"""Pairs of image classifiers: CIFAR-10, and ImageNet's one picture a class."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.certifying.outcomes import Pair, Progress, ask, run_model
from cloud_service.publish.certify import Kind
from cloud_service.publish.data import Array, Examples
from cloud_service.publish.ends import Pictures
from cloud_service.publish.outcomes import Outcomes
from cloud_service.publish.recipes.pictures import SOURCE, PictureRecipe

__all__ = ["cifar10", "cifar10_pictures", "imagenet", "imagenet_pictures", "noisy_cifar10"]

_CIFAR_CLASSES: Final = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


def cifar10(data: Path, progress: Progress) -> Pair:
    """Return ResNet8 in 8 bits beside ResNet56, on the 5,000 pictures that neither was trained on."""
    jpegs, labels = cifar10_pictures(data)
    outcomes, confidences = _ask("cifar10", data, jpegs, labels, progress)
    return Pair("CIFAR-10", "ResNet8 int8 / ResNet56", outcomes, confidences)


def noisy_cifar10(data: Path, deviation: float, count: int, progress: Progress) -> Pair:
    """Return the same pair on `count` of the pictures under Gaussian noise of `deviation`, of 255."""
    from PIL import Image

    jpegs, labels = cifar10_pictures(data)
    chance = np.random.default_rng(17)
    chosen = chance.permutation(len(jpegs))[:count]
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(jpegs[index])).convert("RGB")) for index in chosen])
    noise = chance.normal(0.0, deviation, pixels.shape)
    noisy = np.clip(np.rint(pixels + noise), 0, 255).astype(np.uint8)
    outcomes, confidences = _ask("cifar10", data, noisy, labels[chosen], progress)
    return Pair("CIFAR-10", f"noise of {deviation:g}", outcomes, confidences)


def imagenet(data: Path, progress: Progress) -> Pair:
    """Return MobileNet v1 0.25 in 8 bits beside MobileNet v2, on 500 pictures of as many classes."""
    pictures, labels = imagenet_pictures(data)
    folder = data / "imagenet"
    device, remote = (
        (folder / name).read_bytes()
        for name in ("mobilenet_v1_0.25_128_int8qdq.onnx", "mobilenet_v2_1.0_224_fp32.onnx")
    )
    ends = Pictures(PictureRecipe("encoded"), run_model, {"own": "signed", "full": "signed"}, {})
    examples = Examples({SOURCE: pictures}, labels)
    outcomes, confidences = ask("imagenet", ends, device, remote, examples, progress)
    return Pair("ImageNet", "MobileNet v1 0.25 int8 / MobileNet v2", outcomes, confidences)


def cifar10_pictures(data: Path) -> tuple[Array, Array]:
    """Return the files that neither model was trained on, and their classes."""
    files = sorted(_files(data / "cifar10" / "images_test_5000.tar.gz"))
    labels = [_CIFAR_CLASSES.index(Path(name).parent.name) for name, _ in files]
    return _objects([content for _, content in files]), np.array(labels)


def imagenet_pictures(data: Path) -> tuple[Array, Array]:
    """Return one file a class, of every other class, and the models' outputs that are right."""
    files = sorted(_files(data / "imagenet" / "images_even_500.tar"))
    # A file's name begins with its class; output 0 is the background.
    labels = [int(Path(name).name.split("_")[0]) + 1 for name, _ in files]
    return _objects([content for _, content in files]), np.array(labels)


def _ask(
    name: str, data: Path, pictures: Array, labels: Array, progress: Progress
) -> tuple[Outcomes, dict[Kind, Array]]:
    folder = data / "cifar10"
    device, remote = (
        (folder / file).read_bytes() for file in ("mlperf_tiny_resnet8_int8qdq.onnx", "resnet56_fp32.onnx")
    )
    recipe = PictureRecipe("encoded" if pictures.dtype.kind == "O" else "pixels")
    ends = Pictures(recipe, run_model, {"own": "raw", "full": "imagenet"}, {})
    return ask(name, ends, device, remote, Examples({SOURCE: pictures}, labels), progress)


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is not None:
                yield member.name, file.read()


def _objects(contents: list[bytes]) -> Array:
    column = np.empty(len(contents), dtype=object)
    column[:] = contents
    return column
