"""Tables of a flatbuffer, with every offset held to the file's length before it is followed. Pure.

A flatbuffer is all offsets. Whoever follows those of a hostile file unchecked reads what lies beside it in memory; here
the worst that can come of any bytes is `Malformed`. A thousand offsets may lead to one table, so that a small file has
more to read than anybody has time for: what is read in all is bounded by the file's length.

Knows no schema: a field is asked for by its place in the table."""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["Malformed", "Table", "root"]

_OFFSET: Final = 4
# Shared texts and fields that are looked at twice are honest; no file needs its bytes to be read more often than this.
_TIMES: Final = 8
_AT_LEAST: Final = 1 << 16


class Malformed(Exception):
    """An offset or a length leads out of the file, or there is more of something than was said to be enough."""


class _Allowance:
    """How many bytes may still be read."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise Malformed


class Table:
    """One table. A field that is not there has its default, as in every flatbuffer."""

    __slots__ = ("_allowance", "_at", "_content", "_fields", "_length")

    def __init__(self, content: bytes, at: int, allowance: _Allowance) -> None:
        """The table that begins at byte `at`. Raises Malformed."""
        allowance.spend(_OFFSET)
        self._allowance = allowance
        self._content = content
        self._at = at
        self._fields = at - _unpack("<i", content, at)
        self._length = _unpack("<H", content, self._fields)

    def number(self, place: int, form: str, default: float = 0) -> float:
        """Return the number in field `place`, written as struct's `form`. Raises Malformed."""
        at = self._place(place)
        return default if at is None else _unpack_any(form, self._content, at)

    def whole(self, place: int, form: str, default: int = 0) -> int:
        """Return `number`, of a `form` that has whole ones. Raises Malformed."""
        return int(self.number(place, form, default))

    def table(self, place: int) -> Table | None:
        """Return the table that field `place` points to. Raises Malformed."""
        at = self._place(place)
        return None if at is None else Table(self._content, _follow(self._content, at), self._allowance)

    def tables(self, place: int, most: int) -> list[Table]:
        """Return the tables of a vector, `most` at the most. Raises Malformed."""
        start, count = self._vector(place, _OFFSET)
        if count > most:
            raise Malformed
        ats = range(start, start + count * _OFFSET, _OFFSET)
        return [Table(self._content, _follow(self._content, at), self._allowance) for at in ats]

    def numbers(self, place: int, form: str, most: int) -> tuple[float, ...]:
        """Return the numbers of a vector, `most` at the most, each of struct's `form`. Raises Malformed."""
        each = struct.calcsize("<" + form)
        start, count = self._vector(place, each)
        if count > most:
            raise Malformed
        self._allowance.spend(count * each)
        return struct.unpack_from(f"<{count}{form}", self._content, start)

    def wholes(self, place: int, form: str, most: int) -> tuple[int, ...]:
        """Return `numbers`, of a `form` that has whole ones. Raises Malformed."""
        return tuple(int(number) for number in self.numbers(place, form, most))

    def count(self, place: int, each: int) -> int:
        """Return how many elements of `each` bytes a vector has; all of them lie in the file. Raises Malformed."""
        return self._vector(place, each)[1]

    def text(self, place: int) -> str:
        """Return a text; "" where there is none. Raises Malformed: also for what is not UTF-8."""
        start, count = self._vector(place, 1)
        self._allowance.spend(count)
        try:
            return self._content[start : start + count].decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed from None

    def has(self, place: int) -> bool:
        """Tell whether field `place` is there. Raises Malformed."""
        return self._place(place) is not None

    def _place(self, place: int) -> int | None:
        entry = 4 + 2 * place  # behind the lengths of this list and of the table
        if entry + 2 > self._length:
            return None
        offset = _unpack("<H", self._content, self._fields + entry)
        return self._at + offset if offset else None

    def _vector(self, place: int, each: int) -> tuple[int, int]:
        at = self._place(place)
        if at is None:
            return 0, 0
        start = _follow(self._content, at)
        count = _unpack("<I", self._content, start)
        start += _OFFSET
        if count * each > len(self._content) - start:
            raise Malformed
        return start, count


def root(content: bytes) -> Table:
    """Return the table that the file begins with. Raises Malformed."""
    return Table(content, _follow(content, 0), _Allowance(max(_AT_LEAST, _TIMES * len(content))))


def _follow(content: bytes, at: int) -> int:
    return at + _unpack("<I", content, at)


def _unpack(form: str, content: bytes, at: int) -> int:
    return int(_unpack_any(form, content, at))


def _unpack_any(form: str, content: bytes, at: int) -> float:
    # struct counts negative offsets from the end, as slices do.
    if at < 0:
        raise Malformed
    try:
        number: float = struct.unpack_from(form if form.startswith("<") else "<" + form, content, at)[0]
    except struct.error:
        raise Malformed from None
    return number
