"""Small ONNX models for tests, built node by node: what they compute can be read here.

Opset 21 and IR version 10, so that the oldest onnxruntime that nearfar supports loads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

__all__ = [
    "ONNX_TYPES",
    "adder",
    "bomb",
    "endless",
    "external_weights",
    "first_pixel",
    "gather",
    "identity",
    "largest",
    "slow",
    "softmax_mlp",
    "squeezed",
    "token_sums",
    "zeros",
]

_OPSET: Final = 21
_IR_VERSION: Final = 10

ONNX_TYPES: Final = {
    "BOOL": TensorProto.BOOL,
    "UINT8": TensorProto.UINT8,
    "UINT16": TensorProto.UINT16,
    "UINT32": TensorProto.UINT32,
    "UINT64": TensorProto.UINT64,
    "INT8": TensorProto.INT8,
    "INT16": TensorProto.INT16,
    "INT32": TensorProto.INT32,
    "INT64": TensorProto.INT64,
    "FP16": TensorProto.FLOAT16,
    "FP32": TensorProto.FLOAT,
    "FP64": TensorProto.DOUBLE,
    "BYTES": TensorProto.STRING,
}

Shape = Sequence[int | str]


def identity(datatype: str = "FP32", shape: Shape = ("n",)) -> bytes:
    """y = x."""
    return _model(
        [helper.make_node("Identity", ["x"], ["y"])], [_value("x", datatype, shape)], [_value("y", datatype, shape)]
    )


def softmax_mlp(*, pixels: str = "UINT8", features: int = 4, classes: int = 3, seed: int = 0) -> bytes:
    """probabilities = softmax(pixels @ w), shapes [batch, features] and [batch, classes]; `seed` makes another w."""
    w = np.random.default_rng(seed).normal(size=(features, classes)).astype(np.float32)
    return _model(
        [
            helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["x", "w"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        [_value("pixels", pixels, ("batch", features))],
        [_value("probabilities", "FP32", ("batch", classes)), _value("logits", "FP32", ("batch", classes))],
        {"w": w},
    )


def squeezed() -> bytes:
    """softmax_mlp, whose probabilities lose their first dimension where there is one row: a rank that the file leaves
    open."""
    w = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    return _model(
        [
            helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["x", "w"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["rows"], axis=-1),
            helper.make_node("Squeeze", ["rows"], ["probabilities"]),
        ],
        [_value("pixels", "UINT8", ("batch", 4))],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, None)],
        {"w": w},
    )


def bomb(*, floats: int = 2**33) -> bytes:
    """softmax_mlp, that wants `floats` noughts before it answers: some hundred bytes that ask for 32 GiB."""
    return _burdened(
        [
            helper.make_node("Size", ["pixels"], ["size"]),
            helper.make_node("Sign", ["size"], ["some"]),
            helper.make_node("Mul", ["some", "floats"], ["count"]),
            helper.make_node("Unsqueeze", ["count", "axis"], ["wanted"]),
            helper.make_node("ConstantOfShape", ["wanted"], ["noughts"]),
            helper.make_node("ReduceMax", ["noughts"], ["burden"], keepdims=0),
        ],
        {"floats": np.array(floats), "axis": np.array([0])},
    )


def endless() -> bytes:
    """softmax_mlp, that counts for ever before it answers."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["count", "one"], ["counted"])],
        "count",
        [_value("i", "INT64", ()), _value("go", "BOOL", ()), _value("count", "FP32", ())],
        [_value("go_on", "BOOL", ()), _value("counted", "FP32", ())],
        [numpy_helper.from_array(np.array(1, np.float32), "one")],
    )
    loop = helper.make_node("Loop", ["", "always", "zero"], ["burden"], body=body)
    return _burdened([loop], {"always": np.array(True), "zero": np.array(0, np.float32)})


def adder() -> bytes:
    """sum = left + right, for vectors whose lengths must agree although each may vary."""
    return _model(
        [helper.make_node("Add", ["left", "right"], ["sum"])],
        [_value("left", "FP32", ("n",)), _value("right", "FP32", ("m",))],
        [_value("sum", "FP32", ("k",))],
    )


def gather() -> bytes:
    """y = table[x] of a table of two: onnxruntime's refusal of an index quotes it."""
    return _model(
        [helper.make_node("Gather", ["table", "x"], ["y"])],
        [_value("x", "INT64", ("n",))],
        [_value("y", "FP32", ("n",))],
        {"table": np.array([1, 2], np.float32)},
    )


