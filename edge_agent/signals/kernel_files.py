"""Reading the small files in which Linux tells of the machine. One that is missing, forbidden, too long, or says
something else than what is looked for there says nothing: None, and no exception."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["ROUTES_BYTES", "folders", "number_in", "text_in"]

# A file of one value fills a page at most.
_BYTES: Final = 4096
ROUTES_BYTES: Final = 1 << 18
"""A table of routes has a line for each: some thousands of them, and no device has more."""
# Of 64 bits, with its sign.
_DIGITS: Final = 20
_MOST_FOLDERS: Final = 1024


def text_in(path: Path, most_bytes: int = _BYTES) -> str | None:
    """Return what stands in a file, without the white space around it."""
    try:
        # Not to wait: what should be a file may be a pipe that nobody writes to.
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        content = b""
        while len(content) <= most_bytes and (read := os.read(opened, most_bytes + 1 - len(content))):
            content += read
    except OSError:
        return None
    finally:
        os.close(opened)
    if len(content) > most_bytes or not content.isascii() or b"\0" in content:
        return None
    return content.decode("ascii").strip()


def number_in(path: Path) -> int | None:
    """Return the whole number that a file consists of."""
    text = text_in(path)
    if text is None:
        return None
    digits = text.removeprefix("-")
    return int(text) if digits.isdecimal() and len(digits) <= _DIGITS else None


def folders(path: Path, beginning: str = "") -> list[Path]:
    """Return what is in a folder under names that begin so, in order; at most a thousand."""
    try:
        names = sorted(name for name in os.listdir(path) if name.startswith(beginning))
    except OSError:
        return []
    return [path / name for name in names[:_MOST_FOLDERS]]
