"""Tables of a flatbuffer: what is there is read, and no offset leads out of the file."""

from __future__ import annotations

import struct
from contextlib import suppress

import flatbuffers
import numpy as np
import pytest

from nearfar_wire.flatbuffer import Malformed, root


def _written() -> bytes:
    """A table: 0 a number, 1 a text, 2 a vector of numbers, 3 a table of a number, 4 a vector of that table, twice."""
    builder = flatbuffers.Builder(64)
    text = builder.CreateString("naïve")
    numbers = builder.CreateNumpyVector(np.array([1, -2], "int32"))
    builder.StartObject(1)
    builder.PrependInt32Slot(0, 7, 0)
    inner = builder.EndObject()
    builder.StartVector(4, 2, 4)
    builder.PrependUOffsetTRelative(inner)
    builder.PrependUOffsetTRelative(inner)
    tables = builder.EndVector()
    builder.StartObject(5)
    builder.PrependUint32Slot(0, 42, 0)
    builder.PrependUOffsetTRelativeSlot(1, text, 0)
    builder.PrependUOffsetTRelativeSlot(2, numbers, 0)
    builder.PrependUOffsetTRelativeSlot(3, inner, 0)
    builder.PrependUOffsetTRelativeSlot(4, tables, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def _read(content: bytes) -> list[object]:
    table = root(content)
    inner = table.table(3)
    return [
        table.whole(0, "I"),
        table.text(1),
        table.wholes(2, "i", 2),
        None if inner is None else inner.whole(0, "i"),
        [one.whole(0, "i") for one in table.tables(4, 2)],
        table.count(2, 4),
    ]


def test_what_was_written_is_read() -> None:
    assert _read(_written()) == [42, "naïve", (1, -2), 7, [7, 7], 2]


def test_a_field_that_is_not_there_has_its_default() -> None:
    table = root(_written())
    assert (table.whole(9, "i", 3), table.text(9), table.table(9), table.wholes(9, "i", 1)) == (3, "", None, ())


def test_more_than_was_said_to_be_enough_is_refused() -> None:
    with pytest.raises(Malformed):
        root(_written()).wholes(2, "i", 1)
    with pytest.raises(Malformed):
        root(_written()).tables(4, 1)


@pytest.mark.parametrize("cut", range(0, 120, 3))
def test_a_file_that_was_cut_off_is_malformed_or_lacks_nothing(cut: int) -> None:
    content = _written()
    try:
        read = _read(content[: len(content) - cut])
    except Malformed:
        return
    assert read == _read(content)


@pytest.mark.parametrize("word", [0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0xFFFF, 4, 1, 0])
def test_no_offset_leads_anywhere_but_into_the_file(word: int) -> None:
    """A negative offset is one that Python would count from the end."""
    content = _written()
    for at in range(0, len(content) - 4, 4):
        with suppress(Malformed):  # and nothing else
            _read(content[:at] + struct.pack("<I", word) + content[at + 4 :])


@pytest.mark.wide
def test_a_small_file_has_no_endless_lot_to_read() -> None:
    """A vector of 100 000 offsets to one table with a vector of as many numbers: ten thousand million in half a MB."""
    count = 100_000
    builder = flatbuffers.Builder(1 << 20)
    numbers = builder.CreateNumpyVector(np.zeros(count, "int8"))
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, numbers, 0)
    inner = builder.EndObject()
    builder.StartVector(4, count, 4)
    for _ in range(count):
        builder.PrependUOffsetTRelative(inner)
    tables = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, tables, 0)
    builder.Finish(builder.EndObject())
    table = root(bytes(builder.Output()))
    many = table.tables(0, count)
    read = 0
    with pytest.raises(Malformed):  # noqa: PT012  # what was read until then counts
        for one in many:
            read += len(one.numbers(0, "b", count))
    assert 0 < read <= 8 * len(builder.Output())
