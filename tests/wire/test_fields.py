"""Walking a message's fields: each is found where the parser finds it, and nothing is walked for ever."""

from __future__ import annotations

import pytest

from nearfar_wire.errors import MessageError
from nearfar_wire.fields import MAX_FIELDS, VARINT, Allowance, tag, walk


def walked(content: bytes, allowance: Allowance | None = None) -> list[tuple[int, bytes]]:
    return [(found, content[a:b]) for found, a, b in walk(content, 0, len(content), allowance or Allowance())]


def test_every_kind_of_field_is_found_with_its_content() -> None:
    content = b"\x08\x96\x01" + b"\x12\x02ab" + b"\x1d1234" + b"\x2112345678" + b"\xa2\x06\x00"
    assert walked(content) == [
        (tag(1, VARINT), b"\x96\x01"),
        (tag(2), b"ab"),
        (tag(3, 5), b"1234"),
        (tag(4, 1), b"12345678"),
        (tag(100), b""),
    ]


def test_a_length_of_more_than_a_byte_is_read() -> None:
    assert walked(b"\x0a\xac\x02" + bytes(300)) == [(tag(1), bytes(300))]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x0a", id="no length"),
        pytest.param(b"\x0a\x05abcd", id="a length beyond the end"),
        pytest.param(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", id="a length of 64 bits"),
        pytest.param(b"\x08", id="no number"),
        pytest.param(b"\x08" + b"\xff" * 11, id="a number that does not end"),
        pytest.param(b"\x0d123", id="four bytes, three there"),
        pytest.param(b"\x091234567", id="eight bytes, seven there"),
        pytest.param(b"\x80", id="a tag cut off"),
        pytest.param(b"\x02\x00", id="field 0"),
        pytest.param(b"\xff" * 10, id="a tag that does not end"),
        pytest.param(b"\x82\x80\x80\x80\x10\x00", id="a tag of 33 bits"),
        pytest.param(b"\x0b\x0c", id="a group"),
        pytest.param(b"\x0c", id="the end of no group"),
        pytest.param(b"\x0e", id="no kind of field"),
    ],
)
def test_what_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(MessageError, match="damaged or cut off"):
        walked(content)


def test_the_parts_of_one_message_share_its_allowance() -> None:
    allowance = Allowance(5)
    assert len(walked(b"\x0a\x00" * 3, allowance)) == 3
    with pytest.raises(MessageError, match=f"more than {MAX_FIELDS} fields"):
        walked(b"\x0a\x00" * 3, allowance)
