"""Graphs such as people export, small: perceptrons, networks of convolutions, transformers, and what is odd about some.

Weights are drawn; what they compute means nothing, and is the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.builders.onnx_models import ONNX_TYPES

__all__ = [
    "Graph",
    "Sample",
    "allocating",
    "branching",
    "convolutional",
    "crossing",
    "endless",
    "perceptron",
    "transformer",
    "weighing",
]

Array = NDArray[Any]  # Any: weights and inputs of one type or another
Port = tuple[str, str, Sequence[int | str]]

_IR: Final = 10


@dataclass(frozen=True)
class Sample:
    """A model file, examples of its inputs, and the output that is its answer."""

    content: bytes
    inputs: dict[str, Array]
    output: str = "y"


class Graph:
    """A graph that is written down node by node."""

    def __init__(self, seed: int = 0) -> None:
        self._nodes: list[Any] = []  # Any: onnx publishes no types
        self._weights: list[Any] = []  # Any: as above
        self.chance = np.random.default_rng(seed)

    def add(self, kind: str, *inputs: str, output: str = "", prefix: str = "", **attributes: Any) -> str:
        """Add a node of one output, and return the output's name. `prefix` is the block that it belongs to."""
        name = f"{prefix}{kind}_{len(self._nodes)}"
        output = output or f"{name}_output"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], name=name, **attributes))
        return output

    def constant(self, values: object, dtype: type = np.float32) -> str:
        """Add a tensor of these values."""
        name = f"w_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def weights(self, *shape: int, fan_in: int, dtype: type = np.float32) -> str:
        """Add drawn weights that keep what flows through at its size."""
        return self.constant(self.chance.standard_normal(shape) * np.sqrt(2 / fan_in), dtype)

    def model(self, inputs: Sequence[Port], outputs: Sequence[Port], *, opset: int = 17) -> bytes:
        """Return the model file."""
        given, made = (
            [helper.make_tensor_value_info(name, ONNX_TYPES[kind], list(shape)) for name, kind, shape in ports]
            for ports in (inputs, outputs)
        )
        graph = helper.make_graph(self._nodes, "g", given, made, self._weights)
        opsets = [helper.make_opsetid("", opset)]
        return bytes(helper.make_model(graph, ir_version=_IR, opset_imports=opsets).SerializeToString())


def perceptron(
    *, opset: int = 17, rows: int | str = "n", width: int = 16, inner: int = 64, half: bool = False, count: int = 40
) -> Sample:
    """y [n, 10] of x [n, width], three matrices; `half`: in 16-bit floats throughout."""
    graph, dtype, kind = Graph(), np.float16 if half else np.float32, "FP16" if half else "FP32"
    x = "x"
    for wide, high, output in ((width, inner, ""), (inner, inner, ""), (inner, 10, "y")):
        product = graph.add("MatMul", x, graph.weights(wide, high, fan_in=wide, dtype=dtype))
        x = graph.add("Add", product, graph.constant(np.zeros(high), dtype), output=output)
        x = x if output else graph.add("Relu", x)
    content = graph.model([("x", kind, (rows, width))], [("y", kind, (rows, 10))], opset=opset)
    return Sample(content, {"x": graph.chance.standard_normal((count, width)).astype(dtype)})


def convolutional(
    *, opset: int = 17, rows: int | str = "n", size: int = 12, channels: int = 3, count: int = 40
) -> Sample:
    """y [n, 10] of x [n, channels, size, size]: convolutions, batch normalisation, a residual."""
    graph = Graph()

    def convolved(x: str, given: int, made: int) -> str:
        weights = graph.weights(made, given, 3, 3, fan_in=9 * given)
        x = graph.add("Conv", x, weights, pads=[1] * 4, kernel_shape=[3, 3])
        ones, zeros = np.ones(made), np.zeros(made)
        x = graph.add("BatchNormalization", x, *(graph.constant(values) for values in (ones, zeros, zeros, ones)))
        return graph.add("Relu", x)

    x = convolved("x", channels, 8)
    x = graph.add("Add", x, convolved(x, 8, 8))
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    graph.add("Gemm", x, graph.weights(8, 10, fan_in=8), graph.constant(np.zeros(10)), output="y")
    content = graph.model([("x", "FP32", (rows, channels, size, size))], [("y", "FP32", (rows, 10))], opset=opset)
    return Sample(content, {"x": graph.chance.standard_normal((count, channels, size, size)).astype(np.float32)})


def crossing(count: int = 40) -> Sample:
    """y [n, 5] of a picture [n, 3, 8, 8] and of INT64 words [n, 4] together."""
    graph = Graph()
    seen = graph.add("Conv", "picture", graph.weights(8, 3, 3, 3, fan_in=27), kernel_shape=[3, 3])
    seen = graph.add("Flatten", graph.add("GlobalAveragePool", graph.add("Relu", seen)))
    read = graph.add("ReduceMean", graph.add("Gather", graph.weights(50, 8, fan_in=8), "words"), axes=[1], keepdims=0)
    graph.add("MatMul", graph.add("Add", seen, read), graph.weights(8, 5, fan_in=8), output="y")
    content = graph.model(
        [("picture", "FP32", ("n", 3, 8, 8)), ("words", "INT64", ("n", 4))], [("y", "FP32", ("n", 5))]
    )
    pictures = graph.chance.standard_normal((count, 3, 8, 8)).astype(np.float32)
    return Sample(content, {"picture": pictures, "words": graph.chance.integers(0, 50, (count, 4))})


