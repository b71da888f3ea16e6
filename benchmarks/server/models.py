"""The three models: a sentence encoder and an image classifier of some 10 ms each on one core, and one of microseconds.

Made here, with random weights: what they compute means nothing, what it costs is what their famous kin cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from cloud_service.samples import sample
from nearfar_wire.specs import TensorSpec

__all__ = ["MODELS", "Model", "write_models"]

_OPSET: Final = 17
_TYPES: Final = {"INT64": TensorProto.INT64, "UINT8": TensorProto.UINT8, "FP32": TensorProto.FLOAT}

_HIDDEN: Final = 384
_HEADS: Final = 12
_VOCABULARY: Final = 8192
_LAYERS: Final = 6
TOKENS: Final = 32

Array = np.ndarray[Any, Any]  # Any: weights of one type or another


@dataclass(frozen=True, slots=True)
class Model:
    """A model that is served, and what goes in and out; the first dimension is the batch."""

    name: str
    about: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def rows(self, rows: int) -> dict[str, Array]:
        """Return one input of so many rows."""
        return sample(self.inputs, rows=rows, free=TOKENS)


MODELS: Final = {
    model.name: model
    for model in (
        Model(
            "minilm",
            "MiniLM-like encoder, 6 layers of 384, 32 tokens",
            (TensorSpec("input_ids", "INT64", (-1, -1)), TensorSpec("attention_mask", "INT64", (-1, -1))),
            (TensorSpec("embedding", "FP32", (-1, _HIDDEN)),),
        ),
        Model(
            "mobilenet",
            "MobileNetV2-like classifier, uint8 image of 224 by 224",
            (TensorSpec("image", "UINT8", (-1, 224, 224, 3)),),
            (TensorSpec("logits", "FP32", (-1, 1000)),),
        ),
        Model(
            "mlp",
            "64-64-10 perceptron: the protocol alone",
            (TensorSpec("x", "FP32", (-1, 64)),),
            (TensorSpec("y", "FP32", (-1, 10)),),
        ),
    )
}


def write_models(root: Path) -> None:
    """Write NAME/1/model.onnx below `root`, where it is not there yet."""
    builders = {"minilm": _minilm, "mobilenet": _mobilenet, "mlp": _mlp}
    for name, build in builders.items():
        file = root / name / "1" / "model.onnx"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(build().serialized(MODELS[name]))


class _Graph:
    """A graph that is written down node by node; weights are named after the node that uses them."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []  # Any: onnx publishes no types
        self._weights: list[Any] = []  # Any: as above
        self._chance = np.random.default_rng(0)

    def add(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add a node of one output, and return its name."""
        output = output or f"{kind.lower()}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def constant(self, values: object, dtype: type = np.float32) -> str:
        """Add a tensor of these values."""
        name = f"w_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape: int, fan_in: int) -> str:
        """Add random weights that keep what flows through at its size."""
        return self.constant(self._chance.standard_normal(shape) * np.sqrt(2 / fan_in))

    def linear(self, x: str, width_in: int, width_out: int, output: str = "") -> str:
        product = self.add("MatMul", x, self.weights(width_in, width_out, fan_in=width_in))
        return self.add("Add", product, self.constant(np.zeros(width_out)), output=output)

    def serialized(self, model: Model) -> bytes:
        graph = helper.make_graph(self._nodes, model.name, _values(model.inputs), _values(model.outputs), self._weights)
        opset = helper.make_opsetid("", _OPSET)
        return bytes(helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString())


def _values(specs: Sequence[TensorSpec]) -> list[Any]:  # Any: onnx publishes no types
    return [
        helper.make_tensor_value_info(
            spec.name,
            _TYPES[spec.datatype],
            [("tokens" if axis else "batch") if size < 0 else size for axis, size in enumerate(spec.shape)],
        )
        for spec in specs
    ]


def _mlp() -> _Graph:
    graph = _Graph()
    hidden = graph.add("Relu", graph.linear("x", 64, 64))
    graph.linear(hidden, 64, 10, output="y")
    return graph


def _minilm() -> _Graph:
    graph = _Graph()
    table = graph.constant(np.random.default_rng(1).standard_normal((_VOCABULARY, _HIDDEN)))
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    # 0 where a token counts, a large negative number where it does not: [batch, 1, 1, tokens].
    absent = graph.add("Sub", graph.constant(1.0), graph.add("Unsqueeze", mask, graph.constant([1, 2], np.int64)))
    penalty = graph.add("Mul", absent, graph.constant(-1e4))
    x = _normalised(graph, graph.add("Gather", table, "input_ids"))
    for _ in range(_LAYERS):
        x = _normalised(graph, graph.add("Add", x, _attention(graph, x, penalty)))
        inner = graph.linear(x, _HIDDEN, 4 * _HIDDEN)
        bent = graph.add("Erf", graph.add("Div", inner, graph.constant(np.sqrt(2))))
        gelu = graph.add(
            "Mul", graph.add("Mul", inner, graph.add("Add", bent, graph.constant(1.0))), graph.constant(0.5)
        )
        x = _normalised(graph, graph.add("Add", x, graph.linear(gelu, 4 * _HIDDEN, _HIDDEN)))
    graph.add("ReduceMean", x, output="embedding", axes=[1], keepdims=0)
    return graph


def _attention(graph: _Graph, x: str, penalty: str) -> str:
    def heads(order: list[int]) -> str:
        split = graph.constant([0, 0, _HEADS, _HIDDEN // _HEADS], np.int64)
        return graph.add("Transpose", graph.add("Reshape", graph.linear(x, _HIDDEN, _HIDDEN), split), perm=order)

    queries, keys, values = heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])
    scale = graph.constant(1 / np.sqrt(_HIDDEN / _HEADS))
    scores = graph.add("Add", graph.add("Mul", graph.add("MatMul", queries, keys), scale), penalty)
    mixed = graph.add("MatMul", graph.add("Softmax", scores, axis=-1), values)
    joined = graph.constant([0, 0, _HIDDEN], np.int64)
    return graph.linear(
        graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), joined), _HIDDEN, _HIDDEN
    )


def _normalised(graph: _Graph, x: str) -> str:
    one, zero = graph.constant(np.ones(_HIDDEN)), graph.constant(np.zeros(_HIDDEN))
    return graph.add("LayerNormalization", x, one, zero, axis=-1)


def _mobilenet() -> _Graph:
    graph = _Graph()
    # The image becomes numbers in the graph: a quarter of the bytes travel.
    scaled = graph.add("Mul", graph.add("Cast", "image", to=TensorProto.FLOAT), graph.constant(1 / 127.5))
    x = graph.add("Transpose", graph.add("Sub", scaled, graph.constant(1.0)), perm=[0, 3, 1, 2])
    x = _convolution(graph, x, 3, 32, kernel=3, stride=2)
    channels = 32
    # Expansion, channels, repeats and first stride of each stage, as MobileNetV2 has them.
    for expansion, width, repeats, first in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for repeat in range(repeats):
            x = _block(graph, x, channels, width, expansion, first if repeat == 0 else 1)
            channels = width
    x = _convolution(graph, x, channels, 1280)
    graph.linear(graph.add("Flatten", graph.add("GlobalAveragePool", x)), 1280, 1000, output="logits")
    return graph


def _block(graph: _Graph, x: str, channels: int, width: int, expansion: int, stride: int) -> str:
    inner = channels * expansion
    y = _convolution(graph, x, channels, inner) if expansion > 1 else x
    y = _convolution(graph, y, inner, inner, kernel=3, stride=stride, groups=inner)
    y = _convolution(graph, y, inner, width, bent=False)
    return graph.add("Add", x, y) if stride == 1 and channels == width else y


def _convolution(
    graph: _Graph,
    x: str,
    channels: int,
    width: int,
    *,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    bent: bool = True,
) -> str:
    fan_in = channels // groups * kernel * kernel
    weights = graph.weights(width, channels // groups, kernel, kernel, fan_in=fan_in)
    y = graph.add(
        "Conv", x, weights, graph.constant(np.zeros(width)),
        strides=[stride, stride], pads=[kernel // 2] * 4, group=groups, kernel_shape=[kernel, kernel],
    )  # fmt: skip
    return graph.add("Clip", y, graph.constant(0.0), graph.constant(6.0)) if bent else y
