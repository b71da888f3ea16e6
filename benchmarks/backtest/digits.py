"""What is asked in a back-test: the demo's handwritten digits, enlarged to pictures of 23 kB, and two models that read
them. Both carry convolutions as ballast, whose result counts for nothing, so that a run takes milliseconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from edge_agent.demo import models
from edge_agent.demo.digits import CLASSES, SIDE, Images, load_digits
from edge_agent.device.score import score_of
from edge_agent.runtimes.onnx import OnnxRuntime
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import parse_manifest
from router.rules.thresholds import measured

__all__ = ["MODEL", "Example", "Prepared", "prepare"]

MODEL: Final = "digits"
_TIMES: Final = 19
_WIDE: Final = SIDE * _TIMES
_CHANNELS: Final = 32
# Convolutions of some a millisecond each on one core of a server.
_DEVICE_LAYERS, _CLOUD_LAYERS = 5, 6
# With all of them the small model would be nearly as good as the full one, and there would be nothing to decide.
_SEEN_BY_DEVICE: Final = 300


@dataclass(frozen=True, slots=True)
class Example:
    """One picture, and what the two models, run here from their files, make of it."""

    pixels: NDArray[np.uint8]
    score: float
    device_right: bool
    cloud_right: bool
    label: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was written for the device and for the cloud, and the pictures to ask about."""

    release: Path
    repository: Path
    examples: tuple[Example, ...]


def prepare(folder: Path) -> Prepared:
    """Train both models and write them under `folder`; some seconds. Raises MissingExtra: without nearfar[demo]."""
    digits = load_digits()
    few = Images(digits.train.pixels[:_SEEN_BY_DEVICE], digits.train.labels[:_SEEN_BY_DEVICE])
    near = _graph(models.train_small(few), 1.0, _DEVICE_LAYERS)
    far = _graph(models.train_full(digits.train), models.FULL_SCALE, _CLOUD_LAYERS)
    described = _MANIFEST.format(near=digest_of(near), far=digest_of(far))
    examples = _judged(described, near, far, digits.held_out)
    manifest = (described + _evaluation(examples)).encode()
    release, repository = folder / "release", folder / "models"
    for place, name, content in ((release, "near.onnx", near), (repository / MODEL / "1", "model.onnx", far)):
        place.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
        (place / "manifest.toml").write_bytes(manifest)
    return Prepared(release, repository, examples)


def _judged(manifest: str, near: bytes, far: bytes, images: Images) -> tuple[Example, ...]:
    score = parse_manifest(manifest.encode(), "manifest").score
    assert score is not None
    device = OnnxRuntime("the device's model", near, digest_of(near))
    cloud = OnnxRuntime("the cloud's model", far, digest_of(far))
    examples: list[Example] = []
    for pixels, label in zip(images.pixels, images.labels, strict=True):
        picture = pixels.repeat(_TIMES, axis=0).repeat(_TIMES, axis=1)[None]
        told = device.run({"pixels": picture})
        margin = score_of(told, score)
        assert margin is not None, "a softmax of finite weights has a margin"
        far_told = cloud.run({"pixels": picture})
        examples.append(
            Example(
                picture,
                float(margin),
                bool(told[models.OUTPUT].argmax() == label),
                bool(far_told[models.OUTPUT].argmax() == label),
                int(label),
            )
        )
    return tuple(examples)


def _evaluation(examples: Sequence[Example]) -> str:
    count = len(examples)
    found = measured((example.score, example.device_right, example.cloud_right) for example in examples)
    thresholds = "".join(
        f"\n[[evaluation.thresholds]]\nbelow = {one.below!r}\nshare = {one.share:.4f}\ngain = {one.gain:.4f}\n"
        for one in found
    )
    return f"""
[evaluation]
n = {count}
device_wrong = {sum(not example.device_right for example in examples) / count:.4f}
remote_wrong = {sum(not example.cloud_right for example in examples) / count:.4f}
{thresholds}"""


def _graph(layers: Sequence[models.Layer], scale: float, ballast: int) -> bytes:
    weights = [
        numpy_helper.from_array(np.array([_TIMES, _TIMES], np.int64), "steps"),
        numpy_helper.from_array(np.array([0, 0], np.int64), "starts"),
        numpy_helper.from_array(np.array([_WIDE, _WIDE], np.int64), "ends"),
        numpy_helper.from_array(np.array([1, 2], np.int64), "axes"),
        numpy_helper.from_array(np.array([-1, SIDE * SIDE], np.int64), "flat"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(np.array(scale, np.float32), "scale"),
        numpy_helper.from_array(np.array(0.0, np.float32), "nothing"),
    ]
    nodes: list[Any] = [  # Any: onnx's messages
        helper.make_node("Cast", ["pixels"], ["picture"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["picture", "starts", "ends", "axes", "steps"], ["small"]),
        helper.make_node("Reshape", ["small", "flat"], ["raw"]),
        helper.make_node("Mul", ["raw", "scale"], ["hidden"]),
        helper.make_node("Unsqueeze", ["picture", "one"], ["ballast"]),
    ]
    chance, heavy, channels = np.random.default_rng(0), "ballast", 1
    for number in range(ballast + 1):
        kernel = (chance.standard_normal((_CHANNELS, channels, 3, 3)) * 0.1).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"kernel{number}"))
        stride = 2 if number == 0 else 1
        nodes.append(
            helper.make_node("Conv", [heavy, f"kernel{number}"], [f"heavy{number}"], pads=[1] * 4, strides=[stride] * 2)
        )
        heavy, channels = f"heavy{number}", _CHANNELS
    nodes += [
        helper.make_node("ReduceMean", [heavy], ["weight"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Mul", ["weight", "nothing"], ["weightless"]),
        helper.make_node("Unsqueeze", ["weightless", "one"], ["added"]),
    ]
    current = "hidden"
    for number, layer in enumerate(layers):
        last = number == len(layers) - 1
        weights += [
            numpy_helper.from_array(layer.weights, f"w{number}"),
            numpy_helper.from_array(layer.bias, f"b{number}"),
        ]
        nodes.append(helper.make_node("Gemm", [current, f"w{number}", f"b{number}"], [f"sum{number}"]))
        if last:
            nodes.append(helper.make_node("Add", [f"sum{number}", "added"], ["logits"]))
            nodes.append(helper.make_node("Softmax", ["logits"], [models.OUTPUT]))
        else:
            current = f"next{number}"
            nodes.append(helper.make_node("Relu", [f"sum{number}"], [current]))
    graph = helper.make_graph(
        nodes,
        MODEL,
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", _WIDE, _WIDE])],
        [helper.make_tensor_value_info(models.OUTPUT, TensorProto.FLOAT, ["batch", CLASSES])],
        weights,
    )
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    ).SerializeToString()
    return content


_MANIFEST: Final = f"""\
schema = 1
name = "{MODEL}"
version = 1

[[inputs]]
name = "pixels"
datatype = "UINT8"
shape = [-1, {_WIDE}, {_WIDE}]

[[outputs]]
name = "{models.OUTPUT}"
datatype = "FP32"
shape = [-1, {CLASSES}]

[device]
file = "near.onnx"
digest = "{{near}}"

[remote]
model = "{MODEL}"
version = "1"
digest = "{{far}}"

[score]
output = "{models.OUTPUT}"
kind = "margin"
"""
