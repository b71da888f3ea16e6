"""ONNX models written as protobuf allows and no exporter does: in parts, out of order, twice, with idle fields."""

from __future__ import annotations

import random
import struct
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor as Field

__all__ = ["delimited", "varint", "written"]

_WIRE: Final = {Field.TYPE_FLOAT: 5, Field.TYPE_DOUBLE: 1}
_DELIMITED: Final = (Field.TYPE_STRING, Field.TYPE_BYTES, Field.TYPE_MESSAGE)


def varint(number: int, chance: random.Random | None = None) -> bytes:
    """Return `number` as protobuf writes it, sometimes longer than it has to be."""
    number &= (1 << 64) - 1
    content = bytearray()
    while number >= 0x80:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    if chance is not None and len(content) < 4 and chance.random() < 0.1:
        content[-1] |= 0x80
        content.append(0)
    return bytes(content)


def delimited(number: int, content: bytes, chance: random.Random | None = None) -> bytes:
    """Return a field of bytes, text or a message."""
    return varint(number << 3 | 2, chance) + varint(len(content), chance) + content


def written(message: Any, chance: random.Random) -> bytes:  # Any: any message
    """Return `message` in bytes that a parser reads as exactly that."""
    return b"".join(_fields(message, chance))


def _fields(message: Any, chance: random.Random) -> list[bytes]:  # Any: any message
    rows: list[list[bytes]] = [_nothing(message, chance) for _ in range(chance.randint(0, 1))]
    for field, value in message.ListFields():
        row: list[bytes] = []
        for one in value if field.is_repeated else [value]:
            row.extend(_one(field, one, chance))
        rows.append(row)
    # Fields may come in any order, as long as those of one number keep theirs.
    order = [index for index, row in enumerate(rows) for _ in row]
    chance.shuffle(order)
    streams = [iter(row) for row in rows]
    return [next(streams[index]) for index in order]


def _one(field: Any, value: Any, chance: random.Random) -> list[bytes]:  # Any: descriptor, and what it describes
    number = field.number
    if field.type == Field.TYPE_MESSAGE:
        parts = _fields(value, chance)
        if field.is_repeated or chance.random() < 0.6:
            return [delimited(number, b"".join(parts), chance)]
        cut = chance.randint(0, len(parts))  # the parts of a message that stands once are put together
        return [delimited(number, b"".join(part), chance) for part in (parts[:cut], parts[cut:])]
    if field.type in (Field.TYPE_STRING, Field.TYPE_BYTES):
        content = value.encode() if isinstance(value, str) else value
        decoy = [] if field.is_repeated or chance.random() < 0.8 else [delimited(number, b"EPContext", chance)]
        return [*decoy, delimited(number, content, chance)]
    kind = _WIRE.get(field.type, 0)
    if kind == 0:
        return [varint(number << 3, chance) + varint(value, chance)]
    return [varint(number << 3 | kind) + struct.pack("<f" if kind == 5 else "<d", value)]


def _nothing(message: Any, chance: random.Random) -> list[bytes]:  # Any: any message
    """Return fields that a parser skips: of numbers that nobody has, or of another kind than theirs."""
    known = [field.number for field in message.DESCRIPTOR.fields if field.type in _DELIMITED]
    wrong = varint(chance.choice(known) << 3 | 5) + b"abcd"
    return [
        wrong,
        delimited(1000, b"\x0a\x00", chance),
        varint(999 << 3) + varint(1 << 40),
        varint(998 << 3 | 1) + b"8" * 8,
    ]
