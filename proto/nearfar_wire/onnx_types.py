"""What onnxruntime calls its types in the protocol, and its text in the protocol's bytes. Pure: imports no onnxruntime.

Its strings are text. BYTES objects would reach a model as their repr, so they are decoded on the way in, as UTF-8, and
encoded on the way out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES

__all__ = ["DATATYPE_OF", "bytes_of", "shape_of", "text_of"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the model's, known when it is loaded

DATATYPE_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tensor(bool)": "BOOL",
        "tensor(uint8)": "UINT8",
        "tensor(uint16)": "UINT16",
        "tensor(uint32)": "UINT32",
        "tensor(uint64)": "UINT64",
        "tensor(int8)": "INT8",
        "tensor(int16)": "INT16",
        "tensor(int32)": "INT32",
        "tensor(int64)": "INT64",
        "tensor(float16)": "FP16",
        "tensor(float)": "FP32",
        "tensor(double)": "FP64",
        "tensor(string)": BYTES,
    }
)
"""By what onnxruntime says of an input or output; a type that is not here cannot cross the wire."""


def shape_of(declared: Sequence[int | str | None]) -> tuple[int, ...]:
    """Return a shape as onnxruntime tells it, with -1 for what has a name, or nothing, in place of a size."""
    return tuple(size if isinstance(size, int) else -1 for size in declared)


def text_of(array: Array) -> Array:
    """Return a BYTES tensor as the text that onnxruntime takes.

    Raises UnicodeDecodeError: whose text quotes the element, and is not to be shown."""
    text = np.empty(array.shape, object)
    text.reshape(-1)[:] = [e.decode("utf-8") if isinstance(e, bytes) else str(e) for e in array.reshape(-1)]
    return text


def bytes_of(array: Array) -> Array:
    """Return text that onnxruntime gave as a BYTES tensor."""
    encoded = np.empty(array.shape, object)
    encoded.reshape(-1)[:] = [str(element).encode("utf-8") for element in array.reshape(-1)]
    return encoded
