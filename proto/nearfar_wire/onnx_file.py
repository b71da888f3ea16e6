"""What an ONNX file asks for, looked at before any runtime sees the file. Pure, and without the library `onnx`.

Refused by name: weights outside the file; an operator that is not on the list of onnx_operators.py and that the file
does not define itself; functions that call themselves, or grow beyond measure where they are called; graphs nested too
deeply, or with too many nodes; what is no ONNX at all, onnxruntime's own format among it.

A message is read as protobuf reads it, or refused. Parts of a message that stands twice are all looked at, which is
how protobuf merges them; of a name that stands twice the last counts; a field of an unknown number, or of another wire
type than its own, is skipped. Where the two could differ, this is the stricter one. Weights are stepped over, not
read: time goes with the number of fields, half a microsecond each, and memory with that of the operators' names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from nearfar_wire.errors import MessageError, ModelFileError, quoted
from nearfar_wire.fields import VARINT, Allowance, tag, walk
from nearfar_wire.onnx_operators import STANDARD, is_allowed, may_be_defined, why_refused

__all__ = ["MAX_CALL_DEPTH", "MAX_GRAPH_DEPTH", "MAX_NODES", "OnnxFile", "scan"]

MAX_NODES: Final = 1 << 17
"""As written, and again with every function put in the place of its calls: large language models have a tenth."""
MAX_GRAPH_DEPTH: Final = 16
"""Graphs inside nodes of graphs, as If and Loop have them."""
MAX_CALL_DEPTH: Final = 32
"""Functions that call functions: exporters make one a module of the network's source."""
_MAX_FIELDS: Final = 1 << 22
"""Of the whole file: a second's work."""
_MAX_NAME_BYTES: Final = 1024

# Where onnxruntime looks for its own format, which it takes in place of ONNX whatever the file is called.
_OTHER_FORMAT: Final = (4, b"ORTM")


class _Part(Enum):
    """The messages in which there can be a node or a tensor, directly or further down."""

    MODEL = "ModelProto"
    TRAINING = "TrainingInfoProto"
    FUNCTION = "FunctionProto"
    GRAPH = "GraphProto"
    NODE = "NodeProto"
    ATTRIBUTE = "AttributeProto"
    SPARSE = "SparseTensorProto"
    TENSOR = "TensorProto"


PARTS: Final[Mapping[_Part, Mapping[int, _Part]]] = MappingProxyType(
    {
        _Part.MODEL: {tag(7): _Part.GRAPH, tag(20): _Part.TRAINING, tag(25): _Part.FUNCTION},
        _Part.TRAINING: {tag(1): _Part.GRAPH, tag(2): _Part.GRAPH},
        _Part.FUNCTION: {tag(7): _Part.NODE, tag(11): _Part.ATTRIBUTE},
        _Part.GRAPH: {tag(1): _Part.NODE, tag(5): _Part.TENSOR, tag(15): _Part.SPARSE},
        _Part.NODE: {tag(5): _Part.ATTRIBUTE},
        _Part.ATTRIBUTE: {
            tag(5): _Part.TENSOR,
            tag(6): _Part.GRAPH,
            tag(10): _Part.TENSOR,
            tag(11): _Part.GRAPH,
            tag(22): _Part.SPARSE,
            tag(23): _Part.SPARSE,
        },
        _Part.SPARSE: {tag(1): _Part.TENSOR, tag(2): _Part.TENSOR},
        _Part.TENSOR: {},
    }
)
"""By the tag under which each holds the others. A test compares this with the standard's own description."""

_NODE_OPERATOR, _NODE_DOMAIN, _NODE_OVERLOAD = tag(4), tag(7), tag(8)
_FUNCTION_NAME, _FUNCTION_DOMAIN, _FUNCTION_OVERLOAD = tag(1), tag(10), tag(13)
_TENSOR_NAME, _TENSOR_EXTERNAL, _TENSOR_LOCATION = tag(8), tag(13), tag(14, VARINT)

