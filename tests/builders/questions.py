"""Questions with a right answer, one for each task, and two ONNX models of each: a good one, and a small one that errs.

What a model answers is a matrix times eight numbers, and where it errs it can say how much: a second output, `sure`.
The matrices are in an Einsum, which no tool makes smaller, so that a release is prepared in a fraction of the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cloud_service.publish.data import Examples
from cloud_service.publish.options import Task

__all__ = ["FEATURES", "Question", "question", "renumbered"]

FEATURES = 8
_OPSET, _IR_VERSION = 17, 8
_WIDTH: dict[Task, int] = {"classification": 4, "multilabel": 3, "regression": 1, "embedding": 6}
# A label flips where a number errs by more than it is away from zero; any other answer is the worse, the more it errs.
_NEAREST = (
    helper.make_node("Abs", ["raw"], ["clear"]),
    helper.make_node("Sub", ["clear", "far"], ["safe"]),
    helper.make_node("ReduceMin", ["safe"], ["sure"], axes=[1], keepdims=1),
)
_FARTHEST = (
    helper.make_node("ReduceMax", ["far"], ["most"], axes=[1], keepdims=1),
    helper.make_node("Neg", ["most"], ["sure"]),
)
_ERR: dict[Task, float] = {"classification": 0.4, "multilabel": 0.1, "regression": 0.3, "embedding": 0.25}


@dataclass(frozen=True)
class Question:
    """`full` and `small` are ONNX files: `x` FP32 [n, 8] in; `y` and `sure` out."""

    task: Task
    full: bytes
    small: bytes
    inputs: NDArray[np.float32]
    labels: NDArray[np.int64] | NDArray[np.float32]

    def examples(self, *, labelled: bool = True) -> Examples:
        return Examples({"x": self.inputs}, self.labels if labelled else None)


def question(task: Task, *, count: int = 1600, seed: int = 0, err: float | None = None) -> Question:
    """Return a question with `count` examples; the full model errs a little, the small one more: by `err`.

    Two of the same seed are one question, and of the larger the first examples are those of the smaller."""
    chance = np.random.default_rng(seed)
    width = _WIDTH[task]
    true = chance.normal(size=(FEATURES, width)).astype(np.float32)
    off = chance.normal(size=(FEATURES, width)).astype(np.float32)
    inputs = chance.normal(size=(count, FEATURES)).astype(np.float32)
    full, small = true + 0.03 * off[::-1], true + (_ERR[task] if err is None else err) * off
    return Question(task, _model(task, full, true), _model(task, small, true), inputs, _labels(task, inputs @ true))


def renumbered(content: bytes, order: Sequence[int]) -> bytes:
    """Return one of a question's models with its numbers in another order: the first is what was at `order[0]`."""
    model = onnx.load_model_from_string(content)
    for tensor in model.graph.initializer:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor)[:, list(order)], tensor.name))
    moved: bytes = model.SerializeToString()
    return moved


def _labels(task: Task, right: NDArray[np.float32]) -> NDArray[np.int64] | NDArray[np.float32]:
    if task == "classification":
        return right.argmax(axis=1).astype(np.int64)
    return (right > 0).astype(np.int64) if task == "multilabel" else right.astype(np.float32)


def _model(task: Task, weights: NDArray[np.float32], true: NDArray[np.float32]) -> bytes:
    nodes = [
        helper.make_node("Einsum", ["x", "w"], ["raw"], equation="nf,fw->nw"),
        helper.make_node("Sigmoid" if task == "multilabel" else "Identity", ["raw"], ["y"]),
        helper.make_node("Einsum", ["x", "error"], ["off"], equation="nf,fw->nw"),
        helper.make_node("Abs", ["off"], ["far"]),
        *(_NEAREST if task == "multilabel" else _FARTHEST),
    ]
    graph = helper.make_graph(
        nodes,
        "question",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", FEATURES])],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weights.shape[1]]),
            helper.make_tensor_value_info("sure", TensorProto.FLOAT, ["n", 1]),
        ],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(weights - true, "error")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    return model.SerializeToString()
