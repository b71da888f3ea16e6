"""Tensors as the typed fields of InferTensorContents: read, never written, because raw contents cost less. Pure.

Read from the bytes of that message: parsed, two bytes of it would become fifty. One table says which field carries
which datatype. Narrow integers ride in 32 bits, and are refused when they do not fit; FP16 has no field. The count is
compared with the shape before an element is decoded; floating-point numbers may be a read-only view over the bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, dtype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.fields import LENGTH_DELIMITED, MAX_INTEGER_BYTES, VARINT, Allowance, Content, tag, walk
from nearfar_wire.inference_pb2 import InferTensorContents
from nearfar_wire.raw import aligned
from nearfar_wire.shapes import element_count
from nearfar_wire.varints import count_varints, decode_varints

__all__ = ["FIELDS", "from_contents"]

FIELDS: Final[Mapping[str, str]] = {
    "BOOL": "bool_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    BYTES: "bytes_contents",
}

_NAMES: Final = {field.number: field.name for field in InferTensorContents.DESCRIPTOR.fields}
_NUMBERS: Final = {name: number for number, name in _NAMES.items()}
# How one element is written that stands alone; several together are packed into one field, which every client does.
_ALONE: Final = {"fp32_contents": 5, "fp64_contents": 1, "bytes_contents": LENGTH_DELIMITED}
# The integers that ride in 32 bits, and with which sign.
_CARRIERS: Final = {"int_contents": np.dtype("<i4"), "uint_contents": np.dtype("<u4")}

Array = np.ndarray[Any, Any]  # Any: decided by the datatype


def from_contents(name: str, datatype: str, shape: Sequence[int], message: Content, allowance: Allowance) -> Array:
    """Return the tensor that the field for `datatype` holds; `message` is the bytes of an InferTensorContents.

    Raises TensorError: when another field is filled, the count differs from the shape's, or a value is out of range.
    Raises MessageError: when the bytes are no such message."""
    dtype = dtype_of(datatype, name)
    count = element_count(name, shape)
    field = FIELDS.get(datatype)
    if field is None:
        raise TensorError(name, f"{datatype} has no typed contents; send it as raw contents")
    if datatype == BYTES:
        return _strings(name, shape, count, message, allowance)
    content = _packed(name, datatype, field, message, allowance)
    fixed = dtype.kind == "f"
    held, rest = divmod(len(content), dtype.itemsize) if fixed else (count_varints(content), 0)
    if held != count or rest:
        raise TensorError(name, f"{datatype} {list(shape)} takes {count} elements, {field} holds {held}")
    if fixed:
        return aligned(np.frombuffer(content, dtype)).reshape(shape)
    allowance.integer_bytes -= len(content)
    if allowance.integer_bytes < 0:
        raise TensorError(name, f"{field} of more than {MAX_INTEGER_BYTES} bytes a message; send raw contents")
    return _integers(name, datatype, dtype, field, count, content).reshape(shape)


def _packed(name: str, datatype: str, field: str, message: Content, allowance: Allowance) -> Content:
    """Return the field's elements as if they had been packed once; the other fields have to be empty."""
    found: Content = b""
    joined: bytearray | None = None
    alone = _alone(field)
    for found_tag, start, end in walk(message, 0, len(message), allowance):
        if found_tag != alone and not _filled(name, datatype, field, found_tag, start, end):
            continue
        if joined is not None:
            joined += message[start:end]
        elif len(found):
            joined = bytearray(found) + message[start:end]
        else:
            found = memoryview(message)[start:end]
    return found if joined is None else memoryview(joined)


def _strings(name: str, shape: Sequence[int], count: int, message: Content, allowance: Allowance) -> Array:
    # An empty element has two bytes: the field's number and its length.
    if count * 2 > len(message):
        raise TensorError(name, f"BYTES {list(shape)} takes {count} elements, more than bytes_contents holds")
    array = np.empty(count, dtype=object)
    index = 0
    alone = _alone(FIELDS[BYTES])
    for found_tag, start, end in walk(message, 0, len(message), allowance):
        if found_tag != alone and not _filled(name, BYTES, FIELDS[BYTES], found_tag, start, end):
            continue
        if index == count:
            raise TensorError(name, f"BYTES {list(shape)} takes {count} elements, bytes_contents holds more")
        array[index] = bytes(message[start:end])
        index += 1
    if index != count:
        raise TensorError(name, f"BYTES {list(shape)} takes {count} elements, bytes_contents holds {index}")
    return array.reshape(shape)


def _alone(field: str) -> int:
    """Return the tag of one element, which is quickest to compare where there are many."""
    return tag(_NUMBERS[field], _ALONE.get(field, VARINT))


def _filled(name: str, datatype: str, field: str, found_tag: int, start: int, end: int) -> bool:
    """Tell whether a field of the message holds elements. Raises TensorError: where it is not `field` and does."""
    filled = _NAMES.get(found_tag >> 3)
    if filled is None:
        return False
    kind, alone = found_tag & 7, _ALONE.get(filled, VARINT)
    if kind not in (alone, LENGTH_DELIMITED) or (kind != alone and start == end):
        return False  # another kind than the field's is an unknown field; nothing packed is nothing
    if filled != field:
        raise TensorError(name, f"{datatype} is read from {field}, but {filled} is filled")
    return True


def _integers(name: str, datatype: str, dtype: np.dtype[Any], field: str, count: int, content: Content) -> Array:
    array = np.empty(count, dtype)
    carrier = _CARRIERS.get(field, dtype)
    done = 0
    for numbers in decode_varints(content):
        into = array[done : done + numbers.size]
        done += numbers.size
        if dtype.kind == "b":
            np.not_equal(numbers, 0, out=into)
            continue
        wide = numbers.astype(carrier)  # keeps the low bits, as protobuf does
        if carrier != dtype:
            limits = np.iinfo(dtype.name)
            if wide.min() < limits.min or wide.max() > limits.max:
                raise TensorError(name, f"a value does not fit {datatype}, which holds {limits.min} to {limits.max}")
        into[...] = wide
    return array
