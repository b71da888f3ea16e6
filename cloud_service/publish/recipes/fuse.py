"""Preparation as part of the graph: a model file that takes the pixels themselves, as bytes, channels last.

What the device then copies, and what crosses a network, is a quarter of the 32-bit floats; and no app can scale its
pictures in another way than the model wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.graph import PictureInput
from cloud_service.publish.recipes.normalisation import Normalisation

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["PIXELS", "fuse_picture"]

PIXELS: Final = "nearfar_pixels"
"""What the input of a model with preparation in front is called."""
_PREFIX: Final = "nearfar_prepare"
_MIN_OPSET: Final = 7  # Mul and Add broadcast from here on


def fuse_picture(content: bytes, taken: PictureInput, normalisation: Normalisation) -> bytes:
    """Return the model with the preparation of pictures in front; its input is PIXELS, of UINT8.

    Raises PublishError: for a graph that this cannot be put in front of."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load_model_from_string(content)
    graph = model.graph
    opset = next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
    if opset < _MIN_OPSET:
        raise PublishError(f"the model is of opset {opset}", f"convert it to opset {_MIN_OPSET} or newer")
    if any(value.name == PIXELS for value in graph.input):
        raise PublishError("preparation was put into this model before", "start from the model as it was exported")
    before = next(value for value in graph.input if value.name == taken.name)
    wanted = before.type.tensor_type.elem_type
    if wanted not in (TensorProto.FLOAT, TensorProto.FLOAT16):
        raise PublishError(f"input {taken.name!r} is no tensor of floats", "it takes the pixels as they are already")
    pixels = helper.make_tensor_value_info(PIXELS, TensorProto.UINT8, [None, taken.height, taken.width, taken.channels])
    pixels.type.tensor_type.shape.dim[0].CopyFrom(before.type.tensor_type.shape.dim[0])

    factors, summands = normalisation.linear()
    shape = (1, -1, 1, 1) if taken.layout == "nchw" else (1, 1, 1, -1)
    nodes: list[NodeProto] = []

    def then(operator: str, *more: str, **attributes: Any) -> None:  # Any: an attribute is a number or several
        current = nodes[-1].output[0] if nodes else PIXELS
        made = f"{_PREFIX}_{len(nodes)}"
        nodes.append(helper.make_node(operator, [current, *more], [made], name=made, **attributes))

    def constant(name: str, numbers: tuple[float, ...]) -> str:
        array = np.array(numbers, dtype=np.float32).reshape(shape)
        graph.initializer.append(numpy_helper.from_array(array, name))
        return name

    if taken.layout == "nchw":
        then("Transpose", perm=[0, 3, 1, 2])  # while a number is one byte
    then("Cast", to=TensorProto.FLOAT)
    if any(factor != 1.0 for factor in factors):
        then("Mul", constant(f"{_PREFIX}_factor", factors))
    if any(summands):
        then("Add", constant(f"{_PREFIX}_summand", summands))
    if wanted == TensorProto.FLOAT16:
        then("Cast", to=TensorProto.FLOAT16)
    # The input's old name is now that of the prepared tensor: no node, in a subgraph neither, has to be rewritten.
    nodes[-1].output[0] = taken.name
    for node in reversed(nodes):
        graph.node.insert(0, node)
    before.CopyFrom(pixels)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        problem = f"the graph does not stand with preparation in front ({type(error).__name__})"
        raise PublishError(problem, "prepare with --no-fuse") from error
    return model.SerializeToString()
