"""Small LiteRT models for tests, built table by table with the library's schema: what they compute can be read here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = [
    "BUILTIN",
    "Operator",
    "Plan",
    "Tensor",
    "brightness",
    "built",
    "dense_softmax",
    "doubled",
    "perceptron",
    "quantized_dense",
    "remembering",
    "with_operator",
]

BUILTIN: Final = schema.BuiltinOperator
"""Operators by their names."""

_TYPES: Final = {
    "FP32": schema.TensorType.FLOAT32,
    "FP16": schema.TensorType.FLOAT16,
    "INT32": schema.TensorType.INT32,
    "UINT8": schema.TensorType.UINT8,
    "INT64": schema.TensorType.INT64,
    "BOOL": schema.TensorType.BOOL,
    "INT16": schema.TensorType.INT16,
    "INT8": schema.TensorType.INT8,
    "FP64": schema.TensorType.FLOAT64,
    "TEXT": schema.TensorType.STRING,
}


@dataclass(frozen=True)
class Tensor:
    """`values` are those of a constant; `free` has a first axis that may vary; `quantity` is scale and zero point."""

    name: str
    datatype: str
    shape: Sequence[int]
    values: np.ndarray | None = None
    quantity: tuple[float, int] | None = None
    free: bool = False
    variable: bool = False


@dataclass(frozen=True)
class Operator:
    """`options` are of the class that is called as `kind` says."""

    code: int
    inputs: Sequence[int]
    outputs: Sequence[int]
    options: Any = None
    custom: str | None = None


@dataclass(frozen=True)
class Plan:
    """A whole file. `signature` is the names of inputs and outputs that it gives them, by their tensors' places.

    `change` is called with the tables before they are written, to make a file that no exporter would."""

    tensors: Sequence[Tensor]
    operators: Sequence[Operator]
    inputs: Sequence[int]
    outputs: Sequence[int]
    signature: tuple[dict[int, str], dict[int, str]] | None = None
    change: Callable[[Any], object] = lambda _: None


def built(plan: Plan) -> bytes:
    """Return the file."""
    model = schema.ModelT()
    model.version = 3
    model.description = "made by a test"
    model.buffers = [schema.BufferT()]
    model.operatorCodes, graph = [], schema.SubGraphT()
    graph.name, graph.tensors, graph.operators = "main", [], []
    graph.inputs, graph.outputs = list(plan.inputs), list(plan.outputs)
    for described in plan.tensors:
        graph.tensors.append(_tensor(model, described))
    for index, operator in enumerate(plan.operators):
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = operator.code, min(operator.code, 127)
        code.version, code.customCode = 1, operator.custom
        model.operatorCodes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = index, list(operator.inputs), list(operator.outputs)
        if operator.options is not None:
            made.builtinOptions = operator.options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(operator.options).__name__.removesuffix("T"))
        graph.operators.append(made)
    model.subgraphs = [graph]
    if plan.signature is not None:
        model.signatureDefs = [_signature(*plan.signature)]
    plan.change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def dense_softmax(
    *,
    features: int = 4,
    classes: int = 3,
    seed: int = 0,
    signature: bool = True,
    change: Callable[[Any], object] = lambda _: None,
) -> bytes:
    """probabilities = softmax(pixels @ w), FP32 [n, features] to [n, classes]: the twin of onnx_models.softmax_mlp."""
    w = np.random.default_rng(seed).normal(size=(features, classes)).astype(np.float32)
    return built(
        Plan(
            [
                Tensor("serving_pixels:0", "FP32", (1, features), free=True),
                Tensor("w", "FP32", (classes, features), w.T.copy()),
                Tensor("logits", "FP32", (1, classes), free=True),
                Tensor("Identity:0", "FP32", (1, classes), free=True),
            ],
            _dense((0, 1), 2, 3),
            [0],
            [3],
            ({0: "pixels"}, {3: "probabilities"}) if signature else None,
            change,
        )
    )


def quantized_dense(
    datatype: str = "INT8", *, features: int = 4, classes: int = 3, seed: int = 0, scale: float | None = None
) -> bytes:
    """The same with whole numbers all the way: weights of 8 bits, inputs of a step of `scale`."""
    w = np.random.default_rng(seed).normal(size=(features, classes)).astype(np.float32)
    weight_scale = float(np.abs(w).max() / 127)
    # UINT8 weights are around 128, INT8 ones around nought; a kernel takes inputs and weights of one type.
    middle = 128 if datatype == "UINT8" else 0
    dtype = np.uint8 if datatype == "UINT8" else np.int8
    whole = (np.clip(np.rint(w.T / weight_scale), -127, 127) + middle).astype(dtype)
    low = 0 if datatype == "UINT8" else -128
    step = 1.0 if scale is None else scale
    reach = float(np.abs(w).sum(axis=0).max()) * 255 * step
    return built(
        Plan(
            [
                Tensor("pixels", datatype, (1, features), quantity=(step, low), free=True),
                Tensor("w", datatype, (classes, features), whole, quantity=(weight_scale, middle)),
                Tensor("logits", datatype, (1, classes), quantity=(reach / 127, middle), free=True),
                Tensor("probabilities", datatype, (1, classes), quantity=(1 / 256, low), free=True),
            ],
            _dense((0, 1), 2, 3),
            [0],
            [3],
        )
    )


def perceptron(layers: Sequence[tuple[np.ndarray, np.ndarray]], pixels: str, answer: str) -> bytes:
    """answer = softmax of a perceptron of pixels, FP32 [n, features]; weights [features, units] and bias a layer."""
    tensors = [Tensor(pixels, "FP32", (1, len(layers[0][0])), free=True)]
    operators: list[Operator] = []
    for index, (weights, bias) in enumerate(layers):
        fed, units = (0 if index == 0 else len(tensors) - 1), len(bias)
        options = schema.FullyConnectedOptionsT()
        if index < len(layers) - 1:
            options.fusedActivationFunction = schema.ActivationFunctionType.RELU
        tensors += [
            Tensor(f"w{index}", "FP32", (units, len(weights)), weights.T.copy()),
            Tensor(f"b{index}", "FP32", (units,), bias),
            Tensor(f"made{index}", "FP32", (1, units), free=True),
        ]
        at = len(tensors)
        operators.append(Operator(BUILTIN.FULLY_CONNECTED, [fed, at - 3, at - 2], [at - 1], options))
    tensors.append(Tensor(answer, "FP32", (1, len(layers[-1][1])), free=True))
    operators.append(_softmax(len(tensors) - 2, len(tensors) - 1))
    return built(Plan(tensors, operators, [0], [len(tensors) - 1]))


def brightness(datatype: str = "FP32", *, side: int = 4) -> bytes:
    """scores = softmax of (mean, 0) of a picture [1, side, side, 3] of signed pixels, -1 to 1: dark is 1, bright is 0.

    With UINT8 the pixels' bytes are its numbers, with INT8 they are those less 128."""
    count = side * side * 3
    weights = np.stack([np.ones(count), np.zeros(count)])
    if datatype == "FP32":
        x = Tensor("picture", "FP32", (1, side, side, 3))
        w = Tensor("w", "FP32", (2, count), weights.astype(np.float32))
        logits, scores = Tensor("logits", "FP32", (1, 2)), Tensor("scores", "FP32", (1, 2))
    else:
        middle, low = (128, 0) if datatype == "UINT8" else (0, -128)
        whole = (weights * 127 + middle).astype(datatype.lower())
        x = Tensor("picture", datatype, (1, side, side, 3), quantity=(1 / 128, middle))
        w = Tensor("w", datatype, (2, count), whole, quantity=(1 / 127, middle))
        logits = Tensor("logits", datatype, (1, 2), quantity=(count / 512, middle))
        scores = Tensor("scores", datatype, (1, 2), quantity=(1 / 256, low))
    return built(Plan([x, w, logits, scores], _dense((0, 1), 2, 3), [0], [3]))