# An attribute's numbers stand one by one, each with its tag, 7 (floats) or 8 (ints): a forest has a million.
_NUMBERS: Final = re.compile(rb"(?:\x3d[\x00-\xff]{4}|\x40[\x80-\xff]{0,9}[\x00-\x7f])++")
_NUMBER_TAGS: Final = (0x3D, 0x40)
# What beginning anew behind such a row costs, in fields.
_RESTART: Final = 8

_Name = tuple[str, str, str]
"""Domain, operator or function, overload."""
_MAIN: Final = -1


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """What was found. `operators` counts nodes by operator, those inside other nodes and functions among them."""

    operators: Mapping[str, int]
    nodes: int


@dataclass(slots=True)
class _Seen:
    """What one file has, as far as it has been walked. `bodies` are its functions' nodes, the graph's under _MAIN."""

    nodes: int = 0
    graphs: int = 0
    bodies: defaultdict[int, Counter[_Name]] = field(default_factory=lambda: defaultdict(Counter))
    names: dict[int, _Name] = field(default_factory=dict)


def scan(content: bytes) -> OnnxFile:
    """Look through the model file `content`.

    Raises ModelFileError: for what is no ONNX model, or asks for what no model may; see the module."""
    at, mark = _OTHER_FORMAT
    if content[at : at + len(mark)] == mark:
        raise ModelFileError("it is in onnxruntime's own format", "give the ONNX file that it was made of")
    seen = _Seen()
    try:
        _walk_all(content, seen)
    except MessageError:
        raise ModelFileError("it is no ONNX model, or cut off or damaged", "export it again") from None
    if not seen.graphs:
        raise ModelFileError("it has no graph, so it is no ONNX model", "export it again")
    functions: dict[_Name, Counter[_Name]] = {}
    for owner, name in seen.names.items():
        # Of two with the same name a runtime takes one; which of them must not matter.
        functions.setdefault(name, Counter()).update(seen.bodies[owner])
    operators: Counter[str] = Counter()
    for body in seen.bodies.values():
        for name, count in body.items():
            _require_allowed(name, functions)
            operators[name[1]] += count
    _require_bounded(functions, seen.bodies[_MAIN])
    return OnnxFile(MappingProxyType(dict(sorted(operators.items()))), seen.nodes)


# -- the walk ----------------------------------------------------------------------------------------------------------


def _walk_all(content: bytes, seen: _Seen) -> None:
    allowance = Allowance(_MAX_FIELDS)
    todo: list[tuple[_Part, int, int, int, int]] = [(_Part.MODEL, 0, len(content), 0, _MAIN)]
    while todo:
        part, start, end, depth, owner = todo.pop()
        if part is _Part.TENSOR:
            _require_inside(content, start, end, allowance)
            continue
        if part is _Part.GRAPH:
            seen.graphs += 1
            depth += 1
            if depth > MAX_GRAPH_DEPTH:
                raise ModelFileError(f"its graphs are nested more than {MAX_GRAPH_DEPTH} deep", "export it flatter")
        if part is _Part.NODE:
            seen.nodes += 1
            if seen.nodes > MAX_NODES:
                raise ModelFileError(f"it has more than {MAX_NODES} nodes", "export a smaller graph")
        if part is _Part.FUNCTION:
            owner = len(seen.names)
            seen.names[owner] = ("", "", "")
        held = PARTS[part]
        named = _NAMES.get(part, ())
        name = ["", "", ""]
        fields = _attribute if part is _Part.ATTRIBUTE else walk
        for found, begin, finish in fields(content, start, end, allowance):
            inner = held.get(found)
            if inner is not None:
                todo.append((inner, begin, finish, depth, owner))
            elif found in named:
                name[named.index(found)] = _text(content, begin, finish)
        if part is _Part.NODE:
            seen.bodies[owner][_identity(name)] += 1
        elif part is _Part.FUNCTION:
            seen.names[owner] = _identity(name)


_NAMES: Final[Mapping[_Part, tuple[int, int, int]]] = MappingProxyType(
    {
        _Part.NODE: (_NODE_DOMAIN, _NODE_OPERATOR, _NODE_OVERLOAD),
        _Part.FUNCTION: (_FUNCTION_DOMAIN, _FUNCTION_NAME, _FUNCTION_OVERLOAD),
    }
)


