"""Tensors as the bytes of `raw_input_contents` and `raw_output_contents`. Pure.

Numbers are little-endian and row-major, and are read as a view over the bytes that arrived, without a copy. The
protocol does not say how BYTES look here; as the other implementations do, each element follows its length, a 4-byte
little-endian integer. What is decoded has exactly the bytes that its shape asks for, and lies in memory as a runtime
needs it; no error carries a value."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, datatype_of, dtype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.fields import MAX_FIELDS, Content
from nearfar_wire.shapes import element_count

__all__ = ["aligned", "from_raw", "to_raw", "utf8"]

_LENGTH: Final = struct.Struct("<I")

# Any below: numpy's dtype is decided by the datatype, at run time.


def to_raw(name: str, array: np.ndarray[Any, Any]) -> bytes:
    """Return the bytes of `array`, of whatever memory layout and byte order.

    Raises TensorError: for a numpy type that the protocol does not have, or an element that is neither bytes nor
    text."""
    datatype = datatype_of(array.dtype, name)
    if datatype == BYTES:
        return _bytes_to_raw(name, array)
    return array.astype(dtype_of(datatype), copy=False).tobytes()


def aligned(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return `array`, or a copy where its numbers do not begin at multiples of their size; a runtime may need that."""
    return array if array.flags.aligned else array.copy()


def from_raw(name: str, datatype: str, shape: Sequence[int], content: Content) -> np.ndarray[Any, Any]:
    """Return the tensor that `content` holds; numbers may be a read-only view over it, BYTES an array of `bytes`.

    Raises TensorError: when datatype, shape and content do not agree."""
    dtype = dtype_of(datatype, name)
    count = element_count(name, shape)
    if datatype == BYTES:
        return _bytes_from_raw(name, shape, count, content)
    if len(content) != count * dtype.itemsize:
        raise TensorError(
            name,
            f"{datatype} {list(shape)} takes {count * dtype.itemsize} bytes of raw contents, {len(content)} were sent",
        )
    array: np.ndarray[Any, Any] = np.frombuffer(content, dtype)
    # Any byte but 0 and 1 would make a numpy bool that is neither.
    if datatype == "BOOL" and count and array.view(np.uint8).max() > 1:
        raise TensorError(name, "BOOL takes one byte an element, 0 or 1; another byte was sent")
    return aligned(array).reshape(shape)


def _bytes_to_raw(name: str, array: np.ndarray[Any, Any]) -> bytes:
    parts: list[bytes] = []
    for element in array.ravel().tolist():
        if isinstance(element, str):
            content = utf8(name, element)
        elif isinstance(element, bytes):
            content = element
        else:
            raise TensorError(name, f"BYTES takes elements of bytes or str, not {type(element).__name__}")
        parts.append(_LENGTH.pack(len(content)))
        parts.append(content)
    return b"".join(parts)


def utf8(name: str, element: str) -> bytes:
    """Return an element of the tensor `name`, which is text, as bytes. Raises TensorError: it has no UTF-8."""
    try:
        return element.encode()
    except UnicodeEncodeError:
        # Not chained: the cause quotes the text.
        raise TensorError(name, "holds text with a lone surrogate, which UTF-8 cannot carry; pass bytes") from None


def _bytes_from_raw(name: str, shape: Sequence[int], count: int, content: Content) -> np.ndarray[Any, Any]:
    total = len(content)
    if count > MAX_FIELDS:
        raise TensorError(name, f"holds {count} strings; a message may have at most {MAX_FIELDS}, send several")
    if count * _LENGTH.size > total:
        raise TensorError(name, f"BYTES {list(shape)} takes at least {count * _LENGTH.size} bytes, {total} were sent")
    array = np.empty(count, dtype=object)
    start = 0
    for index in range(count):
        if start + _LENGTH.size > total:
            raise TensorError(name, f"the {total} bytes sent end before element {index} of {count}")
        (length,) = _LENGTH.unpack_from(content, start)
        start += _LENGTH.size
        if length > total - start:
            raise TensorError(name, f"element {index} of {count} runs past the end of the {total} bytes sent")
        array[index] = bytes(content[start : start + length])
        start += length
    if start != total:
        raise TensorError(name, f"{total - start} bytes follow the last of {count} elements")
    return array.reshape(shape)
