"""Tensors as the typed fields of InferTensorContents: read, never written, because raw contents cost a hundredth. Pure.

One table says which field carries which datatype. Narrow integers ride in 32 bits, and are refused when they do not
fit; FP16 has no field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, dtype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.inference_pb2 import InferTensorContents
from nearfar_wire.shapes import element_count

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

_CARRIERS: Final = {"int_contents": np.dtype("<i4"), "uint_contents": np.dtype("<u4")}


def from_contents(
    name: str, datatype: str, shape: Sequence[int], contents: InferTensorContents
) -> np.ndarray[Any, Any]:  # Any: decided by the datatype
    """Return the tensor that the field for `datatype` holds.

    Raises TensorError: when another field is filled, the count differs from the shape's, or a value is out of range."""
    dtype = dtype_of(datatype, name)
    count = element_count(name, shape)
    field = FIELDS.get(datatype)
    if field is None:
        raise TensorError(name, f"{datatype} has no typed contents; send it as raw contents")
    for filled, _ in contents.ListFields():
        if filled.name != field:
            raise TensorError(name, f"{datatype} is read from {field}, but {filled.name} is filled")
    values = getattr(contents, field)
    if len(values) != count:
        raise TensorError(name, f"{datatype} {list(shape)} takes {count} elements, {field} holds {len(values)}")
    if datatype == BYTES:
        array = np.empty(count, dtype=object)
        array[:] = list(values)
        return array.reshape(shape)
    return _narrow(name, datatype, np.array(values, dtype=_CARRIERS.get(field, dtype)), dtype).reshape(shape)


def _narrow(name: str, datatype: str, wide: np.ndarray[Any, Any], dtype: np.dtype[np.generic]) -> np.ndarray[Any, Any]:
    if wide.dtype == dtype:
        return wide
    limits = np.iinfo(dtype.name)
    if wide.size and (wide.min() < limits.min or wide.max() > limits.max):
        raise TensorError(name, f"a value does not fit {datatype}, which holds {limits.min} to {limits.max}")
    return wide.astype(dtype)
