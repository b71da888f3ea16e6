"""A tensor's elements as JSON text, nested or flat, and back. Pure.

Read without Python objects for more than a piece of them at a time: the text's brackets and commas are compared with
those that the shape asks for, then its numbers are read in pieces straight into the array. So a ragged or malformed
array is refused before an element is read, and an array costs a few times its text. Numbers are exact: integers of 64
bits stay integers, and what does not fit its datatype is refused. FP16, NaN and infinity travel as binary data only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from cloud_service.errors import InvalidInput
from cloud_service.http.json_reader import Elements
from nearfar_wire.datatypes import BYTES, datatype_of, dtype_of
from nearfar_wire.errors import TensorError
from nearfar_wire.shapes import element_count

__all__ = ["from_json", "to_json"]

Array = np.ndarray[Any, Any]  # Any: shape and dtype are the datatype's, known at run time

# Texts of a piece that is read or written at once: large enough to be quick, small enough not to count.
_PIECE_BYTES: Final = 1 << 16
_PIECE_ELEMENTS: Final = 1 << 14
_ESCAPED_AT_ONCE: Final = 512
# The largest FP64 written out in full has 309 digits.
_MAX_NUMBER: Final = 512

_SPACE: Final = b" \t\r\n"
_NOT_STRUCTURE: Final = b"0123456789eE+-.truefals" + _SPACE
_STRAY: Final = re.compile(rb"[^\[\], \t\r\n][ \t\r\n]*+\[|\][ \t\r\n]*+[^\[\], \t\r\n]")
_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_KINDS: Final[dict[str, set[type]]] = {"b": {bool}, "i": {int}, "u": {int}, "f": {int, float}}
_WANTED: Final = {"b": "true and false", "i": "integers", "u": "integers", "f": "numbers"}


def from_json(name: str, datatype: str, shape: Sequence[int], elements: Elements) -> Array:
    """Return the tensor whose elements are given, row by row; BYTES as the UTF-8 of strings.

    Raises TensorError: when datatype, shape and elements do not agree."""
    dtype = dtype_of(datatype, name)
    count = element_count(name, shape)
    if datatype == "FP16":
        raise TensorError(name, "FP16 has no form in JSON; send it as binary data")
    # An empty array does not show what it would hold.
    if count and elements.are_strings != (datatype == BYTES):
        raise TensorError(name, f"{datatype} takes {_WANTED.get(dtype.kind, 'strings')}, and something else was sent")
    if datatype == BYTES and elements.are_strings:
        return _strings(name, shape, count, elements.text)
    text = elements.text
    _check_structure(name, shape, count, text.translate(None, _NOT_STRUCTURE))
    # A flat array has its two brackets at its ends, where it was cut.
    if text.count(b"[") > 1 and _STRAY.search(text):
        raise _malformed(name)
    flat = text.translate(None, b"[]")
    if not count:
        if flat.strip(_SPACE + b","):
            raise _malformed(name)
        return np.empty(shape, dtype)
    return _numbers(name, datatype, count, dtype, flat).reshape(shape)


def to_json(name: str, array: Array) -> Iterator[bytes]:
    """Write the elements of `array` as a flat JSON array, piece by piece.

    Raises InvalidInput: where JSON cannot carry them, and binary data can."""
    datatype = datatype_of(array.dtype, name)
    if datatype == "FP16":
        raise InvalidInput(f"output {name!r} is FP16, which has no form in JSON; ask for it as binary data")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidInput(f"output {name!r} holds NaN or infinity, which JSON cannot say; ask for it as binary data")
    flat = array.reshape(-1)
    yield b"["
    for start in range(0, flat.size, _PIECE_ELEMENTS):
        piece: list[Any] = flat[start : start + _PIECE_ELEMENTS].tolist()  # Any: numbers, or bytes and text
        if datatype == BYTES:
            piece = [_text(name, element) for element in piece]
        written = json.dumps(piece, ensure_ascii=False, separators=(",", ":"))[1:-1].encode()
        yield b"," + written if start else written
    yield b"]"


def _numbers(name: str, datatype: str, count: int, dtype: np.dtype[np.generic], flat: bytes) -> Array:
    array = np.empty(count, dtype)
    done, start = 0, 0
    while start < len(flat):
        end = flat.find(b",", start + _PIECE_BYTES)
        end = len(flat) if end < 0 else end
        if end - start > _PIECE_BYTES + _MAX_NUMBER:
            raise TensorError(name, f"a number has more than {_MAX_NUMBER} characters")
        try:
            piece: list[Any] = json.loads(b"[%b]" % flat[start:end])  # Any: looked at in the next line
        except ValueError:  # not chained: it quotes the text
            raise _malformed(name) from None
        if not set(map(type, piece)) <= _KINDS[dtype.kind]:
            raise TensorError(name, f"{datatype} takes {_WANTED[dtype.kind]}, and something else was sent")
        array[done : done + len(piece)] = _fitting(name, datatype, dtype, piece)
        done, start = done + len(piece), end + 1
    if done != count:
        raise _malformed(name)
    return array


def _fitting(name: str, datatype: str, dtype: np.dtype[np.generic], piece: list[Any]) -> Array:
    try:
        with np.errstate(over="ignore"):
            array: Array = np.array(piece, dtype)
    except OverflowError:
        raise TensorError(name, f"a number does not fit {datatype}") from None
    if dtype.kind == "f" and not np.isfinite(array).all():
        raise TensorError(name, f"a number does not fit {datatype}")
    return array


def _strings(name: str, shape: Sequence[int], count: int, text: bytes) -> Array:
    if 2 * count > text.count(b'"'):
        raise _ragged(name, shape)  # before room is made for them
    array = np.empty(count, dtype=object)
    between = bytearray()  # joining a list of pieces would take 80 bytes for each
    escaped: list[tuple[int, bytes]] = []
    at, index = 0, 0
    for found in _STRING.finditer(text):
        if index == count:
            raise _ragged(name, shape)
        between += text[at : found.start()]
        at = found.end()
        token = found[0]
        if b"\\" in token:
            escaped.append((index, token))
            if len(escaped) == _ESCAPED_AT_ONCE:
                _unescape(name, escaped, array)
        else:
            array[index] = token[1:-1]
        index += 1
    between += text[at:]
    _unescape(name, escaped, array)
    if index != count:
        raise _ragged(name, shape)
    _check_structure(name, shape, count, bytes(between).translate(None, _SPACE))
    return array.reshape(shape)


def _unescape(name: str, escaped: list[tuple[int, bytes]], array: Array) -> None:
    try:
        texts: list[str] = json.loads(b"[%b]" % b",".join(token for _, token in escaped))
        for (index, _), text in zip(escaped, texts, strict=True):
            array[index] = text.encode()
    except UnicodeEncodeError:
        raise TensorError(name, "holds text with a lone surrogate, which UTF-8 cannot carry") from None
    except ValueError:
        raise TensorError(name, "holds a string with an escape that JSON does not have") from None
    escaped.clear()


def _check_structure(name: str, shape: Sequence[int], count: int, structure: bytes) -> None:
    """Pass brackets and commas that are those of a flat array of `count`, or of an array nested as `shape` says."""
    if len(structure) == max(count, 1) + 1 and structure == b"[%b]" % (b"," * (count - 1)):
        return
    if structure != _nested(shape, len(structure)):
        raise _ragged(name, shape)


def _nested(shape: Sequence[int], at_most: int) -> bytes | None:
    """Return the brackets and commas of an array of `shape`, or None for more than `at_most`."""
    structure = b""
    shown = shape[: shape.index(0) + 1] if 0 in shape else shape  # an empty array does not show what it would hold
    for dimension in reversed(shown):
        if dimension * (len(structure) + 1) + 1 > at_most:
            return None
        structure = b"[%b]" % ((structure + b",") * dimension)[:-1]
    return structure


def _text(name: str, element: bytes | str) -> str:
    try:
        text = element.decode() if isinstance(element, bytes) else element
        text.encode()
    except UnicodeError:
        raise InvalidInput(
            f"output {name!r} holds bytes that are not UTF-8, which JSON cannot carry; ask for it as binary data"
        ) from None
    return text


def _ragged(name: str, shape: Sequence[int]) -> TensorError:
    return TensorError(
        name, f"its data is neither flat nor nested as its shape {list(shape)} says; send every row whole"
    )


def _malformed(name: str) -> TensorError:
    return TensorError(name, "its data is not JSON; send numbers, booleans or strings, separated by commas")
