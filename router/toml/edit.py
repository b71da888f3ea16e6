"""A TOML text with some of its values changed, and all else as its author wrote it: comments, order, blanks. Pure.

For texts that the parser has taken. A value is put in the place of the old one; a key that is not there yet is written
into its table, and a table that is not there yet behind everything. What a change would make of the text is read back
before it is returned."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router.toml.lines import Layout, lay_out

__all__ = ["NotEditable", "Value", "edited"]

Value = bool | int | float | str
_TABLE: Final = "{"


class NotEditable(ValueError):
    """A text that cannot be changed so without changing more of it. Says which key."""


def edited(text: str, changes: Mapping[str, Value], notes: Mapping[str, Sequence[str]]) -> str:
    """Return `text` with the values of `changes`, by the places of their keys, such as `worth.second`, and above the
    line of each of `notes` these comments.

    Raises NotEditable: where a key stands in a way that nothing can be put beside."""
    written = text if text.endswith("\n") or not text else text + _ending(text)
    for path, value in changes.items():
        written = _with(written, path, value)
    if not _says(written, text, changes):
        raise NotEditable(f"{', '.join(changes)}: cannot be written into this text without changing more of it")
    return _noted(written, notes)


def _says(written: str, text: str, changes: Mapping[str, Value]) -> bool:
    """Tell whether what was written is what `text` says, but for the changes."""
    try:
        read = tomllib.loads(written)
    except tomllib.TOMLDecodeError:
        return False  # a table that is a list, say, or stands within braces
    wanted = tomllib.loads(text)
    for path, value in changes.items():
        _put(wanted, path, value)
    return read == wanted


def _with(text: str, path: str, value: Value) -> str:
    layout = lay_out(text)
    table, _, key = path.rpartition(".")
    if path in layout.values:
        begins, ends = layout.values[path]
        return text[:begins] + _toml(value) + text[ends:]
    statement = f"{key} = {_toml(value)}{_ending(text)}"
    if table in layout.values:
        return _within_braces(text, layout.values[table], path, f"{key} = {_toml(value)}")
    if table in layout.headers:
        return _before_line(text, layout.headers[table] + 1, statement)
    beside = _beside(layout, table)
    if beside is not None:
        line, prefix = beside
        return _before_line(text, line, f"{prefix}{statement}")
    if not table:
        return statement + text
    return f"{text}{_ending(text)}[{table}]{_ending(text)}{statement}"


def _within_braces(text: str, place: tuple[int, int], path: str, pair: str) -> str:
    begins, ends = place
    if text[begins] != _TABLE:
        raise NotEditable(f"{path}: what stands there is no table")
    inside = text[begins + 1 : ends - 1].strip()
    return f"{text[:begins]}{{ {inside}{', ' if inside else ''}{pair} }}{text[ends:]}"


def _beside(layout: Layout, table: str) -> tuple[int, str] | None:
    """Return the line of a statement that says a key of `table` with dots, and what stands before the key there."""
    if not table:
        return None
    said = [
        (line, path) for path, line in layout.lines.items() if path.startswith(f"{table}.") and path in layout.values
    ]
    if not said:
        return None
    line, _ = min(said)
    headers = [(at, name) for name, at in layout.headers.items() if at < line and table.startswith(f"{name}.")]
    around = max(headers, default=(0, ""))[1]
    return line, f"{table.removeprefix(f'{around}.' if around else '')}."


def _before_line(text: str, line: int, statement: str) -> str:
    lines = _lines(text)
    return "".join([*lines[: line - 1], statement, *lines[line - 1 :]])


def _noted(text: str, notes: Mapping[str, Sequence[str]]) -> str:
    """Return the text with its notes; those of the empty path stand in front of everything."""
    layout = lay_out(text)
    above: dict[int, list[str]] = {}
    for path, said in notes.items():
        above.setdefault(layout.lines[path] if path else 1, []).extend(said)
    ending = _ending(text)
    written: list[str] = []
    for number, line in enumerate(_lines(text), start=1):
        blanks = line[: len(line) - len(line.lstrip(" \t"))]
        written += [f"{blanks}# {note}{ending}" for note in above.get(number, ())]
        written.append(line)
    return "".join(written)


def _put(values: dict[str, Any], path: str, value: Value) -> None:  # Any: TOML values
    *tables, key = path.split(".")
    for table in tables:
        values = values.setdefault(table, {})
    values[key] = value


def _lines(text: str) -> list[str]:
    # Not splitlines: TOML's lines end with a line feed, and with nothing else that Unicode knows.
    return [f"{line}\n" for line in text.split("\n")[:-1]]


def _ending(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _toml(value: Value) -> str:
    return json.dumps(value, ensure_ascii=False)
