"""Smaller without calibration: a simplified graph, half the bits, or weights in few bits."""

from __future__ import annotations

import warnings
from typing import Any, Final

from cloud_service.publish.candidates.candidate import Unsuited

__all__ = ["half", "simplified", "weight_only"]

_BLOCK: Final = 32
# Activations are rounded to 8 bits while they are multiplied, a row and a block at a time, so an answer does not depend
# on its batch mates. Computed in floats, 8-bit weights take seven times as long as this (an encoder like MiniLM).
_COMPUTE_IN_8_BITS: Final = 4


def simplified(content: bytes) -> bytes:
    """Return the model with constants folded and what does nothing left out. Raises Unsuited."""
    import onnx
    import onnxsim

    model, same = onnxsim.simplify(onnx.load_model_from_string(content), skip_shape_inference=True)
    if not same:
        raise Unsuited("the simplified graph answers otherwise")
    made: bytes = model.SerializeToString()
    if len(model.graph.node) >= len(onnx.load_model_from_string(content).graph.node):
        raise Unsuited("there is nothing to simplify")
    return made


def half(content: bytes) -> bytes:
    """Return the model in 16-bit floats; its inputs and outputs stay as they are. Raises Unsuited.

    Half the size. On a CPU without such arithmetic it is computed in 32 bits all the same, and hardly faster."""
    import onnx
    from onnxconverter_common import float16

    model = onnx.load_model_from_string(content)
    if any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer):
        raise Unsuited("its numbers have 16 bits already")
    # The tool leaves a cast to 32 bits as it is, and says that what it gives has 16. By name: it adds casts of its own,
    # and never ends where those are kept, too.
    kept: list[str] = []
    for index, node in enumerate(model.graph.node):
        if node.op_type == "Cast" and any(part.i == onnx.TensorProto.FLOAT for part in node.attribute):
            node.name = f"nearfar_cast_{index}"
            kept.append(node.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one a weight that is next to nothing
        made: Any = float16.convert_float_to_float16(model, keep_io_types=True, node_block_list=kept)
    content_made: bytes = made.SerializeToString()
    return content_made


def weight_only(content: bytes, *, bits: int) -> bytes:
    """Return the model with its matrices' weights in `bits` bits, a scale a block. Raises Unsuited."""
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    model = onnx.load_model_from_string(content)
    quantizer = MatMulNBitsQuantizer(
        model, bits=bits, block_size=_BLOCK, is_symmetric=True, accuracy_level=_COMPUTE_IN_8_BITS
    )
    quantizer.process()
    made = quantizer.model.model
    if not any(node.op_type == "MatMulNBits" for node in made.graph.node):
        raise Unsuited("no matrix of it has constant weights")
    content_made: bytes = made.SerializeToString()
    return content_made
