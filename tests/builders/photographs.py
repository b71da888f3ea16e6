"""Photographs of two kinds, dark and bright, by class in folders; and a model that tells them apart.

Its matrix is in an Einsum, which no tool makes smaller: see questions.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
from onnx import TensorProto, helper, numpy_helper

__all__ = ["SIDE", "classifier", "photographs"]

SIDE = 8


def photographs(folder: Path, count: int, *, seed: int = 0) -> Path:
    """Write FOLDER/0/*.png, which are dark, and FOLDER/1/*.png, which are bright; return the folder."""
    chance = np.random.default_rng(seed)
    for index in range(count):
        kind = index % 2
        pixels = chance.integers(100 * kind, 130 + 100 * kind, (SIDE + index % 5, SIDE + 3, 3), dtype=np.uint8)
        path = folder / str(kind) / f"{index:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(pixels).save(path)
    return folder


def classifier(bias: float = 0.0) -> bytes:
    """logits of dark and bright, of `input` FP32 [n, 3, 8, 8] from 0 to 1; `bias` speaks for bright."""
    weights = np.array([[-10.0, 10.0]], np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "one"], ["column"]),
        helper.make_node("Einsum", ["column", "w"], ["raw"], equation="nf,fw->nw"),
        helper.make_node("Add", ["raw", "b"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.array([4.5, -4.5 + bias], np.float32), "b"),
            numpy_helper.from_array(np.array([1], np.int64), "one"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()
