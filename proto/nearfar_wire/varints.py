"""Packed varints to numbers, by numpy: some 8 ns a byte, where one at a time in Python costs a hundred. Pure.

Counting is apart, because it is cheap: how many there are is known, and can be refused, before any is decoded. What is
decoded at once is a piece, so that the working memory does not grow with the content."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from nearfar_wire.errors import MessageError
from nearfar_wire.fields import Content

__all__ = ["count_varints", "decode_varints"]

_PIECE: Final = 1 << 15
_MAX_BYTES: Final = 10

Bytes = np.ndarray[Any, np.dtype[np.uint8]]  # Any, here and below: of one dimension
Numbers = np.ndarray[Any, np.dtype[np.uint64]]


def count_varints(content: Content) -> int:
    """Return how many varints end in `content`."""
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) < 0x80))


def decode_varints(content: Content) -> Iterator[Numbers]:
    """Yield the varints of `content`, some thousands at a time, as 64 bits without a sign.

    Raises MessageError: where one is longer than a varint can be, or cut off."""
    whole: Bytes = np.frombuffer(content, np.uint8)
    at = 0
    while at < whole.size:
        piece = whole[at : at + _PIECE]
        ends = np.flatnonzero(piece < 0x80)
        if not ends.size:
            raise _damaged()
        at += int(ends[-1]) + 1
        yield piece.astype(np.uint64) if ends.size == piece.size else _joined(piece, ends)


def _joined(piece: Bytes, ends: np.ndarray[Any, np.dtype[np.intp]]) -> Numbers:
    starts = np.empty_like(ends)
    starts[0] = 0
    starts[1:] = ends[:-1] + 1
    more = ends - starts
    longest = int(more.max())
    # Of the tenth byte only one bit is left to fill.
    if longest >= _MAX_BYTES or (longest == _MAX_BYTES - 1 and piece[ends[more == longest]].max() > 1):
        raise _damaged()
    numbers = (piece[starts] & 0x7F).astype(np.uint64)
    for index in range(1, longest + 1):
        longer = np.flatnonzero(more >= index)
        bits = (piece[starts[longer] + index] & 0x7F).astype(np.uint64)
        numbers[longer] |= bits << np.uint64(7 * index)
    return numbers


def _damaged() -> MessageError:
    return MessageError("typed contents are damaged or cut off; send the protocol's message whole")
