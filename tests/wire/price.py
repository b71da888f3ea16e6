"""Run in a process of its own: read one hostile request, and print what that cost, as JSON.

`python price.py NAME BYTES`; memory is how much the process' peak rose above what it had with the message in it."""

from __future__ import annotations

import json
import struct
import sys
import time
from collections.abc import Callable

from nearfar_wire import inference_pb2 as pb
from nearfar_wire.envelope import open_envelope
from nearfar_wire.errors import WireError
from nearfar_wire.tensors import encode_request, requested_outputs
from tests.builders.memory import peak_bytes

__all__ = ["BOMBS"]


def varint(number: int) -> bytes:
    content = b""
    while number >= 0x80:
        content += bytes([number & 0x7F | 0x80])
        number >>= 7
    return content + bytes([number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def an_input(datatype: str, shape: list[int], rest: bytes) -> bytes:
    head = pb.ModelInferRequest.InferInputTensor(name="x", datatype=datatype, shape=shape).SerializeToString()
    return field(5, head + rest)


def raw_strings(size: int, each: bytes) -> bytes:
    count = size // (4 + len(each))
    content = (struct.pack("<I", len(each)) + each) * count
    return an_input("BYTES", [count], b"") + field(7, content)


def fitting(limit: int, made: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """As many elements as are read: what is refused for their number costs less."""
    return lambda size: made(min(size, limit))


def typed(datatype: str, number: int, one: bytes) -> Callable[[int], bytes]:
    return lambda size: an_input(datatype, [size // len(one)], field(5, field(number, one * (size // len(one)))))


def parts(one: bytes, *, at_most: int = 1 << 40) -> Callable[[int], bytes]:
    return lambda size: one * min(size // len(one), at_most)


BOMBS: dict[str, Callable[[int], bytes]] = {
    "empty inputs": parts(b"\x2a\x00"),
    "empty outputs": parts(b"\x32\x00"),
    "empty parameters": parts(b"\x22\x00"),
    "empty raw contents": parts(b"\x3a\x00"),
    "unknown fields": parts(b"\x78\x01"),
    "one long number": parts(b"\xff"),
    "as many inputs as there may be": lambda size: field(5, b"\x7a" + varint(size // 1000) + bytes(size // 1000)) * 990,
    "an output with empty parameters": lambda size: field(6, b"\x12\x00" * (size // 2)),
    "as many parameters as there is room for": lambda _: (
        b"".join(field(4, field(1, b"%06x" % index)) for index in range(1000))
        + field(6, b"".join(field(2, field(1, b"%05x" % index)) for index in range(4000)))
    ),
    "a parameter with unknown fields": lambda size: field(4, b"\x12" + varint(size) + b"\x78\x01" * (size // 2)),
    "an input with empty parameters": lambda size: an_input("FP32", [1], b"\x22\x00" * (size // 2)),
    "an input with empty contents": lambda size: an_input("FP32", [1], b"\x2a\x00" * (size // 2)),
    "an input with unknown fields": lambda size: an_input("FP32", [1], b"\x78\x01" * (size // 2)),
    "an input with a shape of many parts": lambda size: an_input("FP32", [], b"\x18\x01" * min(size // 2, 32_000)),
    "an input with a long shape": lambda size: an_input("FP32", [], field(3, b"\x01" * size)),
    "contents in many parts": lambda size: an_input(
        "FP32", [size // 4], field(5, field(6, bytes(size // 1000 // 4 * 4))) * 1000
    ),
    "contents with unknown fields": lambda size: an_input("INT64", [1], field(5, b"\x78\x01" * (size // 2))),
    "numbers that stand alone": lambda size: an_input("INT64", [1 << 17], field(5, b"\x18\x01" * (size // 2))),
    "numbers that stand alone, as many as are read": fitting(
        (1 << 17) - 20, lambda size: an_input("INT64", [size // 2], field(5, b"\x18\x01" * (size // 2)))
    ),
    "long numbers": typed("INT64", 3, b"\xff" * 9 + b"\x01"),
    "long numbers, as many as are read": fitting(4 << 20, typed("INT64", 3, b"\xff" * 9 + b"\x01")),
    "middling numbers, as many as are read": fitting(4 << 20, typed("INT64", 3, b"\x80\x01")),
    "short numbers": typed("INT64", 3, b"\x01"),
    "short numbers, as many as are read": fitting(4 << 20, typed("INT64", 3, b"\x01")),
    "integers in many inputs": lambda size: b"".join(
        field(
            5,
            field(1, b"%d" % index)
            + field(2, b"INT64")
            + field(3, varint(size // 16))
            + field(5, field(3, b"\x80\x01" * (size // 16))),
        )
        for index in range(8)
    ),
    "booleans": typed("BOOL", 1, b"\x01"),
    "floats": typed("FP32", 6, bytes(4)),
    "empty strings": lambda size: an_input("BYTES", [size // 2], field(5, b"\x42\x00" * (size // 2))),
    "empty strings, as many as are read": fitting(
        (1 << 17) - 20, lambda size: an_input("BYTES", [size // 2], field(5, b"\x42\x00" * (size // 2)))
    ),
    "raw strings of no byte": lambda size: raw_strings(size, b""),
    "raw strings of no byte, as many as are read": fitting((1 << 18) - 80, lambda size: raw_strings(size, b"")),
    "raw strings of two bytes, as many as are read": fitting((6 << 16) - 120, lambda size: raw_strings(size, b"ab")),
    "a raw tensor": lambda size: an_input("FP32", [size // 4], b"") + field(7, bytes(size // 4 * 4)),
    "raw booleans": lambda size: an_input("BOOL", [size], b"") + field(7, bytes(size)),
}


def read(content: bytes) -> bool:
    """Read a request as the service does; tell whether it was taken."""
    try:
        envelope = open_envelope(content)
        requested_outputs(envelope.head)
        envelope.tensors()
    except WireError:
        return False
    return True


def main(name: str, size: int) -> None:
    read(encode_request("warm", {}, outputs=["up"]).SerializeToString())
    content = BOMBS[name](size)
    before = peak_bytes()
    seconds = []
    for _ in range(5):
        started = time.process_time()
        taken = read(content)
        seconds.append(time.process_time() - started)
    print(json.dumps({"bytes": len(content), "grown": peak_bytes() - before, "cpu_s": min(seconds), "taken": taken}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
