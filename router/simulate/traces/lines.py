"""What all readers of traces share: how a line is read, and how a fault in it is told. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

__all__ = ["MAX_LINE_BYTES", "MAX_VALUES", "Lines", "TraceFault", "numbered", "seconds_number"]

Lines = Iterable[bytes]
"""A file's lines, each with or without its line end. Whoever reads the file cuts lines at MAX_LINE_BYTES + 1."""

MAX_LINE_BYTES: Final = 4096
MAX_VALUES: Final = 5_000_000
"""A week of a busy link's packets; some 40 MB of numbers."""
# Beyond a century nothing is simulated, and sums keep their microseconds.
MAX_SECONDS: Final = 4e9


class TraceFault(Exception):
    """What is wrong with a trace, and in which line; 0 where it is the whole."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.line = line


def numbered(lines: Lines) -> Iterator[tuple[int, str]]:
    """Return the lines with their numbers, from 1, without those that are empty.

    Raises TraceFault: for a line that is too long or no text, and for more lines than are read."""
    for number, line in enumerate(lines, start=1):
        if number > MAX_VALUES:
            raise TraceFault(number, f"more than {MAX_VALUES:,} lines; cut the trace")
        if len(line) > MAX_LINE_BYTES:
            raise TraceFault(number, f"longer than {MAX_LINE_BYTES} bytes: this is no trace of numbers")
        try:
            # A byte order mark is no fault of who exported the table.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise TraceFault(number, "not UTF-8: this is no trace of numbers") from None
        if text:
            yield number, text


def seconds_number(text: str) -> float | None:
    """Return the number that `text` is; None where it is none, or not finite. Python's own 1_000 is none."""
    if "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
