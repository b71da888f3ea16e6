"""The bodies of an inference over REST: bytes to tensors and back. Pure; knows no HTTP beyond the split of a body.

A body is a JSON object, and behind it, where the caller says how long the object is, the bytes of those tensors that
are sent as binary data. A request is read in two steps: first what the service has to know to decide about the call,
then, once it is admitted, the tensors. What the JSON may cost is json_reader.py's to bound."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cloud_service.errors import InvalidInput, TooLarge
from cloud_service.exchange import InferAnswer
from cloud_service.http.json_data import Array, from_json, to_json
from cloud_service.http.json_reader import Elements, JsonValue, read_object
from nearfar_wire.datatypes import BYTES, datatype_of
from nearfar_wire.errors import TensorError, quoted
from nearfar_wire.fields import MAX_FIELDS
from nearfar_wire.raw import from_raw, to_raw
from nearfar_wire.shapes import element_count
from nearfar_wire.tensors import MODEL_DIGEST_PARAMETER

__all__ = ["Answer", "InferRequest", "read_request", "write_answer"]

# A string takes 0.5 µs to read as binary data and 1 µs as JSON.
_JSON_STRING_COST: Final = 2
# It is echoed and never read: long enough for any trace id, too short to be worth abusing.
_MAX_ID: Final = 256
_MAX_PRIORITY: Final = (1 << 32) - 1
_MAX_INT64: Final = (1 << 63) - 1
# What Triton's clients may ask for and nearfar does not do; silently ignored, it would be answered wrongly.
_NOT_DONE: Final = ("shared_memory_region", "classification")

_Object = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class _Input:
    name: str
    datatype: str
    shape: tuple[int, ...]
    elements: Elements | None
    """None where the tensor lies behind the JSON."""
    size: int


@dataclass(frozen=True, slots=True)
class InferRequest:
    """What a body says. `timeout_s` is infinite where it says none, `binary` holds each output's choice of form."""

    id: str
    priority: int
    timeout_s: float
    outputs: tuple[str, ...]
    binary: Mapping[str, bool]
    binary_by_default: bool
    _inputs: tuple[_Input, ...]
    _content: bytes = field(repr=False)
    _json_length: int

    def tensors(self) -> dict[str, Array]:
        """Return the inputs by name. Raises TensorError: where names, datatypes, shapes and contents do not agree."""
        tensors: dict[str, Array] = {}
        strings, at = 0, self._json_length
        for each in self._inputs:
            if each.name in tensors:
                raise TensorError(each.name, "stands twice in the request")
            if each.datatype == BYTES:
                cost = 1 if each.elements is None else _JSON_STRING_COST
                strings += cost * element_count(each.name, each.shape)
                if strings > MAX_FIELDS:
                    at_most = MAX_FIELDS // cost
                    raise TensorError(each.name, f"a request may have {at_most} strings in this form; send several")
            if each.elements is not None:
                tensors[each.name] = from_json(each.name, each.datatype, each.shape, each.elements)
            else:
                raw = memoryview(self._content)[at : at + each.size]
                tensors[each.name] = from_raw(each.name, each.datatype, each.shape, raw)
                at += each.size
        return tensors


@dataclass(frozen=True, slots=True)
class Answer:
    """A body, and how long its JSON is if anything follows it."""

    body: bytes
    json_length: int | None


def read_request(content: bytes, json_length: int | None) -> InferRequest:
    """Read all but the tensors; without `json_length` the whole of `content` is JSON.

    Raises InvalidInput, TensorError."""
    if json_length is not None and not 0 < json_length <= len(content):
        raise InvalidInput(
            f"Inference-Header-Content-Length says {json_length} and the body has {len(content)} bytes; "
            "it is the length of the JSON object that the body begins with"
        )
    length = len(content) if json_length is None else json_length
    document = read_object(content[:length])
    parameters = _object(document, "parameters", "the request")
    inputs = tuple(_input(entry) for entry in _list(document, "inputs"))
    binary_size = sum(each.size for each in inputs)
    if binary_size != len(content) - length:
        raise InvalidInput(
            f"{len(content) - length} bytes follow the JSON object, and the inputs' binary_data_size add up to "
            f"{binary_size}; send Inference-Header-Content-Length and every input's size"
        )
    outputs: dict[str, bool | None] = {}
    for entry in _list(document, "outputs"):
        name, binary = _output(entry)
        if name in outputs:
            raise TensorError(name, "is asked for twice")
        outputs[name] = binary
    request_id = document.get("id", "")
    if not isinstance(request_id, str) or len(request_id) > _MAX_ID:
        raise InvalidInput(f"the id is a string of at most {_MAX_ID} characters")
    timeout_us = _integer(parameters, "timeout", _MAX_INT64)
    return InferRequest(
        id=request_id,
        priority=_integer(parameters, "priority", _MAX_PRIORITY),
        timeout_s=timeout_us / 1e6 if timeout_us else math.inf,
        outputs=tuple(outputs),
        binary={name: binary for name, binary in outputs.items() if binary is not None},
        binary_by_default=_flag(parameters, "binary_data_output", "the request") or False,
        _inputs=inputs,
        _content=content,
        _json_length=length,
    )


