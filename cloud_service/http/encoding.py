"""Compressed bodies, unpacked within a bound and packed where the caller asks for it. Pure.

What is unpacked never takes more than the bound and one piece: a bomb is refused after the piece that exceeds it."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

from cloud_service.errors import InvalidInput, TooLarge

__all__ = ["ENCODINGS", "chosen_encoding", "packed", "unpacked"]

# 16 + for gzip's frame, as zlib has it; "deflate" is zlib's frame, whatever its name says.
_WINDOW: Final = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
ENCODINGS: Final = tuple(_WINDOW)

# Text of numbers shrinks by half at any level; higher ones only take longer.
_LEVEL: Final = 1


def unpacked(content: bytes, encoding: str, *, at_most: int) -> bytes:
    """Return what `content` was before it was packed by `encoding`, one of ENCODINGS, empty or "identity".

    Raises InvalidInput, TooLarge."""
    if encoding in ("", "identity"):
        return content
    if encoding not in _WINDOW:
        raise InvalidInput(f"the content encoding is none of {', '.join(ENCODINGS)}")
    reader = zlib.decompressobj(_WINDOW[encoding])
    try:
        body = reader.decompress(content, at_most + 1)
    except zlib.error:
        raise InvalidInput(f"the body is not {encoding}, as its header says") from None
    if len(body) > at_most:
        raise TooLarge(at_most)
    if not reader.eof or reader.unused_data:
        raise InvalidInput(f"the body is not one whole {encoding} stream")
    return body


def packed(content: bytes, encoding: str) -> bytes:
    """Return `content` packed by one of ENCODINGS."""
    return gzip.compress(content, _LEVEL, mtime=0) if encoding == "gzip" else zlib.compress(content, _LEVEL)


def chosen_encoding(accepted: str) -> str:
    """Return the encoding that an Accept-Encoding header asks for first, or "" for none that is known."""
    for offer in accepted.split(","):
        name, _, weight = (part.strip().lower() for part in offer.partition(";"))
        if name in _WINDOW and weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            return name
    return ""
