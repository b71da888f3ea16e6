"""A request as it arrived: who is asked, told at once, and the tensors, made only when somebody wants them. Pure.

A service decides whether it takes a call by what stands in the head, and parsing the whole message first would cost a
stranger's price: two bytes of an empty part become fifty, and a part less. So the message is walked once, the few
kilobytes that are no tensor are parsed, and the rest stays where it is: raw contents are views over the message.

What comes out is what the protocol's parser and decode_request would have made of it, in whatever order the fields
stand, with unknown ones left out. Refused besides is what no request needs: see the bounds below."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from google.protobuf.message import DecodeError

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.errors import MessageError
from nearfar_wire.fields import LENGTH_DELIMITED, VARINT, Allowance, Content, tag, walk
from nearfar_wire.tensors import Array, Described, Known, decode_tensors

__all__ = ["MAX_HEAD_BYTES", "MAX_PARTS", "Envelope", "open_envelope"]

MAX_PARTS: Final = 1024
"""Inputs, their raw contents, requested outputs, parameters and names together. Models of a hundred inputs exist."""
MAX_HEAD_BYTES: Final = 64 << 10
"""All of a message that is no tensor's content: names, shapes, parameters. Parsed it has some 2 MiB."""

_REQUEST: Final = pb.ModelInferRequest.DESCRIPTOR.fields_by_name
_INPUT: Final = pb.ModelInferRequest.InferInputTensor.DESCRIPTOR.fields_by_name
_INPUTS: Final = tag(_REQUEST["inputs"].number)
_RAW: Final = tag(_REQUEST["raw_input_contents"].number)
_HEAD: Final = frozenset(
    tag(_REQUEST[name].number) for name in ("model_name", "model_version", "id", "parameters", "outputs")
)
_CONTENTS: Final = tag(_INPUT["contents"].number)
_INPUT_HEAD: Final = frozenset(
    tag(_INPUT[name].number, kind)
    for name, kind in (
        ("name", LENGTH_DELIMITED),
        ("datatype", LENGTH_DELIMITED),
        ("shape", LENGTH_DELIMITED),
        ("shape", VARINT),
        ("parameters", LENGTH_DELIMITED),
    )
)
# What describes an input has some thirty bytes. So many of them, so long, are known again at most.
_SMALL_INPUT: Final = 256
_MAX_KNOWN: Final = 1024


class Envelope:
    """See the module. `head` is the request without its inputs and their contents."""

    __slots__ = ("_allowance", "_inputs", "_message", "_raw", "_raw_last", "_room", "head")

    def __init__(
        self,
        head: pb.ModelInferRequest,
        message: bytes,
        inputs: list[tuple[int, int]],
        raw: list[Content],
        allowance: Allowance,
        room: int,
        raw_last: bool,
    ) -> None:
        self.head = head
        self._message = message
        self._inputs = inputs
        self._raw = raw
        self._allowance = allowance
        self._room = room
        self._raw_last = raw_last

    def tensors(self) -> dict[str, Array]:
        """Return the input tensors by name. To be called once.

        Raises TensorError: when names, datatypes, shapes and contents do not agree. Raises MessageError."""
        described = (self._described(start, end) for start, end in self._inputs)
        return decode_tensors(described, len(self._inputs), self._raw, self._allowance)

    def last_numbers(self) -> tuple[Known, int] | None:
        """Return what describes the only tensor, and where its raw contents begin, with which the message ends; None
        for another message."""
        if not self._raw_last or len(self._raw) != 1 or len(self._inputs) != 1:
            return None
        start, end = self._inputs[0]
        known = _known_input(self._message[start:end]) if end - start <= _SMALL_INPUT else None
        return None if known is None else (known, len(self._message) - len(self._raw[0]))

    def _described(self, start: int, end: int) -> tuple[Described, Content | None]:
        message = self._message
        if end - start <= _SMALL_INPUT:
            self._room -= end - start
            if self._room < 0:
                raise _too_long()
            known = _known_input(message[start:end])
            if known is not None:
                return known, None
            self._room += end - start
        head: list[bytes] = []
        typed: Content | None = None
        before = start
        for found, begin, stop in walk(message, start, end, self._allowance):
            if found in _INPUT_HEAD:
                self._room -= stop - before
                if self._room < 0:
                    raise _too_long()
                # A dimension may be a field of its own: two bytes, and fifty where they are kept.
                if len(head) == MAX_PARTS:
                    raise MessageError(f"an input is described in more than {MAX_PARTS} parts; no tensor takes as many")
                head.append(message[before:stop])
            elif found == _CONTENTS:
                part = memoryview(message)[begin:stop]
                typed = part if typed is None else _longer(typed, part)
            before = stop
        try:
            return pb.ModelInferRequest.InferInputTensor.FromString(b"".join(head)), typed
        except DecodeError:
            raise _no_request() from None


def open_envelope(message: bytes) -> Envelope:
    """Return the request with its tensors still unread.

    Raises MessageError: where it is no request, or has more parts than any needs."""
    allowance = Allowance()
    head: list[bytes] = []
    inputs: list[tuple[int, int]] = []
    raw: list[Content] = []
    view = memoryview(message)
    room, before, found = MAX_HEAD_BYTES, 0, 0
    for part, (found, begin, end) in enumerate(walk(message, 0, len(message), allowance)):
        if part == MAX_PARTS:
            raise MessageError(f"the request has more than {MAX_PARTS} parts; no model takes as many")
        if found in _HEAD:
            room -= end - before
            if room < 0:
                raise _too_long()
            head.append(message[before:end])
        elif found == _INPUTS:
            inputs.append((begin, end))
        elif found == _RAW:
            raw.append(view[begin:end])
        before = end
    try:
        read = pb.ModelInferRequest.FromString(b"".join(head))
    except DecodeError:
        raise _no_request() from None
    return Envelope(read, message, inputs, raw, allowance, room, found == _RAW)


# A caller describes its tensors with the same words each time; reading them is half of what a small request takes.
@lru_cache(maxsize=_MAX_KNOWN)
def _known_input(described: bytes) -> Known | None:
    """Return what describes an input; None where contents stand beside it."""
    head: list[bytes] = []
    before = 0
    for found, _, stop in walk(described, 0, len(described), Allowance()):
        if found == _CONTENTS:
            return None
        if found in _INPUT_HEAD:
            head.append(described[before:stop])
        before = stop
    try:
        read = pb.ModelInferRequest.InferInputTensor.FromString(b"".join(head))
    except DecodeError:
        raise _no_request() from None
    return Known(read.name, read.datatype, tuple(read.shape), frozenset(read.parameters))


def _longer(content: Content, part: memoryview) -> bytearray:
    # Extended where it is: joined anew each time, a thousand parts would be copied a thousand times.
    longer = content if isinstance(content, bytearray) else bytearray(content)
    longer += part
    return longer


def _too_long() -> MessageError:
    return MessageError(
        f"the request's names, shapes and parameters have more than {MAX_HEAD_BYTES} bytes; shorten them"
    )


def _no_request() -> MessageError:
    return MessageError("these bytes are no ModelInferRequest; send the protocol's message")
