"""Tables of numbers over time: two columns (second and Mbit/s, say), or any two of a CSV with a heading. Pure.

Columns are parted by commas, semicolons, tabs or spaces, as the first line has it. The first line is a heading where it
holds no numbers. Times become seconds from the first one on."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from router.simulate.traces.lines import (
    MAX_ROWS,
    MAX_SECONDS,
    Lines,
    TraceFault,
    cells_of,
    numbered,
    only_place,
    seconds_number,
)

__all__ = ["Column", "Columns", "read_curve", "read_table", "read_times"]

Column = str | int
"""A column by its name in the heading, or by its number from 0."""

# A gap of so many steps is no slow sample but a hole of which nothing is known.
_HOLE_STEPS: Final = 60
# It begins again at its end: of shorter steps a day has so many that nobody waits for it.
_LEAST_STEP_S: Final = 0.0005
_PER_SECOND: Final = {"s": 1.0, "ms": 1e3}
_COMMAS: Final = (",", ";", "\t")
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d(?:\.\d{1,12})?)(Z|[+-]\d\d:?\d\d)?", re.ASCII)
_FLAGS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table to read, and how."""

    time: Column = 0
    column: Column = 1
    unit: Literal["s", "ms"] = "s"
    shorten_gaps_to_s: float | None = None
    """Longer gaps are shortened to it; None: such a trace is refused."""
    counts: tuple[float, ...] = ()
    """Where not empty: a value among these counts as 1, any other as 0."""
    scale: float = 1.0
    """What values are multiplied by before they are held to what follows; they are returned as they stand."""
    least: float = -math.inf
    most: float = math.inf


def read_table(lines: Lines, columns: Columns) -> tuple[list[tuple[float, float]], float]:
    """Return (seconds from the first row, value) of each row, and the length of the whole: a step beyond the last.

    Rows of one time are samples of one moment, and their mean counts: recorded tables have such, by rounding.
    Raises TraceFault: at the first row that lacks a column, holds no number, or comes earlier than the one before it;
    at the first moment whose value is out of range; where rows lie so far apart that nothing is known of what is
    between them; and where all of them are less than half a millisecond apart on average."""
    points: list[tuple[float, float]] = []
    at_line: list[int] = []
    samples = 1
    for number, (time, value) in _rows(lines, (columns.time, columns.column)):
        at = _time(number, time, columns.unit)
        if points and at < points[-1][0]:
            raise TraceFault(number, "comes earlier than the row before it; sort the table")
        told = _FLAGS.get(value.lower())
        told = seconds_number(value) if told is None else told
        if told is None:
            raise TraceFault(number, "its value is no finite number")
        counted = float(told in columns.counts) if columns.counts else told
        if points and at == points[-1][0]:
            samples += 1
            points[-1] = at, points[-1][1] + (counted - points[-1][1]) / samples
            continue
        samples = 1
        points.append((at, counted))
        at_line.append(number)
    if len(points) < 2:
        raise TraceFault(0, "fewer than two moments: a table over time needs a beginning and an end")
    for line, (_, mean) in zip(at_line, points, strict=True):
        if not columns.least <= mean * columns.scale <= columns.most:
            raise TraceFault(
                line,
                f"{mean * columns.scale:g} is not from {columns.least:g} to {columns.most:g}; clip = true takes the "
                "nearest that is",
            )
    return _closed(points, at_line, columns.shorten_gaps_to_s)


def read_times(lines: Lines, time: Column, unit: Literal["s", "ms"]) -> list[float]:
    """Return the seconds of each row from the first one on, for a list of arrivals. Several may come at once.

    Raises TraceFault: as read_table, but for rows that come at the same time or far apart."""
    times: list[float] = []
    for number, (told,) in _rows(lines, (time,)):
        at = _time(number, told, unit)
        if times and at < times[-1]:
            raise TraceFault(number, "comes earlier than the row before it; sort the table")
        times.append(at)
    if not times:
        raise TraceFault(0, "holds no row")
    first = times[0]
    return [at - first for at in times]


def read_curve(lines: Lines, x: Column, y: Column, unit: Literal["s", "ms"]) -> list[tuple[float, float]]:
    """Return the points of a measured curve, of which both columns are times: how one follows the other.

    Points of one x are samples, and their mean counts. Raises TraceFault: at the first row that lacks a column, holds
    no number, is below 0, or has a lower x than the one before it."""
    points: list[tuple[float, float]] = []
    samples = 1
    for number, cells in _rows(lines, (x, y)):
        at, height = (seconds_number(cell) for cell in cells)
        if at is None or height is None or at < 0 or height < 0 or at > MAX_SECONDS or height > MAX_SECONDS:
            raise TraceFault(number, "both are numbers from 0 on")
        at, height = at / _PER_SECOND[unit], height / _PER_SECOND[unit]
        if points and at < points[-1][0]:
            raise TraceFault(number, "comes before the row above it; sort the table by its first number")
        if points and at == points[-1][0]:
            samples += 1
            points[-1] = at, points[-1][1] + (height - points[-1][1]) / samples
            continue
        samples = 1
        points.append((at, height))
    if not points:
        raise TraceFault(0, "holds no row")
    return points


