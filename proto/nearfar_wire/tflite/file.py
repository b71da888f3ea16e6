"""Reads a LiteRT file as far as one has to before it may be run. Pure.

Refused by name is what is not in the file: weights in other files, or beyond the end of this one; and more than one
graph, since a second one is reached only by operators that are refused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from nearfar_wire.datatypes import DATATYPES
from nearfar_wire.errors import ModelFileError, TensorError, quoted
from nearfar_wire.flatbuffer import Malformed, Table, root
from nearfar_wire.quantity import Quantity
from nearfar_wire.shapes import MAX_DIMENSIONS, element_count
from nearfar_wire.tflite.operators import HOLDS_PARTS, SIZES, Fed, misuse, refusal
from nearfar_wire.tflite.port import Port

__all__ = ["TYPES", "TfliteFile", "is_tflite", "read_tflite"]

TYPES: Final[Mapping[int, str]] = MappingProxyType(
    {
        0: "FP32",
        1: "FP16",
        2: "INT32",
        3: "UINT8",
        4: "INT64",
        6: "BOOL",
        7: "INT16",
        9: "INT8",
        10: "FP64",
        12: "UINT64",
        15: "UINT32",
        16: "UINT16",
    }
)
"""By the schema's TensorType. Text, complex numbers and those of less than 8 bits are none that can be handed over."""

_IDENTIFIER: Final = b"TFL3"
_SCHEMA: Final = 3
_QUANTIZED: Final = ("UINT8", "INT8", "INT16")
# What a file of tens of thousands of operators needs. Each costs some microseconds to look at.
_MOST: Final = 1 << 17
_MOST_CHANNELS: Final = 1 << 20
_MAX_NAME: Final = 256
_AGAIN: Final = "export it again"


