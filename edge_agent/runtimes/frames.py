"""What goes through the pipes between an agent and the process that runs a model: a header, and tensors behind it.

The header is JSON, after its length; each tensor's bytes are as the protocol's raw contents are (nearfar_wire.raw).
Nothing is ever unpickled: what comes out of a process whose native code has gone wrong can be damaged, and is
refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from nearfar_wire.datatypes import BYTES, datatype_of, dtype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.raw import to_raw
from nearfar_wire.shapes import element_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BrokenFrame", "read_frame", "write_frame"]

_LENGTH: Final = struct.Struct("<I")
_MAX_HEADER_BYTES: Final = 1 << 20
# A protobuf, and so an ONNX file, cannot be larger; no answer of a device's model comes near it.
_MAX_TENSOR_BYTES: Final = 1 << 31

Header = dict[str, Any]  # Any: JSON
Arrays = Mapping[str, "NDArray[Any]"]  # Any: each tensor has its own datatype

_NOTHING: Final[dict[str, Any]] = {}


class BrokenFrame(Exception):
    """What was read is no frame, or only a part of one."""


def write_frame(stream: IO[bytes], header: Header, tensors: Arrays = _NOTHING) -> None:
    """Write one frame, and flush. Raises TensorError: before anything is written. Raises OSError, ValueError: nobody
    reads there any more."""
    parts = [_content(name, array) for name, array in tensors.items()]
    described = [
        (name, datatype_of(array.dtype, name), array.shape, len(part))
        for (name, array), part in zip(tensors.items(), parts, strict=True)
    ]
    head = json.dumps({**header, "tensors": described} if described else header).encode()
    stream.write(_LENGTH.pack(len(head)) + head)
    for part in parts:
        stream.write(part)
    stream.flush()


def read_frame(stream: IO[bytes]) -> tuple[Header, dict[str, NDArray[Any]]] | None:
    """Return the next header and its tensors, which may be written to; None where there is no more.

    Raises BrokenFrame."""
    first = stream.read(_LENGTH.size)
    if not first:
        return None
    try:
        (length,) = _LENGTH.unpack(first)
        if length > _MAX_HEADER_BYTES:
            raise BrokenFrame(f"a header of {length} bytes")
        header = json.loads(_exactly(stream, length))
        tensors = {
            name: _tensor(stream, name, datatype, shape, size)
            for name, datatype, shape, size in header.pop("tensors", ())
        }
    except (AttributeError, OSError, struct.error, TensorError, TypeError, ValueError) as error:
        raise BrokenFrame(f"damaged ({type(error).__name__})") from error
    return header, tensors


def _content(name: str, array: NDArray[Any]) -> bytes | memoryview:
    datatype = datatype_of(array.dtype, name)
    if array.nbytes > _MAX_TENSOR_BYTES:
        raise TensorError(name, f"takes {array.nbytes} bytes, more than a model in a process of its own is given")
    if datatype == BYTES or array.dtype != dtype_of(datatype) or not array.flags.c_contiguous or not array.size:
        return to_raw(name, array)
    return array.data.cast("B")  # written from where it lies


def _tensor(stream: IO[bytes], name: str, datatype: str, shape: list[int], size: int) -> NDArray[Any]:
    if not 0 <= size <= _MAX_TENSOR_BYTES:
        raise BrokenFrame(f"a tensor of {size} bytes")
    if datatype == BYTES:
        return _strings(_exactly(stream, size), element_count(name, shape)).reshape(shape)
    dtype = dtype_of(datatype, name)
    if element_count(name, shape) * dtype.itemsize != size:
        raise BrokenFrame(f"{size} bytes for {shape}")
    array: NDArray[Any] = np.empty(shape, dtype)
    if size:
        _fill(stream, array.data.cast("B"))
    return array


def _strings(content: bytes, count: int) -> NDArray[Any]:
    """Read as many as there are: a stranger's message may not have so many, but an app may have them run."""
    strings: list[bytes] = []
    start = 0
    for _ in range(count):
        (length,) = _LENGTH.unpack_from(content, start)
        start += _LENGTH.size + length
        strings.append(content[start - length : start])
    if start != len(content):
        raise BrokenFrame(f"{count} strings in {len(content)} bytes")
    array = np.empty(count, object)
    array[:] = strings
    return array


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise BrokenFrame("it ends early")
    return content


def _fill(stream: IO[bytes], room: memoryview) -> None:
    filled = 0
    while filled < len(room):
        got = stream.readinto(room[filled:])  # type: ignore[attr-defined]  # a BufferedReader's
        if not got:
            raise BrokenFrame("it ends early")
        filled += got
