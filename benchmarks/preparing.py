"""Which candidate `prepare` would ship, beside what field experience names: 8-bit matrices for a transformer, and for
convolutions whichever is faster of calibrated 8 bits and the model as it is.

Random weights answer at random, so that a quantized twin of an untrained network agrees by luck; the trained ones of
the folder that NEARFAR_DATA names are there for that. Latency is of one example on one thread, in turns."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from benchmarks.server.models import TOKENS, write_models
from cloud_service.publish.compress import Compression, compress
from cloud_service.publish.data import Array

__all__ = ["main"]

_ROWS: Final = 128
_SLACK: Final = 1.05
"""Of two latencies that were measured in turns on a busy machine, what is no difference: publish/pareto.py's."""


@dataclass(frozen=True, slots=True)
class _Graph:
    """A model, examples of its inputs, and the candidates that field experience names, by how their names begin."""

    name: str
    content: bytes
    inputs: Mapping[str, Array]
    task: str
    tolerance: float | None
    output: str
    named: tuple[str, ...]
    labels: Array | None = None


def main() -> None:
    print("what prepare ships: p50 of each candidate in ms, agreement with the full model, accuracy if labelled")
    for graph in _graphs():
        made = compress(
            graph.content,
            graph.inputs,
            task=graph.task,
            tolerance=graph.tolerance,
            output=graph.output,
            labels=graph.labels,
        )
        print("\n".join(_lines(graph, made)), flush=True)


def _lines(graph: _Graph, made: Compression) -> Iterator[str]:
    yield f"\n  {graph.name} ({made.inspection.kind})"
    for row in made.measured:
        if row.content is None:
            yield f"    {row.name:28} {row.skipped}"
            continue
        accuracy = "" if row.accuracy is None else f"{row.accuracy[0]:8.3f}"
        ships = "  ships" if row.name == made.chosen.name else ""
        yield f"    {row.name:28}{row.latency_ms_p50:9.3f}{row.agreement[0]:8.3f}{accuracy:>8}{ships}"
    named = [row for row in made.measured if row.content is not None and row.name.startswith(graph.named)]
    best = min(named, key=lambda row: row.latency_ms_p50)
    ratio = made.chosen.latency_ms_p50 / best.latency_ms_p50
    verdict = "ok" if ratio <= _SLACK else "SLOWER"
    yield f"    shipped / {best.name}: {ratio:.2f}  {verdict}"


def _graphs() -> Iterator[_Graph]:
    chance = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder))
        minilm, mobilenet = (
            (Path(folder) / name / "1" / "model.onnx").read_bytes() for name in ("minilm", "mobilenet")
        )
    tokens = {
        "input_ids": chance.integers(1, 8192, (_ROWS, TOKENS)),
        "attention_mask": np.ones((_ROWS, TOKENS), dtype=np.int64),
    }
    convolved = ("as given", "int8 static")
    yield _Graph("MiniLM-like", minilm, tokens, "embedding", 0.02, "embedding", ("int8 dynamic, per channel",))
    pictures = {"image": chance.integers(0, 256, (_ROWS, 224, 224, 3), dtype=np.uint8)}
    yield _Graph("MobileNetV2-like", mobilenet, pictures, "classification", None, "logits", convolved)
    small = {"image": chance.standard_normal((_ROWS, 3, 32, 32), dtype=np.float32)}
    yield _Graph("ResNet-like", _resnet(chance), small, "classification", None, "logits", convolved)
    data = os.environ.get("NEARFAR_DATA")
    if not data:
        print("\n  trained models are left out, as NEARFAR_DATA names no folder")
        return
    yield from _trained(Path(data), convolved)


def _trained(data: Path, named: tuple[str, ...]) -> Iterator[_Graph]:
    from benchmarks.certifying.pictures import cifar10_pictures, imagenet_pictures
    from cloud_service.publish.recipes.graph import PictureInput
    from cloud_service.publish.recipes.normalisation import KNOWN
    from cloud_service.publish.recipes.pictures import PictureRecipe

    for name, file, size, normalised, (pictures, labels) in (
        ("MobileNetV2, trained", "imagenet/mobilenet_v2_1.0_224_fp32.onnx", 224, "signed", imagenet_pictures(data)),
        ("ResNet56, trained", "cifar10/resnet56_fp32.onnx", 32, "imagenet", cifar10_pictures(data)),
    ):
        chosen = np.random.default_rng(5).permutation(len(pictures))[: 2 * _ROWS]
        taken = PictureInput("input", "FP32", size, size, "nchw")
        tensors = PictureRecipe("encoded").tensors(taken, KNOWN[normalised], pictures[chosen])
        content = (data / file).read_bytes()
        yield _Graph(name, content, tensors, "classification", None, "logits", named, labels[chosen])


def _resnet(chance: np.random.Generator) -> bytes:
    """Three stages of three residual blocks, 16 to 64 channels, for pictures of 32 by 32."""
    nodes: list[Any] = []  # Any: onnx publishes no types
    weights: list[Any] = []

    def convolution(x: str, channels: int, width: int, stride: int, kernel: int = 3) -> str:
        name = f"c{len(nodes)}"
        kernels = chance.standard_normal((width, channels, kernel, kernel)) * np.sqrt(2 / (channels * kernel**2))
        weights.append(numpy_helper.from_array(kernels.astype(np.float32), f"{name}_w"))
        pads = [kernel // 2] * 4
        nodes.append(helper.make_node("Conv", [x, f"{name}_w"], [name], strides=[stride] * 2, pads=pads))
        return name

    def then(kind: str, *inputs: str) -> str:
        name = f"n{len(nodes)}"
        nodes.append(helper.make_node(kind, list(inputs), [name]))
        return name

    x = then("Relu", convolution("image", 3, 16, 1))
    channels = 16
    for width in (16, 32, 64):
        for block in range(3):
            stride = 2 if width != channels and block == 0 else 1
            inner = convolution(then("Relu", convolution(x, channels, width, stride)), width, width, 1)
            past = x if width == channels else convolution(x, channels, width, stride, kernel=1)
            x = then("Relu", then("Add", inner, past))
            channels = width
    weights.append(numpy_helper.from_array(chance.standard_normal((64, 10)).astype(np.float32), "last"))
    nodes.append(helper.make_node("MatMul", [then("Flatten", then("GlobalAveragePool", x)), "last"], ["logits"]))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 32, 32])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "resnet", [image], [logits], weights)
    opset = helper.make_opsetid("", 17)
    return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())
