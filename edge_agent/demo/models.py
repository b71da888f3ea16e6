"""The two models of the demo: a full one for the cloud, and a small one, quantized to int8, for the device.

Both are perceptrons on 64 pixels. They take different inputs on purpose (the full one pixels from 0 to 1, the small one
pixels as they are), so that what a manifest says about preparation is really needed."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.demo.digits import CLASSES, SIDE, Images
from edge_agent.runtimes.library import load_onnxruntime
from nearfar_wire.errors import MissingExtra

__all__ = [
    "FULL_INPUT",
    "FULL_SCALE",
    "OUTPUT",
    "SMALL_INPUT",
    "Layer",
    "quantize",
    "to_onnx",
    "train_full",
    "train_small",
]

FULL_INPUT: Final = "scaled"
FULL_SCALE: Final = 0.0625
"""What the full model wants pixels multiplied by: 0 to 16 becomes 0 to 1."""
SMALL_INPUT: Final = "raw"
OUTPUT: Final = "probabilities"

_PIXELS: Final = SIDE * SIDE
_SEED: Final = 0
# Opset 17 is read by every onnxruntime this project runs on, and by the servers of others.
_OPSET: Final = 17
_IR_VERSION: Final = 8


@dataclass(frozen=True, slots=True)
class Layer:
    """`x @ weights + bias`: `weights` has shape (inputs, outputs), `bias` (outputs,)."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


def train_full(images: Images) -> list[Layer]:
    """Return a model that reads digits well: wide, and shown every image also moved by one pixel each way."""
    moved = np.concatenate([_moved(images.pixels, *by) for by in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))])
    return _train(_flat(moved) * FULL_SCALE, np.tile(images.labels, 5), hidden=(256, 128), epochs=30)


def train_small(images: Images) -> list[Layer]:
    """Return a model of eight hidden units: clearly the weaker, so that asking the cloud is worth something.

    It learns from standardised pixels; that step is folded into its first layer, and pixels go in as they are."""
    raw = _flat(images.pixels)
    mean, deviation = raw.mean(axis=0), raw.std()
    first, *rest = _train((raw - mean) / deviation, images.labels, hidden=(8,), epochs=150)
    weights = first.weights / deviation
    return [Layer(weights, first.bias - mean @ weights), *rest]


def to_onnx(layers: Sequence[Layer], input_name: str) -> bytes:
    """Return the model as an ONNX file: FP32 [batch, 64] under `input_name` in, probabilities [batch, 10] out.

    Raises MissingExtra: without onnx."""
    try:
        from onnx import TensorProto, checker, helper, numpy_helper
    except ImportError as error:
        raise MissingExtra("the demo's models", "demo") from error
    nodes: list[Any] = []  # Any: onnx's messages, as in the rest of this function
    weights: list[Any] = []
    current = input_name
    for index, layer in enumerate(layers):
        last = index == len(layers) - 1
        following = OUTPUT if last else f"hidden{index}"
        weights += [
            numpy_helper.from_array(layer.weights, f"w{index}"),
            numpy_helper.from_array(layer.bias, f"b{index}"),
        ]
        nodes.append(helper.make_node("Gemm", [current, f"w{index}", f"b{index}"], [f"sum{index}"], f"gemm{index}"))
        nodes.append(helper.make_node("Softmax" if last else "Relu", [f"sum{index}"], [following], following))
        current = following
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, ["batch", _PIXELS])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", CLASSES])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def quantize(model: bytes, input_name: str, images: Images) -> bytes:
    """Return `model` in int8, with the ranges of activations taken from `images`.

    Static, because dynamic ranges make an answer depend on its batch mates: over three splits of the digits, a
    probability moved by up to 0.5. One scale a tensor: with one a channel 0.97 of the answers were as in floats, not
    0.99. The softmax stays in floats; its 256 levels would blur the margin that routing reads. A model as small as this
    is no faster for it (14 µs against 10); it is here because int8 is what devices ship.
    Raises MissingExtra: without onnx."""
    load_onnxruntime()
    try:
        import onnx
        from onnxruntime import quantization
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise MissingExtra("quantizing the demo's model", "demo") from error
    rows = _flat(images.pixels)
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantized = Path(folder, "prepared.onnx"), Path(folder, "int8.onnx")
        quant_pre_process(onnx.load_from_string(model), prepared, skip_optimization=True, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            quantized,
            _Rows(input_name, rows),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["Gemm"],
        )
        return quantized.read_bytes()


class _Rows:
    """One batch for onnxruntime's calibration, which asks until it is told None."""

    def __init__(self, input_name: str, rows: NDArray[np.float32]) -> None:
        self._batches = iter([{input_name: rows}])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._batches, None)


def _train(
    inputs: NDArray[np.float32], labels: NDArray[np.int64], *, hidden: tuple[int, ...], epochs: int
) -> list[Layer]:
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
        from threadpoolctl import threadpool_limits  # comes with scikit-learn
    except ImportError as error:
        raise MissingExtra("training the demo's models", "demo") from error
    classifier: Any = MLPClassifier(hidden, alpha=1e-2, max_iter=epochs, random_state=_SEED)  # Any: untyped library
    # One thread: how a sum is split over cores changes its last bits, and the demo is to be the same on every machine.
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fixed number of epochs is what is wanted here
        classifier.fit(inputs, labels)
    return [
        Layer(weights.astype(np.float32), bias.astype(np.float32))
        for weights, bias in zip(classifier.coefs_, classifier.intercepts_, strict=True)
    ]


def _flat(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), _PIXELS).astype(np.float32)


def _moved(pixels: NDArray[np.uint8], down: int, right: int) -> NDArray[np.uint8]:
    """Return the images moved by at most one pixel each way, with empty paper where nothing was."""
    padded = np.pad(pixels, ((0, 0), (1, 1), (1, 1)))
    return padded[:, 1 - down : 1 - down + SIDE, 1 - right : 1 - right + SIDE]