def _attribute(content: bytes, start: int, end: int, allowance: Allowance) -> Iterator[tuple[int, int, int]]:
    """Walk an attribute's fields, but step over rows of numbers as a whole."""
    at = start
    while at < end:
        for found, begin, finish in walk(content, at, end, allowance):
            at = finish
            if found in _NUMBER_TAGS:
                numbers = _NUMBERS.match(content, finish, end)
                if numbers is not None:
                    allowance.left -= _RESTART
                    at = numbers.end()
                    break
            else:
                yield found, begin, finish


def _text(content: bytes, begin: int, end: int) -> str:
    if end - begin > _MAX_NAME_BYTES:
        raise ModelFileError(f"a name in it is longer than {_MAX_NAME_BYTES} bytes", "export it again")
    # What is not UTF-8 is no operator's name, and stays unlike any other such name.
    return content[begin:end].decode("utf-8", "backslashreplace")


def _identity(name: list[str]) -> _Name:
    domain, operator, overload = name
    return (STANDARD if domain == "ai.onnx" else domain, operator, overload)


def _require_inside(content: bytes, start: int, end: int, allowance: Allowance) -> None:
    name, outside = "", False
    for found, begin, finish in walk(content, start, end, allowance):
        if found == _TENSOR_NAME:
            name = content[begin : min(finish, begin + _MAX_NAME_BYTES)].decode("utf-8", "replace")
        elif found == _TENSOR_EXTERNAL:
            outside = True
        elif found == _TENSOR_LOCATION:
            # 0 is "here"; whatever else it may once mean is not looked into.
            outside = outside or any(byte & 0x7F for byte in content[begin:finish])
    if outside:
        told = f"tensor {quoted(name)}" if name else "a tensor"
        raise ModelFileError(f"{told} lies outside the file", "save the model with its weights inside")


# -- what it asks for --------------------------------------------------------------------------------------------------


def _require_allowed(name: _Name, functions: Mapping[_Name, object]) -> None:
    domain, operator, _ = name
    if is_allowed(domain, operator) or (name in functions and may_be_defined(domain)):
        return
    told = f"operator {quoted(operator)} of domain {quoted(domain)}"
    raise ModelFileError(f"{told} {why_refused(domain, operator)}", "export the model without it")


def _require_bounded(functions: Mapping[_Name, Counter[_Name]], main: Counter[_Name]) -> None:
    """Work out how many nodes there are with every function in the place of its calls, the innermost first."""
    sizes: dict[_Name, int] = {}
    depths: dict[_Name, int] = {}
    open_: dict[_Name, Iterator[_Name]] = {}
    for first in functions:
        if first in sizes:
            continue
        open_[first] = iter(functions[first])
        while open_:
            current = next(reversed(open_))
            called = next((name for name in open_[current] if name in functions and name not in sizes), None)
            if called is None:
                del open_[current]
                body = functions[current]
                sizes[current] = max(1, _size(body, sizes))
                depths[current] = 1 + max((depths.get(name, 0) for name in body), default=0)
            elif called in open_:
                raise ModelFileError(f"function {quoted(called[1])} calls itself", "export the model without recursion")
            else:
                open_[called] = iter(functions[called])
    if max(depths.values(), default=0) > MAX_CALL_DEPTH:
        problem = f"its functions call each other more than {MAX_CALL_DEPTH} deep"
        raise ModelFileError(problem, "export the model with its functions inlined")
    if max(_size(main, sizes), *sizes.values(), 0) > MAX_NODES:
        problem = f"it has more than {MAX_NODES} nodes where its functions are called"
        raise ModelFileError(problem, "export a smaller graph")


def _size(body: Counter[_Name], sizes: Mapping[_Name, int]) -> int:
    # No larger than tells that it is too large: the sizes of a bomb double with each function.
    return min(MAX_NODES + 1, sum(count * sizes.get(name, 1) for name, count in body.items()))
