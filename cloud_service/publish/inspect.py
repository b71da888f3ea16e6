"""What a model file is, before anything runs it: operators, sizes, what it takes and gives, and what kind of graph.

What is unsafe is refused first, from the bytes (nearfar_wire.onnx_file), then what the standard's own checker finds
wrong, in its words: they are about the publisher's own file. The kind decides what is worth trying on it: matrices
shrink otherwise than convolutions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from cloud_service.publish.errors import PublishError
from nearfar_wire.errors import ModelFileError, quoted
from nearfar_wire.onnx_file import scan

__all__ = ["Inspection", "Port", "inspect"]

_MAX_BYTES: Final = (2 << 30) - 1
_MAX_WORDS: Final = 300
_MATRIX: Final = frozenset({"MatMul", "Gemm", "Attention", "LSTM", "GRU", "FusedMatMul"})
_CONVOLUTION: Final = frozenset({"Conv", "ConvTranspose"})
_ATTENTION: Final = frozenset({"Softmax", "Attention", "MultiHeadAttention"})
_QUANTIZED: Final = ("QuantizeLinear", "DequantizeLinear", "QLinear", "MatMulInteger", "DynamicQuantize", "ConvInteger")


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output; its type is that of its elements, or "sequence" and the like where it is no tensor.

    A dimension that may vary is None, or its name where it has one. Without a shape even their number may vary."""

    name: str
    type: str
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """See the module. `opset` is the standard's; 0: the model uses none of its operators. `parameters` counts the
    numbers of all weights, and `operators` nodes, wherever in the model they are."""

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
            for axis, size in enumerate(port.shape or ())
            if not isinstance(size, int)
        )


def inspect(content: bytes) -> Inspection:
    """Look at the model file `content`; nothing of it is run.

    Raises PublishError: for what is no ONNX model, is too large, or is unsafe, which is named."""
    if len(content) > _MAX_BYTES:
        raise PublishError(f"the model has {len(content)} bytes", f"ONNX files have at most {_MAX_BYTES}")
    try:
        operators = Counter(scan(content).operators)
    except ModelFileError as error:
        raise PublishError(f"the model cannot be used: {error.problem}", error.advice) from error
    model = _read(content)
    graph = model.graph
    if not graph.output:
        raise PublishError("the model has no output", "export it with the output that is its answer")
    weights = {tensor.name for tensor in graph.initializer}
    return Inspection(
        opset=next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0),
        inputs=tuple(_port(value) for value in graph.input if value.name not in weights),
        outputs=tuple(_port(value) for value in graph.output),
        size_bytes=len(content),
        parameters=sum(_elements(tensor.dims) for tensor in _weights(model)),
        operators=dict(sorted(operators.items())),
        kind=_kind(operators),
        quantized=any(name.startswith(_QUANTIZED) for name in operators),
    )


def _read(content: bytes) -> Any:  # Any: ModelProto
    import onnx

    try:
        model = onnx.load_model_from_string(content)
        values = [*model.graph.input, *model.graph.output]
        shapeless = [value for value in values if _is_tensor(value) and not value.type.tensor_type.HasField("shape")]
        # The checker wants a shape of each; runtimes do without, and exporters leave it out.
        for value in shapeless:
            value.type.tensor_type.shape.SetInParent()
        onnx.checker.check_model(model, full_check=False)
        for value in shapeless:
            value.type.tensor_type.ClearField("shape")
    except Exception as error:  # a strange file raises whatever its parser, or the checker, met
        words = " ".join(str(error).split())[:_MAX_WORDS] or type(error).__name__
        raise PublishError(f"the file is not a valid ONNX model ({words})", "export it again") from error
    return model


def _weights(model: Any) -> Iterator[Any]:  # Any: ModelProto, TensorProto
    graphs = [model.graph]
    nodes = [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if graphs:
            graph = graphs.pop()
            yield from graph.initializer
            yield from (sparse.values for sparse in graph.sparse_initializer)
            nodes.extend(graph.node)
            continue
        for attribute in nodes.pop().attribute:
            sparse = (part.values for part in (attribute.sparse_tensor, *attribute.sparse_tensors))
            # What is not there reads as an empty message, of no type.
            yield from (part for part in (attribute.t, *attribute.tensors, *sparse) if part.data_type)
            graphs.extend((attribute.g, *attribute.graphs))


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


def _is_tensor(value: Any) -> bool:  # Any: ValueInfoProto
    return bool(value.type.WhichOneof("value") == "tensor_type")


def _port(value: Any) -> Port:  # Any: as above
    import onnx

    if not _is_tensor(value):
        kind = value.type.WhichOneof("value") or "nothing"
        return Port(value.name, kind.removesuffix("_type").replace("_", " "), None)
    tensor = value.type.tensor_type
    try:
        element = onnx.TensorProto.DataType.Name(tensor.elem_type)
    except ValueError as error:
        problem = f"{quoted(value.name)} has elements of type {tensor.elem_type}, which ONNX does not have"
        raise PublishError(problem, "export it again") from error
    shape = tuple(dim.dim_value if dim.HasField("dim_value") else (dim.dim_param or None) for dim in tensor.shape.dim)
    return Port(value.name, element, shape if tensor.HasField("shape") else None)


def _elements(dims: Any) -> int:  # Any: a repeated field
    count = 1
    for size in dims:
        count *= size
    return count
