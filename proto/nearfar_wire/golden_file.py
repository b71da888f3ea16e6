"""Golden examples as a file, the same on a device and in the cloud: an .npz of `inputs/NAME` and `outputs/NAME`.

BYTES are arrays of numpy's S type, whose elements cannot end in NUL. What the examples are of, and how near an answer
has to come, is for either side to say."""

from __future__ import annotations

import io
import zipfile
from typing import Any, Final

import numpy as np

from nearfar_wire.errors import GoldenFileError

__all__ = ["MAX_GOLDEN_BYTES", "read_golden_file"]

Array = np.ndarray[Any, Any]  # Any: each tensor has its own datatype

MAX_GOLDEN_BYTES: Final = 64 << 20
"""The longest file that is read at all."""
_MAX_UNPACKED_BYTES: Final = 256 << 20
"""All arrays together."""


def read_golden_file(content: bytes) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return inputs and outputs by name, one output at least; BYTES as objects.

    Raises GoldenFileError."""
    try:
        named = _arrays(content)
    except Exception as error:  # a damaged archive raises whatever its parser met
        raise GoldenFileError(
            f"not an .npz of plain arrays ({type(error).__name__}), {_MAX_UNPACKED_BYTES} bytes unpacked at most"
        ) from error
    inputs = {name.removeprefix("inputs/"): array for name, array in named.items() if name.startswith("inputs/")}
    outputs = {name.removeprefix("outputs/"): array for name, array in named.items() if name.startswith("outputs/")}
    if not outputs or len(inputs) + len(outputs) != len(named):
        raise GoldenFileError("its arrays are to be named inputs/NAME and outputs/NAME, one output at least")
    return inputs, outputs


def _arrays(content: bytes) -> dict[str, Array]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_UNPACKED_BYTES:
            raise OverflowError
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: _bytes_as_objects(arrays[name]) for name in arrays.files}


def _bytes_as_objects(array: Array) -> Array:
    return array.astype(object) if array.dtype.kind == "S" else array