def doubled(datatype: str = "FP32", shape: Sequence[int] = (1, 2), *, free: bool = False) -> bytes:
    """y = x + x."""
    tensors = [Tensor("x", datatype, shape, free=free), Tensor("y", datatype, shape, free=free)]
    add = Operator(BUILTIN.ADD, [0, 0], [1], schema.AddOptionsT())
    return built(Plan(tensors, [add], [0], [1]))


def remembering() -> bytes:
    """y = the state of a filter (SVDF) that x was put into: another one at the second run, if nobody clears it."""
    options = schema.SVDFOptionsT()
    options.rank = 1
    return built(
        Plan(
            [
                Tensor("x", "FP32", (1, 1)),
                Tensor("feature", "FP32", (1, 1), np.ones((1, 1), np.float32)),
                Tensor("time", "FP32", (1, 2), np.ones((1, 2), np.float32)),
                Tensor("state", "FP32", (1, 2), variable=True),
                Tensor("y", "FP32", (1, 1)),
            ],
            [Operator(BUILTIN.SVDF, [0, 1, 2, -1, 3], [4], options)],
            [0],
            [4],
        )
    )


def with_operator(code: int, inputs: Sequence[int] = (0,), *, custom: str | None = None, **tensor: Any) -> bytes:
    """y = the operator `code` of x, whatever that is; `tensor` is how both are described."""
    tensors = [Tensor(name, **({"datatype": "FP32", "shape": (1, 2)} | tensor)) for name in ("x", "y")]
    return built(Plan(tensors, [Operator(code, inputs, [1], custom=custom)], [0], [1]))


def _dense(fed: tuple[int, int], logits: int, answer: int) -> list[Operator]:
    dense = Operator(BUILTIN.FULLY_CONNECTED, [*fed, -1], [logits], schema.FullyConnectedOptionsT())
    return [dense, _softmax(logits, answer)]


def _softmax(logits: int, answer: int) -> Operator:
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return Operator(BUILTIN.SOFTMAX, [logits], [answer], options)


def _tensor(model: Any, described: Tensor) -> Any:  # Any: the schema's classes have no types
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape = described.name, _TYPES[described.datatype], list(described.shape)
    tensor.isVariable = described.variable
    if described.free:
        tensor.shapeSignature = [-1, *described.shape[1:]]
    if described.quantity is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [described.quantity[0]], [described.quantity[1]]
    tensor.buffer = 0
    if described.values is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(described.values.tobytes(), np.uint8)
        model.buffers.append(buffer)
        tensor.buffer = len(model.buffers) - 1
    return tensor


def _signature(inputs: dict[int, str], outputs: dict[int, str]) -> Any:  # Any: as above
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = "serving_default", 0
    made.inputs, made.outputs = ([_named(*pair) for pair in side.items()] for side in (inputs, outputs))
    return made


def _named(index: int, name: str) -> Any:  # Any: as above
    entry = schema.TensorMapT()
    entry.tensorIndex, entry.name = index, name
    return entry