def largest(count: int) -> bytes:
    """y = the `count` largest of x: onnxruntime fails on fewer."""
    return _model(
        [helper.make_node("TopK", ["x", "count"], ["y", "places"])],
        [_value("x", "FP32", ("n",))],
        [_value("y", "FP32", (count,))],
        {"count": np.array([count])},
    )


def slow() -> bytes:
    """y = n, counted up by one `n` times: a million take about a second."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go_on"]), helper.make_node("Add", ["count", "one"], ["counted"])],
        "count",
        [_value("i", "INT64", ()), _value("go", "BOOL", ()), _value("count", "FP32", ())],
        [_value("go_on", "BOOL", ()), _value("counted", "FP32", ())],
        [numpy_helper.from_array(np.array(1, np.float32), "one")],
    )
    return _model(
        [
            helper.make_node("Squeeze", ["n"], ["times"]),
            helper.make_node("Loop", ["times", "", "zero"], ["y"], body=body),
        ],
        [_value("n", "INT64", (1,))],
        [_value("y", "FP32", ())],
        {"zero": np.array(0, np.float32)},
    )


def zeros() -> bytes:
    """y = as many noughts as `n` says: eight bytes ask for any number of them."""
    return _model(
        [helper.make_node("ConstantOfShape", ["n"], ["y"])],
        [_value("n", "INT64", (1,))],
        [_value("y", "FP32", ("m",))],
    )


def external_weights(location: str) -> bytes:
    """y = x + w, where w is said to lie in the file `location`."""
    w = numpy_helper.from_array(np.array([1, 2], np.float32), "w")
    w.ClearField("raw_data")
    w.data_location = TensorProto.EXTERNAL
    w.external_data.add(key="location", value=location)
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "w"], ["y"])], "g", [_value("x", "FP32", (2,))], [_value("y", "FP32", (2,))], [w]
    )
    return _serialized(graph)


def _burdened(nodes: Sequence[NodeProto], weights: dict[str, np.ndarray]) -> bytes:
    """softmax_mlp with four features and three classes, whose answer waits for what `nodes` make of it: "burden"."""
    w = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
    return _model(
        [
            *nodes,
            helper.make_node("Cast", ["pixels"], ["x"], to=TensorProto.FLOAT),
            helper.make_node("MatMul", ["x", "w"], ["product"]),
            helper.make_node("Add", ["product", "burden"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        [_value("pixels", "UINT8", ("batch", 4))],
        [_value("probabilities", "FP32", ("batch", 3))],
        {"w": w, **weights},
    )


def _value(name: str, datatype: str, shape: Shape) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, ONNX_TYPES[datatype], list(shape))


def _model(
    nodes: Sequence[NodeProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    weights: dict[str, np.ndarray] | None = None,
) -> bytes:
    initializers = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    return _serialized(helper.make_graph(list(nodes), "g", list(inputs), list(outputs), initializers))


def _serialized(graph: GraphProto) -> bytes:
    model = helper.make_model(graph, ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", _OPSET)])
    return bytes(model.SerializeToString())


def first_pixel() -> bytes:
    """probabilities = which of red, green and blue is strongest in the upper left pixel of x, shape [n, h, w, 3]."""
    return _model(
        [
            helper.make_node("Slice", ["x", "starts", "ends", "axes"], ["pixel"]),
            helper.make_node("Reshape", ["pixel", "shape"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        [_value("x", "FP32", ("n", "h", "w", 3))],
        [_value("probabilities", "FP32", ("n", 3))],
        {
            "starts": np.array([0, 0]),
            "ends": np.array([1, 1]),
            "axes": np.array([1, 2]),
            "shape": np.array([-1, 3]),
        },
    )


def token_sums() -> bytes:
    """probabilities = softmax of the mean of the tokens `ids` where `mask` is 1, and of 4; both of shape [n, t]."""
    return _model(
        [
            helper.make_node("Cast", ["ids"], ["i"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["mask"], ["m"], to=TensorProto.FLOAT),
            helper.make_node("Mul", ["i", "m"], ["seen"]),
            helper.make_node("ReduceSum", ["seen", "axis"], ["sum"], keepdims=1),
            helper.make_node("ReduceSum", ["m", "axis"], ["count"], keepdims=1),
            helper.make_node("Div", ["sum", "count"], ["mean"]),
            helper.make_node("Mul", ["mean", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
        ],
        [_value("ids", "INT64", ("n", "t")), _value("mask", "INT64", ("n", "t"))],
        [_value("probabilities", "FP32", ("n", 2))],
        {"axis": np.array([1]), "weights": np.array([[0.25, 0.5]], np.float32)},
    )