def _closed(
    points: Sequence[tuple[float, float]], at_line: Sequence[int], shorten_to_s: float | None
) -> tuple[list[tuple[float, float]], float]:
    steps = sorted(later - earlier for (earlier, _), (later, _) in pairwise(points))
    step_s = steps[(len(steps) - 1) // 2]
    longest_s = _HOLE_STEPS * step_s if shorten_to_s is None else shorten_to_s
    closed = [(0.0, points[0][1])]
    for line, ((before, _), (at, value)) in zip(at_line[1:], pairwise(points), strict=True):
        gap_s = at - before
        if gap_s > longest_s:
            if shorten_to_s is None:
                raise TraceFault(
                    line,
                    f"nothing is told of the {gap_s:g} s before it, where rows are {step_s:g} s apart; fill the gap, "
                    "or say with shorten_gaps_to_s how long it is to last",
                )
            gap_s = longest_s
        closed.append((closed[-1][0] + gap_s, value))
    length_s = closed[-1][0] + min(step_s, longest_s)
    if length_s < _LEAST_STEP_S * len(closed):
        raise TraceFault(0, f"its {len(closed):,} moments lie within {length_s:g} s; are its times in another unit?")
    return closed, length_s


def _rows(lines: Lines, wanted: tuple[Column, ...]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Return the wanted cells of each row, with the number of its line."""
    places: tuple[int, ...] | None = None
    comma: str | None = None
    for number, text in numbered(lines, MAX_ROWS):
        if places is None:
            comma = next((sign for sign in _COMMAS if sign in text), None)
            heading = _cells(text, comma)
            # With names the first line has to be a heading; with numbers it is one where it holds none.
            headed = any(isinstance(column, str) for column in wanted) or all(map(_is_word, heading))
            places = _places(number, wanted, heading)
            if headed:
                continue
        cells = _cells(text, comma)
        try:
            yield number, tuple([cells[place] for place in places])
        except IndexError:
            raise TraceFault(number, f"has {len(cells)} columns, too few; is the trace cut off here?") from None


def _cells(text: str, comma: str | None) -> list[str]:
    if comma is not None:
        return cells_of(text, comma)
    # A date has a space in it, which parts nothing.
    return [text] if _DATE.fullmatch(text) else [cell.strip('"') for cell in text.split()]


def _is_word(cell: str) -> bool:
    return cell[:1].isalpha()


def _places(number: int, wanted: tuple[Column, ...], heading: list[str]) -> tuple[int, ...]:
    places = []
    for column in wanted:
        if isinstance(column, int):
            if column >= len(heading):
                one = len(heading) == 1 and heading[0].isascii() and heading[0].isdigit()
                rather = (
                    '; a whole number a line may be a trace of mahimahi: say mahimahi = "..." in the place of table'
                )
                counted = f"there is no column {column}: columns are counted from 0 to {len(heading) - 1}"
                raise TraceFault(number, f"{counted}{rather if one else ''}")
            places.append(column)
        else:
            places.append(only_place(number, column, heading, rather="say which by its number"))
    return tuple(places)


def _time(number: int, text: str, unit: Literal["s", "ms"]) -> float:
    seconds = seconds_number(text)
    if seconds is not None:
        seconds /= _PER_SECOND[unit]
    else:
        seconds = _date(text)
    if seconds is None or not -MAX_SECONDS <= seconds <= MAX_SECONDS:
        raise TraceFault(number, "its time is neither a number of seconds nor a date such as 2026-01-31 08:00:00")
    return seconds


def _date(text: str) -> float | None:
    """Return the seconds from some day on; only differences count, so that a date without a zone is as good as one."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute = (int(part) for part in found.group(1, 2, 3, 4, 5))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60):
        return None
    # The calendar's arithmetic: a year begins in March, so that a leap day is its last. 719,469 days before 1970.
    year, month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * year + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 719_469
    zone_s = 0
    if found[7] and found[7] != "Z":
        hours, minutes = int(found[7][1:3]), int(found[7][-2:])
        zone_s = (3600 * hours + 60 * minutes) * (-1 if found[7][0] == "-" else 1)
    return float(86_400 * days + 3600 * hour + 60 * minute + float(found[6]) - zone_s)
