"""Both ends say how likely classes are in the same way: an app that reads an answer does not ask where it came from.

Where one end gives probabilities and the other what a softmax makes them of, the other gets that into its graph."""

from __future__ import annotations

from typing import Final

from cloud_service.publish.errors import PublishError
from nearfar_wire.tflite import is_tflite

__all__ = ["with_softmax"]

_OUTPUT: Final = "nearfar_probabilities"
_ADVICE: Final = "export both models with a softmax, or both without"


def with_softmax(file: str, content: bytes, output: str) -> tuple[bytes, str]:
    """Return the model with a softmax over `output`'s last axis in its place, and the new output's name.

    Raises PublishError: for a file that is no ONNX, or does not stand with it; `file` names it."""
    import onnx
    from onnx import helper

    if is_tflite(content):
        raise PublishError(f"{file} gives no probabilities, and the other model does", _ADVICE)
    model = onnx.load_model_from_string(content)
    graph = model.graph
    port = next(value for value in graph.output if value.name == output)
    graph.node.append(helper.make_node("Softmax", [output], [_OUTPUT], name=_OUTPUT, axis=-1))
    made = onnx.ValueInfoProto()
    made.CopyFrom(port)
    made.name = _OUTPUT
    port.CopyFrom(made)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        problem = f"{file}: the graph does not stand with a softmax at its end ({type(error).__name__})"
        raise PublishError(problem, _ADVICE) from error
    return model.SerializeToString(), _OUTPUT
