"""JSON from strangers, read within bounds: small things become Python values, a tensor's elements stay text. Pure.

What the standard reader makes of `[[],[],[]]` takes thirty times its length, keeps the last of two equal keys and
follows any depth. Here depth, values and the length of a number are bounded, a key stands once, and the array behind
the `data` of an input is only delimited; json_data.py reads it, once it is known what it should be."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cloud_service.errors import InvalidInput
from nearfar_wire.errors import quoted

__all__ = ["MAX_JSON_BYTES", "Elements", "JsonValue", "read_object"]

# At the worst, short floats, reading takes 75 ns a byte, and a request is refused within 100 ms if it is; room for a
# decoded 224x224 RGB image of integers. Bigger tensors go binary.
MAX_JSON_BYTES: Final = 3 << 18
# Object, array of inputs, input, its parameters: four. Nothing that means something to the protocol is deeper.
_MAX_DEPTH: Final = 8
# A tensor takes some eight, each up to 10 µs; there is room for hundreds of tensors.
_MAX_VALUES: Final = 2048
_MAX_NUMBER: Final = 64
# An input is an object in an array in an object.
_DATA_DEPTH: Final = 3

_SPACE: Final = re.compile(rb"[ \t\r\n]*+")
_STRING: Final = re.compile(rb'"[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+"')
_NUMBER: Final = re.compile(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+")
_INTEGER: Final = re.compile(rb"-?[0-9]+")
_WORDS: Final = {b"true": True, b"false": False, b"null": None}
_WORD: Final = re.compile(rb"true|false|null")
_OPENING: Final = re.compile(rb"(?:[ \t\r\n]*+\[)++[ \t\r\n]*+")
# Everything that a nested array of numbers or booleans is made of, and no quote, brace or colon.
_NUMBERS: Final = re.compile(rb"[\[\]0-9eE+\-., \t\r\ntruefals]*+")


@dataclass(frozen=True, slots=True)
class Elements:
    """The text of an array, from its first bracket to its last. What is between them was not checked yet."""

    text: bytes
    are_strings: bool


JsonValue = str | int | float | bool | None | Elements | list["JsonValue"] | dict[str, "JsonValue"]


def read_object(text: bytes) -> dict[str, JsonValue]:
    """Return the object that `text` is.

    Raises InvalidInput: naming the byte where it stops to be one."""
    if len(text) > MAX_JSON_BYTES:
        raise InvalidInput(
            f"the JSON of {len(text)} bytes is longer than {MAX_JSON_BYTES}; send large tensors as binary data"
        )
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"the JSON is not UTF-8 from byte {error.start} on") from None
    return _Reader(text).document()


class _Reader:
    """One pass over a text; `_at` is the next byte."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0
        self._values = 0

    def document(self) -> dict[str, JsonValue]:
        if self._next() != b"{":
            raise self._broken("a JSON object is expected")
        value = self._object(1)
        if self._next():
            raise self._broken("something follows the JSON object")
        return value

    def _value(self, depth: int) -> JsonValue:
        self._values += 1
        if self._values > _MAX_VALUES:
            raise InvalidInput(f"the JSON holds more than {_MAX_VALUES} values beside the tensors' data")
        first = self._next()
        if first == b'"':
            return self._string()
        if first in (b"{", b"["):
            if depth >= _MAX_DEPTH:
                raise InvalidInput(f"the JSON is nested deeper than {_MAX_DEPTH} levels")
            return self._object(depth + 1) if first == b"{" else self._array(depth + 1)
        if (word := _WORD.match(self._text, self._at)) is not None:
            self._at = word.end()
            return _WORDS[word[0]]
        return self._number()

    def _object(self, depth: int) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        self._at += 1
        if self._next() == b"}":
            self._at += 1
            return found
        while True:
            if self._next() != b'"':
                raise self._broken("a key in quotes is expected")
            key = self._string()
            if key in found:
                raise InvalidInput(f"the key {quoted(key)} stands twice in one JSON object")
            self._expect(b":")
            is_data = depth == _DATA_DEPTH and key == "data"
            found[key] = self._elements() if is_data else self._value(depth)
            if self._ends_with(b"}"):
                return found

    def _array(self, depth: int) -> list[JsonValue]:
        found: list[JsonValue] = []
        self._at += 1
        if self._next() == b"]":
            self._at += 1
            return found
        while True:
            found.append(self._value(depth))
            if self._ends_with(b"]"):
                return found

    def _ends_with(self, bracket: bytes) -> bool:
        following = self._next()
        if following not in (b",", bracket):
            raise self._broken(f"a comma or {bracket.decode()} is expected")
        self._at += 1
        return following == bracket

    def _string(self) -> str:
        token = _STRING.match(self._text, self._at)
        if token is None:
            raise self._broken("a string does not end, or holds a control character")
        try:
            text: str = json.loads(token[0])
        except ValueError:
            raise self._broken("a string holds an escape that JSON does not have") from None
        self._at = token.end()
        return text

    def _number(self) -> int | float:
        token = _NUMBER.match(self._text, self._at)
        if token is None:
            raise self._broken("a JSON value is expected")
        if len(token[0]) > _MAX_NUMBER:
            raise self._broken(f"a number has more than {_MAX_NUMBER} characters")
        self._at = token.end()
        return int(token[0]) if _INTEGER.fullmatch(token[0]) else float(token[0])

    def _elements(self) -> Elements:
        self._next()
        start = self._at
        opening = _OPENING.match(self._text, start)
        if opening is None:
            raise self._broken("the data of an input is an array")
        self._at = opening.end()
        are_strings = self._text[self._at : self._at + 1] == b'"'
        end = self._end_of_strings(start, opening[0].count(b"[")) if are_strings else self._end_of_numbers()
        self._at = end
        return Elements(self._text[start:end], are_strings)

    def _end_of_numbers(self) -> int:
        span = _NUMBERS.match(self._text, self._at)
        assert span is not None, "it matches nothing, too"
        end = self._text.rfind(b"]", self._at, span.end()) + 1
        if not end:
            self._at = span.end()
            raise self._broken(
                "the data of an input is an array of numbers, of true and false, or of strings, evenly nested; "
                "NaN and infinity can be sent as binary data"
            )
        return end

    def _end_of_strings(self, start: int, brackets: int) -> int:
        span = _strings(min(brackets, 64)).match(self._text, start)
        if span is None:
            raise self._broken("the data of an input mixes strings with something else, or is nested unevenly")
        return span.end()

    def _expect(self, sign: bytes) -> None:
        if self._next() != sign:
            raise self._broken(f"{sign.decode()} is expected")
        self._at += 1

    def _next(self) -> bytes:
        """Step over space and return the byte that follows, nothing at the end."""
        space = _SPACE.match(self._text, self._at)
        assert space is not None, "it matches nothing, too"
        self._at = space.end()
        return self._text[self._at : self._at + 1]

    def _broken(self, problem: str) -> InvalidInput:
        return InvalidInput(f"the JSON cannot be read at byte {self._at}: {problem}")


@lru_cache(maxsize=64)
def _strings(brackets: int) -> re.Pattern[bytes]:
    """Return what a nested array of strings looks like that opens with so many brackets.

    Between two strings brackets close, a comma stands and brackets open: never all of them, which is the end."""
    space, inner = rb"[ \t\r\n]*+", b"{0,%d}+" % (brackets - 1)
    closing, opening = rb"(?:" + space + rb"\])", rb"(?:" + space + rb"\[)"
    string = space + _STRING.pattern
    between = closing + inner + space + b"," + opening + inner
    return re.compile(
        opening + b"{%d}" % brackets + string + b"(?:" + between + string + b")*+" + closing + b"{%d}" % brackets
    )
