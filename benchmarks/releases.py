"""The two models that overhead is measured against: the demo's digits, and convolutions of about a millisecond."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from nearfar_wire.digest import digest_of

__all__ = ["one_millisecond"]


def one_millisecond(folder: Path) -> Path:
    """Write a release whose model takes about 1 ms on one thread: seven 3x3 convolutions of 32 channels at 32x32."""
    chance = np.random.default_rng(0)
    nodes, weights, current, channels = [], [], "image", 3
    for layer in range(7):
        kernel = (chance.standard_normal((32, channels, 3, 3)) * 0.1).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"w{layer}"))
        nodes.append(helper.make_node("Conv", [current, f"w{layer}"], [f"conv{layer}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"conv{layer}"], [f"relu{layer}"]))
        current, channels = f"relu{layer}", 32
    classes = chance.standard_normal((32, 10)).astype(np.float32)
    weights.append(numpy_helper.from_array(classes, "classes"))
    nodes += [
        helper.make_node("GlobalAveragePool", [current], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("MatMul", ["features", "classes"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 32, 32])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 10])
    graph = helper.make_graph(nodes, "one_millisecond", [image], [probabilities], weights)
    content = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    (folder / "manifest.toml").write_text(
        f"""\
schema = 1
name = "images"
version = 1

[[inputs]]
name = "image"
datatype = "FP32"
shape = [-1, 3, 32, 32]

[[outputs]]
name = "probabilities"
datatype = "FP32"
shape = [-1, 10]

[device]
file = "model.onnx"
digest = "{digest_of(content)}"

[remote]
model = "images"

[score]
output = "probabilities"
""",
        encoding="utf-8",
    )
    return folder
