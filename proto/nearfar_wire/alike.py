"""Requests that say the same words before other numbers: known again, and not walked. Pure.

A caller that asks one model for one row after another sends the same bytes each time, up to the contents of the tensor
at the end. What was read of such words once holds for every message as long that begins with them, and is kept by them:
a small request then costs a look into a table, where to walk it was a quarter of what the service did for it.

All else is opened by envelope.py, each time anew: several tensors, texts, typed contents, whatever has an id. Only what
was opened there becomes known, so that nothing is taken here that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, Generic, NamedTuple, TypeVar

import numpy as np

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.datatypes import BYTES, DATATYPES
from nearfar_wire.envelope import Envelope, open_envelope
from nearfar_wire.errors import TensorError
from nearfar_wire.raw import aligned
from nearfar_wire.shapes import element_count
from nearfar_wire.tensors import Array

__all__ = ["Alike"]

# The names of a model and of its tensor, and a shape, are some eighty bytes. So many of them, so long, at most.
_MAX_WORDS: Final = 512
_MAX_KNOWN: Final = 1024
# These are not taken as they are: each byte, or each length, is looked at.
_LOOKED_AT: Final = ("BOOL", BYTES)

H = TypeVar("H")


class _Words(NamedTuple, Generic[H]):
    """What stands before the numbers, read; `size` is the whole message's."""

    size: int
    head: H
    name: str
    dtype: np.dtype[np.generic]
    elements: int
    shape: tuple[int, ...]


class Alike(Generic[H]):
    """Opens requests, and remembers the words of those that may come again. `read` makes of a request's head what its
    reader wants to know; it is not called again for words that are known."""

    def __init__(self, read: Callable[[pb.ModelInferRequest], H]) -> None:
        self._read = read
        self._known: dict[bytes, _Words[H]] = {}
        # By the length of a message, where the numbers of the last one began. A guess: the words there are looked up.
        self._begins: dict[int, int] = {}

    def open(self, message: bytes) -> tuple[H, Callable[[], dict[str, Array]]]:
        """Return what was read of the head, and what gives the tensors, still unread: see Envelope.tensors.

        Raises MessageError: see open_envelope. Raises what `read` does."""
        size = len(message)
        begin = self._begins.get(size, 0)
        words = self._known.get(message[:begin])
        if words is not None and words.size == size:
            return words.head, partial(_numbers, message, begin, words)
        envelope = open_envelope(message)
        head = self._read(envelope.head)
        self._remember(message, envelope, head)
        return head, envelope.tensors

    def _remember(self, message: bytes, envelope: Envelope, head: H) -> None:
        found = None if envelope.head.id else envelope.last_numbers()
        if found is None:
            return
        described, begin = found
        dtype = DATATYPES.get(described.datatype)
        if begin > _MAX_WORDS or dtype is None or described.datatype in _LOOKED_AT or described.parameters:
            return
        try:
            count = element_count(described.name, described.shape)
        except TensorError:
            return  # told when the tensor is read
        if not count or count * dtype.itemsize != len(message) - begin:
            return
        if len(self._known) >= _MAX_KNOWN or len(self._begins) >= _MAX_KNOWN:
            self._known.clear()
            self._begins.clear()
        self._begins[len(message)] = begin
        self._known[message[:begin]] = _Words(len(message), head, described.name, dtype, count, described.shape)


def _numbers(message: bytes, begin: int, words: _Words[H]) -> dict[str, Array]:
    numbers: Array = np.frombuffer(message, words.dtype, words.elements, begin)
    return {words.name: aligned(numbers).reshape(words.shape)}
