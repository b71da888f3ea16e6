"""From a point to a policy document: the start's text with the point's values, and with what each was chosen for. Pure.

Notes begin with a word of their own, so that those of an earlier search are known and taken out."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import Final

from router.errors import TuneError
from router.toml.edit import NotEditable, edited
from router.tune.space import Point

__all__ = ["MARK", "as_document", "as_tuned"]

MARK: Final = "tuned:"
_WIDTH: Final = 100
_NOTE: Final = re.compile(rf"^[ \t]*#[ ]{MARK}[^\n]*\n", re.MULTILINE)


def as_document(start: bytes, point: Point) -> bytes:
    """Return the start with the point's values, to be run. Raises TuneError: where they cannot be written into it."""
    try:
        return edited(start.decode("utf-8"), point, {}).encode("utf-8")
    except NotEditable as error:
        raise TuneError(str(error)) from error


def as_tuned(start: bytes, point: Point, version: int, notes: Mapping[str, Sequence[str]]) -> bytes:
    """Return the start with the point's values, this version, and `notes` by path; those of the empty path stand in
    front of everything. Raises TuneError."""
    text = _NOTE.sub("", start.decode("utf-8"))
    said = {path: [f"{MARK} {part}" for line in lines for part in _wrapped(line)] for path, lines in notes.items()}
    try:
        return edited(text, {**point, "version": version}, said).encode("utf-8")
    except NotEditable as error:
        raise TuneError(str(error)) from error


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