def branching(count: int = 40) -> Sample:
    """y [n, 5] of x [n, 16]: one matrix or another, by an If, and a matrix that all take."""
    graph = Graph()
    inner = graph.add("MatMul", "x", graph.weights(16, 16, fan_in=16))
    positive = graph.add("Greater", graph.add("ReduceSum", inner, keepdims=0), graph.constant(0.0))
    matrix = graph.weights(16, 16, fan_in=16)
    branches = [
        helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])
        for name, node in (
            ("then", helper.make_node("MatMul", [inner, matrix], ["then"])),
            ("else", helper.make_node("Neg", [inner], ["else"])),
        )
    ]
    chosen = graph.add("If", positive, then_branch=branches[0], else_branch=branches[1])
    graph.add("MatMul", chosen, graph.weights(16, 5, fan_in=16), output="y")
    content = graph.model([("x", "FP32", ("n", 16))], [("y", "FP32", ("n", 5))])
    return Sample(content, {"x": graph.chance.standard_normal((count, 16)).astype(np.float32)})


def transformer(
    *, layers: int = 3, width: int = 32, heads: int = 4, words: int = 100, tokens: int | str = "tokens",
    kind: str = "INT64", classes: int = 5, count: int = 40,
) -> Sample:  # fmt: skip
    """y [n, classes] of input_ids and attention_mask [n, tokens], as exporters write encoders down."""
    graph = Graph()
    mask = graph.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    absent = graph.add("Sub", graph.constant(1.0), graph.add("Unsqueeze", mask, graph.constant([1, 2], np.int64)))
    penalty = graph.add("Mul", absent, graph.constant(-1e4))
    x = graph.add("Gather", graph.weights(words, width, fan_in=2), "input_ids")
    for layer in range(layers):
        x = _layer(graph, x, penalty, width, heads, f"/encoder/layer.{layer}/")
    shares = graph.add("Div", mask, graph.add("ReduceSum", mask, graph.constant([1], np.int64)))
    pooled = graph.add("MatMul", graph.add("Unsqueeze", shares, graph.constant([1], np.int64)), x)
    pooled = graph.add("Squeeze", pooled, graph.constant([1], np.int64))
    graph.add("MatMul", pooled, graph.weights(width, classes, fan_in=width), output="y")
    ports = [(name, kind, ("n", tokens)) for name in ("input_ids", "attention_mask")]
    length = 8 if isinstance(tokens, str) else tokens
    dtype = np.int64 if kind == "INT64" else np.int32
    inputs = {
        "input_ids": graph.chance.integers(0, words, (count, length)).astype(dtype),
        "attention_mask": np.ones((count, length), dtype),
    }
    return Sample(graph.model(ports, [("y", "FP32", ("n", classes))]), inputs)


def _layer(graph: Graph, x: str, penalty: str, width: int, heads: int, prefix: str) -> str:
    def add(kind: str, *inputs: str, **attributes: Any) -> str:
        return graph.add(kind, *inputs, prefix=prefix, **attributes)

    def linear(x: str, wide: int, high: int) -> str:
        return add("Add", add("MatMul", x, graph.weights(wide, high, fan_in=wide)), graph.constant(np.zeros(high)))

    def normal(x: str) -> str:
        return add("LayerNormalization", x, graph.constant(np.ones(width)), graph.constant(np.zeros(width)), axis=-1)

    parts = graph.constant([0, 0, heads, width // heads], np.int64)
    q, k, v = (
        add("Transpose", add("Reshape", linear(x, width, width), parts), perm=perm)
        for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])
    )
    scores = add("Mul", add("MatMul", q, k), graph.constant(1 / np.sqrt(width / heads)))
    mixed = add("MatMul", add("Softmax", add("Add", scores, penalty), axis=-1), v)
    joined = add("Reshape", add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.constant([0, 0, width], np.int64))
    x = normal(add("Add", x, linear(joined, width, width)))
    return normal(add("Add", x, linear(add("Relu", linear(x, width, 2 * width)), 2 * width, width)))


def weighing(count: int = 40) -> Sample:
    """y [n, 10] of x [n, 16]: a weight for each number, and no matrix, so that little is tried on it."""
    graph = Graph()
    _first_ten(graph, graph.add("Mul", "x", graph.weights(16, fan_in=1)))
    content = graph.model([("x", "FP32", ("n", 16))], [("y", "FP32", ("n", 10))])
    return Sample(content, {"x": graph.chance.standard_normal((count, 16)).astype(np.float32)})


def _first_ten(graph: Graph, x: str) -> None:
    """Have the first ten of sixteen numbers be the answer. A matrix would do, too, but costs five candidates more."""
    graph.add("Slice", x, *(graph.constant([value], np.int64) for value in (0, 10, 1)), output="y")


def endless() -> bytes:
    """y [n, 10] of x [n, 16], after more rounds of a Loop than anybody waits for."""
    graph = Graph()
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Add", ["state", "state"], ["doubled"]),
            helper.make_node("Sub", ["doubled", "state"], ["same"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("same", TensorProto.FLOAT, None),
        ],
    )
    x = graph.add("Loop", graph.constant(2**62, np.int64), "", "x", body=body)
    _first_ten(graph, x)
    return graph.model([("x", "FP32", ("n", 16))], [("y", "FP32", ("n", 10))])


def allocating(gigabytes: int) -> bytes:
    """y [n, 10] of x [n, 16], beside as many zeros as fill `gigabytes`."""
    graph = Graph()
    first = graph.add("Shape", graph.add("ReduceSum", "x", keepdims=1))  # [1, 1]
    one = graph.add("Slice", first, *(graph.constant([edge], np.int64) for edge in (0, 1)))
    zeros = graph.add("ConstantOfShape", graph.add("Mul", graph.constant([gigabytes << 28], np.int64), one))
    _first_ten(graph, graph.add("Add", "x", graph.add("ReduceMax", zeros, keepdims=0)))
    return graph.model([("x", "FP32", ("n", 16))], [("y", "FP32", ("n", 10))])
