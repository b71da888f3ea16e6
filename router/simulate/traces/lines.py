"""What all readers of traces share: how a line is read, and how a fault in it is told. Pure."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from router.naming import did_you_mean

__all__ = [
    "MAX_EXAMPLES",
    "MAX_LINES_IN_ALL",
    "MAX_LINE_BYTES",
    "MAX_PACKETS",
    "MAX_ROWS",
    "MAX_TRACE_BYTES",
    "Lines",
    "TraceFault",
    "cells_of",
    "numbered",
    "only_place",
    "seconds_number",
]

Lines = Iterable[bytes]
"""A file's lines, each with or without its line end. Whoever reads the file cuts lines at MAX_LINE_BYTES + 1."""

MAX_LINE_BYTES: Final = 4096
MAX_TRACE_BYTES: Final = 64 << 20
"""Above any trace that is read to its end. Whoever reads the file refuses a larger one, unread if its size is known."""
MAX_PACKETS: Final = 5_000_000
"""A week of a busy link's packets; some 20 MB of numbers."""
MAX_ROWS: Final = 1_000_000
"""Of a table. Eleven days of seconds, which are read in three and take some 300 MB meanwhile."""
MAX_LINES_IN_ALL: Final = 2 * MAX_PACKETS
"""Of all traces that one scenario names: both directions of the busiest link."""
MAX_EXAMPLES: Final = 200_000
"""More than anybody labels; each is kept with what every target made of it."""
# Beyond a century nothing is simulated, and sums keep their microseconds.
MAX_SECONDS: Final = 4e9


class TraceFault(Exception):
    """What is wrong with a trace, and in which line; 0 where it is the whole."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.line = line


def numbered(lines: Lines, most: int) -> Iterator[tuple[int, str]]:
    """Return the lines with their numbers, from 1, without those that are empty.

    Raises TraceFault: for a line that is too long or no text, and for more than `most` lines."""
    for number, line in enumerate(lines, start=1):
        if number > most:
            raise TraceFault(
                number, f"more than {most:,} lines, which are the most that are read; cut it, or thin it out"
            )
        if len(line) > MAX_LINE_BYTES:
            raise TraceFault(number, f"longer than {MAX_LINE_BYTES} bytes: this is no trace of numbers")
        try:
            # A byte order mark is no fault of who exported the table.
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError:
            raise TraceFault(number, "not UTF-8: this is no trace of numbers") from None
        if "\r" in text:
            # Split at spaces, all rows would be columns of the first.
            raise TraceFault(number, "its lines end in a carriage return alone; save it with line ends as on Unix")
        if text:
            yield number, text


def only_place(number: int, name: str, heading: Sequence[str], *, rather: str = "rename all but one") -> int:
    """Return where the column `name` stands in a heading, which line `number` is.

    Raises TraceFault: it does not stand there, or twice, and nobody could say which of the two was meant."""
    places = [place for place, told in enumerate(heading) if told == name]
    if not places:
        raise TraceFault(number, f'there is no column "{name[:64]}"{did_you_mean(name, heading[:64])}')
    if len(places) > 1:
        raise TraceFault(
            number, f'{len(places)} columns, counted from 0 {_listed(places)}, are called "{name[:64]}"; {rather}'
        )
    return places[0]


def _listed(places: Sequence[int]) -> str:
    return f"{', '.join(str(place) for place in places[:4])}{', ...' if len(places) > 4 else ''}"


def cells_of(text: str, comma: str) -> list[str]:
    """Return the cells of a row, without the spaces and quotes around them; what stands in quotes parts nothing."""
    if '"' not in text:
        return [cell.strip() for cell in text.split(comma)]
    return [cell.strip().strip('"') for cell in next(csv.reader([text], delimiter=comma, skipinitialspace=True))]


def seconds_number(text: str) -> float | None:
    """Return the number that `text` is; None where it is none, or not finite. Python's own 1_000 is none."""
    if "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
