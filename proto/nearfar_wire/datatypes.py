"""The protocol's datatypes and numpy's, one table. Pure.

BF16 has no numpy type and is refused by name; every other numpy number and BYTES can cross the wire."""

from __future__ import annotations

from typing import Final

import numpy as np

from nearfar_wire.errors import TensorError, quoted

__all__ = ["BYTES", "DATATYPES", "datatype_of", "dtype_of"]

BYTES: Final = "BYTES"

# On the wire numbers are little-endian whatever the host is.
DATATYPES: Final[dict[str, np.dtype[np.generic]]] = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
    BYTES: np.dtype("O"),
}

_NAMES: Final = {(dtype.kind, dtype.itemsize): name for name, dtype in DATATYPES.items() if name != BYTES}


def dtype_of(datatype: str, tensor: str | None = None) -> np.dtype[np.generic]:
    """Return the little-endian numpy type for a protocol datatype; BYTES is the object type.

    Raises TensorError: for a name the protocol does not have, or that numpy cannot hold (BF16)."""
    try:
        return DATATYPES[datatype]
    except KeyError:
        raise TensorError(tensor, f"datatype {quoted(datatype)} is not one of {', '.join(DATATYPES)}") from None


def datatype_of(dtype: np.dtype[np.generic], tensor: str | None = None) -> str:
    """Return the protocol's name for a numpy type; objects, bytes and text are BYTES.

    Raises TensorError: for a type the protocol does not have, such as complex numbers or dates."""
    if dtype.kind in "OSU":
        return BYTES
    try:
        return _NAMES[dtype.kind, dtype.itemsize]
    except KeyError:
        raise TensorError(tensor, f"numpy type {dtype} has no datatype in the protocol") from None
