"""Smaller without other arithmetic: a simplified graph, half the bits, or weights alone in few bits."""

from __future__ import annotations

import warnings
from typing import Any, Final

from cloud_service.publish.candidates.candidate import Unsuited

__all__ = ["half", "simplified", "weight_only"]

_BLOCK: Final = 32


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
    """Return the model in 16-bit floats; its inputs and outputs stay as they are."""
    import onnx
    from onnxconverter_common import float16

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one a weight that is next to nothing
        model: Any = float16.convert_float_to_float16(onnx.load_model_from_string(content), keep_io_types=True)
    made: bytes = model.SerializeToString()
    return made


def weight_only(content: bytes, bits: int) -> bytes:
    """Return the model with its matrices' weights in `bits` bits, in blocks; computed in floats. Raises Unsuited."""
    import onnx
    from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

    model = onnx.load_model_from_string(content)
    quantizer = MatMulNBitsQuantizer(model, bits=bits, block_size=_BLOCK, is_symmetric=True)
    quantizer.process()
    made = quantizer.model.model
    if not any(node.op_type == "MatMulNBits" for node in made.graph.node):
        raise Unsuited("no matrix of it has constant weights")
    content_made: bytes = made.SerializeToString()
    return content_made
