"""What a search has run so far, line by line, so that one that was interrupted goes on where it was. Pure.

The first line says what the search was of; a journal of another search is refused, with what differs. Each further line
is one policy in one part. A last line without an end was being written when the plug was pulled, and is no fault."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from router.errors import TuneError
from router.simulate.tally import Block
from router.tune.trial import blocks_of, kept

__all__ = ["MAX_LINE_BYTES", "VERSION", "Header", "Known", "first_line", "line_of", "read"]

VERSION: Final = 1
# 64 blocks of a dozen sums and some thousand buckets; a longer line is none of ours.
MAX_LINE_BYTES: Final = 1 << 20

Header = Mapping[str, Any]  # Any: a JSON document
Known = dict[tuple[str, str], list[Block] | None]
"""(part, key of the point) -> its blocks; None where it is no policy."""


def first_line(header: Header) -> str:
    """Return the line that a journal begins with."""
    return json.dumps({"nearfar_tune": VERSION, **header}, ensure_ascii=False) + "\n"


def line_of(part: str, key: str, blocks: Sequence[Block] | None, *, times: bool) -> str:
    """Return the line of one policy in one part."""
    columns = None if blocks is None else kept(blocks, times=times)
    return json.dumps({"part": part, "point": key, "blocks": columns}, ensure_ascii=False) + "\n"


def read(lines: Iterable[bytes], header: Header) -> tuple[Known, int]:
    """Return what the journal of this search has, and how many bytes of it are whole lines.

    Raises TuneError: for the journal of another search, or a damaged one."""
    known: Known = {}
    whole = 0
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            if len(line) > MAX_LINE_BYTES:
                raise _damaged(number)
            break
        document = _document(line, number)
        if number == 1:
            _refuse_foreign(document, json.loads(first_line(header)))
        else:
            try:
                blocks = None if document["blocks"] is None else blocks_of(document["blocks"])
                known[str(document["part"]), str(document["point"])] = blocks
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise _damaged(number) from error
        whole += len(line)
    return known, whole


def _document(line: bytes, number: int) -> dict[str, Any]:  # Any: a JSON document
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _damaged(number) from error
    if not isinstance(document, dict):
        raise _damaged(number)
    return document


def _refuse_foreign(found: Header, wanted: Header) -> None:
    if found.get("nearfar_tune") != wanted["nearfar_tune"]:
        raise TuneError("it is no journal of a search, or one of another version; delete it, or write to another file")
    differ = [name.replace("_", " ") for name in wanted if found.get(name) != wanted[name]]
    if differ:
        raise TuneError(
            f"it is the journal of another search: {', '.join(differ)} differ; delete it, or write to another file"
        )


def _damaged(number: int) -> TuneError:
    return TuneError(f"line {number} is damaged; delete the file, and the search begins anew")
