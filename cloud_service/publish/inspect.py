"""What a model file is, before anything runs it: operators, sizes, what it takes and gives, and what kind of graph.

The kind decides what is worth trying on it: matrices shrink otherwise than convolutions."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any, Final, Literal

from cloud_service.publish.errors import PublishError

__all__ = ["Inspection", "Port", "inspect"]

_MAX_BYTES: Final = (2 << 30) - 1
_MATRIX: Final = frozenset({"MatMul", "Gemm", "Attention", "LSTM", "GRU", "FusedMatMul"})
_CONVOLUTION: Final = frozenset({"Conv", "ConvTranspose"})
_ATTENTION: Final = frozenset({"Softmax", "Attention", "MultiHeadAttention"})
_QUANTIZED: Final = ("QuantizeLinear", "DequantizeLinear", "QLinear", "MatMulInteger", "DynamicQuantize", "ConvInteger")


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output. A dimension that may vary is None, or its name where it has one."""

    name: str
    type: str
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """See the module. `parameters` counts the numbers of all weights."""

    opset: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    size_bytes: int
    parameters: int
    operators: dict[str, int]
    kind: Literal["transformer", "matrix", "convolution", "mixed", "other"]
    quantized: bool

    @property
    def dynamic(self) -> tuple[str, ...]:
        """Axes that may vary, as INPUT[AXIS]."""
        return tuple(
            f"{port.name}[{axis}]"
            for port in self.inputs
            for axis, size in enumerate(port.shape)
            if not isinstance(size, int)
        )


def inspect(content: bytes) -> Inspection:
    """Look at the model file `content`; nothing of it is run.

    Raises PublishError: for what is no ONNX model, is too large, or is unsafe, which is named."""
    import onnx

    if len(content) > _MAX_BYTES:
        raise PublishError(f"the model has {len(content)} bytes", f"ONNX files have at most {_MAX_BYTES}")
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model, full_check=False)
    except Exception as error:  # a damaged file raises whatever its parser met
        raise PublishError(f"the file is not an ONNX model ({type(error).__name__})", "export it again") from error
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    operators = Counter(node.op_type for node in graph.node)
    return Inspection(
        opset=next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0),
        inputs=tuple(_port(value) for value in graph.input if value.name not in weights),
        outputs=tuple(_port(value) for value in graph.output),
        size_bytes=len(content),
        parameters=sum(_elements(tensor.dims) for tensor in graph.initializer),
        operators=dict(sorted(operators.items())),
        kind=_kind(operators),
        quantized=any(name.startswith(_QUANTIZED) for name in operators),
    )


def _kind(
    operators: Counter[str],
) -> Literal["transformer", "matrix", "convolution", "mixed", "other"]:
    matrices = sum(count for name, count in operators.items() if name in _MATRIX)
    convolutions = sum(count for name, count in operators.items() if name in _CONVOLUTION)
    normalised = operators["LayerNormalization"] + operators["SkipLayerNormalization"] + operators["ReduceMean"]
    if matrices >= 4 and normalised >= 2 and any(name in _ATTENTION for name in operators):
        return "transformer" if convolutions <= 1 else "mixed"
    if convolutions > 0:
        # A classifier of pictures ends in a matrix or two.
        return "convolution" if matrices <= 2 else "mixed"
    return "matrix" if matrices else "other"


def _port(value: Any) -> Port:  # Any: ValueInfoProto
    import onnx

    tensor = value.type.tensor_type
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or None) for dim in tensor.shape.dim)
    return Port(value.name, onnx.TensorProto.DataType.Name(tensor.elem_type), shape)


def _elements(dims: Any) -> int:  # Any: a repeated field
    count = 1
    for size in dims:
        count *= size
    return count