@dataclass(frozen=True, slots=True)
class TfliteFile:
    """A file that may be run. `remembers`: some of its tensors have to be cleared before each run."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    remembers: bool


@dataclass(frozen=True, slots=True)
class _Tensor:
    """`told` is its shape with -1 for what may vary; () where the file does not tell."""

    name: str
    number: int
    shape: tuple[int, ...]
    told: tuple[int, ...]
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    variable: bool

    @property
    def fed(self) -> Fed:
        return Fed(TYPES.get(self.number), self.scales[0] if len(self.scales) == 1 else None)


def is_tflite(content: bytes) -> bool:
    """Tell whether `content` says of itself that it is a LiteRT file."""
    return content[4:8] == _IDENTIFIER


def read_tflite(content: bytes) -> TfliteFile:
    """Read the file `content`.

    Raises ModelFileError: for what is damaged, and for what is refused, with the reason."""
    if not is_tflite(content):
        raise ModelFileError("it is no LiteRT file (.tflite)", _AGAIN)
    try:
        return _read(content, root(content))
    except Malformed:
        raise ModelFileError("it is a damaged LiteRT file", _AGAIN) from None


def _read(content: bytes, model: Table) -> TfliteFile:
    if model.whole(0, "I") != _SCHEMA:
        raise ModelFileError(f"it has schema {model.whole(0, 'I')}", f"convert it to schema {_SCHEMA}")
    graphs = model.tables(2, _MOST)
    if len(graphs) != 1:
        raise ModelFileError(
            f"it has {len(graphs)} graphs", "export one signature by itself, without branches and loops"
        )
    graph = graphs[0]
    buffers = _buffers(content, model)
    tensors = [_tensor(table, buffers) for table in graph.tables(0, _MOST)]
    codes = [_code(table) for table in model.tables(1, _MOST)]
    for operator in graph.tables(3, _MOST):
        _check_operator(operator, codes, tensors)
    signature = _signature(model)
    inputs = _ports(graph.wholes(1, "i", _MOST), tensors, signature, 0)
    outputs = _ports(graph.wholes(2, "i", _MOST), tensors, signature, 1)
    if not inputs or not outputs:
        raise ModelFileError("it takes nothing, or gives nothing", _AGAIN)
    return TfliteFile(inputs, outputs, any(tensor.variable for tensor in tensors))


def _buffers(content: bytes, model: Table) -> int:
    """Return how many buffers there are, all of whose bytes are in the file."""
    if model.count(8, 4) or model.count(9, 4):
        raise ModelFileError("it has weights in other files", "export it with its weights inside")
    buffers = model.tables(4, _MOST)
    for buffer in buffers:
        buffer.count(0, 1)
        start, size = buffer.whole(1, "Q"), buffer.whole(2, "Q")
        if start > 1 and start + size > len(content):  # up to 1: none, the weights are in the table
            raise ModelFileError("it has weights beyond its end", "it was cut off: copy it again")
    return len(buffers)


def _code(code: Table) -> int:
    old, new = code.whole(0, "b"), code.whole(3, "i")
    if old < 0 or new < 0:
        raise Malformed
    number = max(old, new)  # as the library reads it: the old field has one byte
    why = refusal(number, quoted(code.text(1)))
    if why:
        raise ModelFileError(f"it has operator {why}", "export it with built-in operators alone")
    return number


def _tensor(table: Table, buffers: int) -> _Tensor:
    if table.whole(2, "I") >= buffers:
        raise Malformed
    if table.whole(10, "I"):
        raise ModelFileError("it has weights in other files", "export it with its weights inside")
    shape = table.wholes(0, "i", MAX_DIMENSIONS)
    try:
        element_count("", shape)
    except TensorError:
        raise Malformed from None
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    quantization = table.table(4)
    if quantization is not None:
        scales = quantization.numbers(2, "f", _MOST_CHANNELS)
        zero_points = quantization.wholes(3, "q", _MOST_CHANNELS)
    if not all(math.isfinite(scale) and scale > 0 for scale in scales):
        raise ModelFileError("it has a tensor whose scale is no positive number", "quantize it again")
    told = table.wholes(7, "i", MAX_DIMENSIONS)
    number, variable = table.whole(1, "b"), bool(table.whole(5, "b"))
    return _Tensor(table.text(3), number, shape, told, scales, zero_points, variable)


def _check_operator(operator: Table, codes: Sequence[int], tensors: Sequence[_Tensor]) -> None:
    index = operator.whole(0, "I")
    if index >= len(codes):
        raise Malformed
    _fed(operator.wholes(8, "i", _MOST), tensors)
    inputs, outputs = (_fed(operator.wholes(place, "i", _MOST), tensors) for place in (1, 2))
    code, options = codes[index], operator.table(4)
    parts = _option(options, 0, 0) if code in HOLDS_PARTS else None
    sizes = [_option(options, place, default) for place, default in SIZES.get(code, {}).items()]
    why = misuse(code, inputs, outputs, parts=parts, sizes=sizes)
    if why:
        raise ModelFileError(f"it has an operator (number {code}) that {why}", _AGAIN)


def _option(options: Table | None, place: int, default: int) -> int:
    return default if options is None else options.whole(place, "i", default)


def _fed(indices: Sequence[int], tensors: Sequence[_Tensor]) -> list[Fed | None]:
    if any(not -1 <= index < len(tensors) for index in indices):
        raise Malformed
    return [None if index < 0 else tensors[index].fed for index in indices]


def _signature(model: Table) -> Table | None:
    """Return the signature that is served by default, or the first."""
    signatures = model.tables(7, _MOST)
    return min(signatures, key=lambda signature: signature.text(2) != "serving_default", default=None)


def _ports(indices: Sequence[int], tensors: Sequence[_Tensor], signature: Table | None, place: int) -> tuple[Port, ...]:
    """Return the ports at `indices`, called as the signature does, or as their tensors are."""
    if any(not 0 <= index < len(tensors) for index in indices):
        raise Malformed
    named = {} if signature is None else {one.whole(1, "I"): one.text(0) for one in signature.tables(place, _MOST)}
    if any(index not in named for index in indices):
        named = {index: tensors[index].name for index in indices}
    if len({named[index] for index in indices}) != len(indices):
        raise ModelFileError("it has two inputs, or two outputs, of one name", "rename one")
    return tuple(_port(index, tensors[index], named[index]) for index in indices)


def _port(index: int, tensor: _Tensor, called: str) -> Port:
    if not 0 < len(called) <= _MAX_NAME:
        raise ModelFileError(f"it has an input or output whose name has {len(called)} characters", "name it")
    datatype = TYPES.get(tensor.number)
    if datatype is None:
        raise ModelFileError(
            f"{quoted(called)} is of type {tensor.number}, which cannot be handed over", "export it with numbers"
        )
    shape = tensor.told if len(tensor.told) == len(tensor.shape) else tensor.shape
    if any(size < 1 and size != -1 for size in shape):
        raise ModelFileError(f"{quoted(called)} has shape {list(shape)}", _AGAIN)
    return Port(called, index, datatype, shape, _quantity(called, datatype, tensor))


def _quantity(called: str, datatype: str, tensor: _Tensor) -> Quantity | None:
    if not tensor.scales or datatype not in _QUANTIZED:
        return None
    zero_points = tensor.zero_points or (0,)
    limits = np.iinfo(DATATYPES[datatype].name)
    if len(tensor.scales) != 1 or len(zero_points) != 1 or not limits.min <= zero_points[0] <= limits.max:
        raise ModelFileError(f"{quoted(called)} is not quantized by one scale and zero point", "quantize it again")
    return Quantity(datatype, tensor.scales[0], zero_points[0])