def write_answer(request: InferRequest, answer: InferAnswer, *, at_most: int) -> Answer:
    """Write the outputs in the form that the request asks for.

    Raises InvalidInput: where JSON cannot carry an output. Raises TooLarge: for more than `at_most` bytes."""
    pieces = _Pieces(at_most)
    raws: list[bytes] = []
    head = {"model_name": answer.model, "model_version": answer.version}
    if request.id:
        head["id"] = request.id
    opening: dict[str, Any] = head | {"parameters": {MODEL_DIGEST_PARAMETER: answer.digest}}  # Any: JSON
    pieces.add(_dumped(opening)[:-1] + b',"outputs":[')
    for index, (name, array) in enumerate(answer.outputs.items()):
        entry: dict[str, Any] = {"name": name, "datatype": datatype_of(array.dtype, name), "shape": list(array.shape)}
        if request.binary.get(name, request.binary_by_default):
            # What cannot be sent is not copied first; of texts the length is known when they are written.
            pieces.expect(sum(map(len, raws)) + (0 if array.dtype.kind == "O" else array.nbytes))
            raws.append(to_raw(name, array))
            entry["parameters"] = {"binary_data_size": len(raws[-1])}
            written: Iterator[bytes] = iter((_dumped(entry),))
        else:
            written = _with_data(_dumped(entry), to_json(name, array))
        if index:
            pieces.add(b",")
        for piece in written:
            pieces.add(piece)
    pieces.add(b"]}")
    json_length = pieces.length
    for raw in raws:
        pieces.add(raw)
    return Answer(pieces.joined(), json_length if raws else None)


class _Pieces:
    """Parts of a body, as many as may be."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._pieces: list[bytes] = []
        self.length = 0

    def expect(self, more: int) -> None:
        """Raise TooLarge where so many bytes more would be too many."""
        if self.length + more > self._at_most:
            raise TooLarge(self._at_most)

    def add(self, piece: bytes) -> None:
        self.expect(len(piece))
        self.length += len(piece)
        self._pieces.append(piece)

    def joined(self) -> bytes:
        return b"".join(self._pieces)


def _with_data(entry: bytes, data: Iterator[bytes]) -> Iterator[bytes]:
    yield entry[:-1] + b',"data":'
    yield from data
    yield b"}"


def _dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _input(entry: JsonValue) -> _Input:
    name = _name(entry, "input")
    assert isinstance(entry, dict), "it has a name"
    what = f"input {quoted(name)}"
    datatype, shape, data = entry.get("datatype"), entry.get("shape"), entry.get("data")
    if not isinstance(datatype, str):
        raise TensorError(name, "has no datatype, such as FP32")
    if not isinstance(shape, list):
        raise TensorError(name, "has no shape, such as [1, 4]")
    # bool is an int to Python, and no size.
    sizes = tuple(size for size in shape if type(size) is int)
    if len(sizes) != len(shape):
        raise TensorError(name, "has a shape that holds something else than integers")
    parameters = _object(entry, "parameters", what)
    _refuse_extensions(name, parameters)
    if "binary_data_size" not in parameters:
        if not isinstance(data, Elements):
            raise TensorError(name, "has neither data, which is an array, nor the parameter binary_data_size")
        return _Input(name, datatype, sizes, data, 0)
    if data is not None:
        raise TensorError(name, "has data beside binary_data_size; send one of them")
    return _Input(name, datatype, sizes, None, _integer(parameters, "binary_data_size", _MAX_INT64))


def _output(entry: JsonValue) -> tuple[str, bool | None]:
    name = _name(entry, "output")
    assert isinstance(entry, dict), "it has a name"
    parameters = _object(entry, "parameters", f"output {quoted(name)}")
    _refuse_extensions(name, parameters)
    return name, _flag(parameters, "binary_data", f"output {quoted(name)}")


def _name(entry: JsonValue, what: str) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str):
        raise InvalidInput(f"each {what} is a JSON object with a name")
    return name


def _refuse_extensions(name: str, parameters: _Object) -> None:
    for extension in _NOT_DONE:
        if extension in parameters:
            raise TensorError(name, f"asks for the extension {extension!r}, which this server does not have")


def _object(document: _Object, key: str, what: str) -> _Object:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput(f"{key} of {what} is a JSON object")
    return value


def _list(document: _Object, key: str) -> Sequence[JsonValue]:
    value = document.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidInput(f"{key} is a JSON array of objects")
    return value


def _integer(parameters: _Object, key: str, at_most: int) -> int:
    value = parameters.get(key, 0)
    if type(value) is not int or not 0 <= value <= at_most:  # bool is an int to Python, and no number
        raise InvalidInput(f"the parameter {key} is an integer from 0 to {at_most}")
    return value


def _flag(parameters: _Object, key: str, what: str) -> bool | None:
    value = parameters.get(key)
    if value is not None and not isinstance(value, bool):
        raise InvalidInput(f"the parameter {key} of {what} is true or false")
    return value
