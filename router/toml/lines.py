"""On which line each key, table and list entry of a TOML text stands. Pure.

For texts that the parser has taken, or the part of one before its fault: what is valid is not checked again, so a few
patterns do. No parser at hand tells lines: tomllib and tomlkit keep none, and one more dependency on every device, for
the sake of messages, would be dear. It works in one pass, without recursion, and for whatever text it is given."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from dataclasses import dataclass
from enum import Enum
from typing import Final

from router.naming import shown

__all__ = ["Layout", "Twice", "joined", "lay_out"]

# Places longer than this are not kept: a kilobyte of name before each of a hundred thousand keys would be many.
MAX_PATH: Final = 512
# No document of ours nests so deep, and no place in such a one would be read.
MAX_DEPTH: Final = 100
# What stands further back in a list is told with the list's line.
MAX_ENTRIES: Final = 1000

_BETWEEN: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*+)*+")
_BLANK: Final = re.compile(r"[ \t]*+")
_KEY: Final = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'""")
_DOT: Final = re.compile(r"[ \t]*+\.[ \t]*+")
_IS: Final = re.compile(r"[ \t]*+=[ \t]*+")
# Up to two quotes may stand before the three that end a long text, and belong to it.
_QUOTED: Final = (
    r'''"""(?:\\.|"{1,2}+(?!")|[^"\\])*+"""(?:"{0,2}+)'''
    r"""|'''(?:'{1,2}+(?!')|[^'])*+'''(?:'{0,2}+)"""
    r"""|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+\'"""
)
_TEXT: Final = re.compile(_QUOTED, re.DOTALL)
_INSIDE: Final = re.compile(rf"(?:[^\[\]{{}}\"'#]++|#[^\n]*+|{_QUOTED})*+", re.DOTALL)
# A number, a flag or a date, which may have a space in it.
_PLAIN: Final = re.compile(r"[^,\[\]{}#\n\"']++")


@dataclass(frozen=True, slots=True)
class Twice:
    """What is said a second time: the key's place in the document, its line, and the line where it was said first."""

    path: str
    line: int
    first_line: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Lines count from 1; paths are written as errors write them, such as `rules[2].when.rtt_ms`."""

    lines: dict[str, int]
    twice: Twice | None
    """The first one, where there is one."""
    reached: int
    """The line of the last statement that was begun: where a text ends too early, this is what was left open."""
    values: dict[str, tuple[int, int]]
    """Path -> where in the text its value begins and ends: of keys and list entries, whatever they hold."""
    headers: dict[str, int]
    """Path of a table that has a header of its own -> the header's line."""

    def line_of(self, path: str, key: str = "") -> int | None:
        """Return the line of `key` in the table at `path`; of that table, or what is around it, where it is not
        written."""
        here = joined(path, key) if key else path
        while here and here not in self.lines:
            here = path if here != path and key else here[: max(here.rfind("."), here.rfind("["), 0)]
            key = ""
        return self.lines.get(here)


class _Said(Enum):
    VALUE = "a value"
    DOTTED = "a table, by a key with dots"
    TABLE = "a table, by its header"
    AROUND = "a table, by the header of one inside it"
    LIST = "a list of tables"


def lay_out(text: str) -> Layout:
    """Find where everything in `text` stands, up to its end or to where it is not TOML."""
    return _Scanner(text).run()


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.ends = [found.start() for found in re.finditer("\n", text)]
        self.lines: dict[str, int] = {}
        self.said: dict[str, _Said] = {}
        self.counts: dict[str, int] = {}
        self.twice: Twice | None = None
        self.values: dict[str, tuple[int, int]] = {}
        self.headers: dict[str, int] = {}

    def run(self) -> Layout:
        table = ""
        reached = 0
        while True:
            self._skip(_BETWEEN)
            if self.at >= len(self.text):
                break
            reached = self.at
            if self.text[self.at] == "[":
                found = self._header()
                if found is None:
                    break
                table = found
                self._skip(_BLANK)
            elif not self._pair(table):
                break
            if self.at < len(self.text) and self.text[self.at] not in "\r\n#":
                break  # something follows on the same line
        return Layout(self.lines, self.twice, self._line(reached), self.values, self.headers)

    # -- statements ----------------------------------------------------------------------------------------------------

    def _header(self) -> str | None:
        begins = self.at
        brackets = "[[" if self.text.startswith("[[", self.at) else "["
        self.at += len(brackets)
        self._skip(_BLANK)
        parts = self._key()
        self._skip(_BLANK)
        closing = "]" * len(brackets)
        if not parts or not self.text.startswith(closing, self.at):
            return None
        self.at += len(closing)
        path = ""
        for part in parts[:-1]:
            path = self._latest(joined(path, part))
            self._say(path, begins, _Said.AROUND)
        path = joined(path, parts[-1])
        if brackets == "[":
            path = self._latest(path)
            self._say(path, begins, _Said.TABLE)
            self.headers[path] = self._line(begins)
            return path
        self._say(path, begins, _Said.LIST)
        self.counts[path] = self.counts.get(path, 0) + 1
        path = self._latest(path)
        self._say(path, begins, _Said.AROUND)
        return path

    def _latest(self, path: str) -> str:
        return f"{path}[{self.counts[path] - 1}]" if path in self.counts else path

    def _pair(self, table: str) -> bool:
        """Read KEY = VALUE, and all that is inside the value."""
        path = self._name(table)
        # The containers that are open: the path of each, and how many entries a list has had so far.
        open_: list[tuple[str, int | None]] = []
        while path is not None:
            self._skip(_BETWEEN if open_ else _BLANK)
            opening = self.text[self.at : self.at + 1]
            if len(open_) > MAX_DEPTH:
                return False
            begins = self.at
            if len(path) <= MAX_PATH:
                self.values[path] = begins, begins
            if opening == "[":
                open_.append((path, 0))
                self.at += 1
            elif opening == "{":
                open_.append((path, None))
                self.at += 1
            elif not (self._skip(_TEXT) or self._skip(_PLAIN)):
                return False
            else:
                self._ends(path, begins + len(self.text[begins : self.at].rstrip()))
            path = self._next(open_)
            if not open_:
                self._skip(_BLANK)
                return path is not None
        return False

    def _next(self, open_: list[tuple[str, int | None]]) -> str | None:
        """Close what ends here, and return the path of the next value; the last one closed where nothing is open."""
        path = ""
        while open_:
            self._skip(_BETWEEN)
            if self.text.startswith(",", self.at):
                self.at += 1
                self._skip(_BETWEEN)
            path, entries = open_[-1]
            if entries is not None and entries >= MAX_ENTRIES:
                self._to_the_end()
            if self.text.startswith("]" if entries is not None else "}", self.at):
                self.at += 1
                open_.pop()
                self._ends(path, self.at)
            elif entries is None:
                return self._name(path)
            else:
                open_[-1] = (path, entries + 1)
                entry = f"{path}[{entries}]"
                self._say(entry, self.at, _Said.VALUE)
                return entry
        return path

    def _to_the_end(self) -> None:
        """Go on to where the list that is open ends."""
        depth = 1
        while self._skip(_INSIDE) and self.at < len(self.text):
            depth += 1 if self.text[self.at] in "[{" else -1
            if depth == 0 or self.text[self.at] in "\"'":
                return
            self.at += 1

    def _name(self, table: str) -> str | None:
        begins = self.at
        parts = self._key()
        if not parts or not self._skip(_IS):
            return None
        path = table
        for part in parts[:-1]:
            path = joined(path, part)
            self._say(path, begins, _Said.DOTTED)
        path = joined(path, parts[-1])
        self._say(path, begins, _Said.VALUE)
        return path

    def _key(self) -> list[str]:
        parts: list[str] = []
        while True:
            begins = self.at
            if not self._skip(_KEY):
                return []
            parts.append(_unquoted(self.text[begins : self.at]))
            if not self._skip(_DOT):
                return parts

    # -- what was found ------------------------------------------------------------------------------------------------

    def _say(self, path: str, at: int, said: _Said) -> None:
        before = self.said.get(path)
        if len(path) > MAX_PATH:
            return
        if before is None:
            self.said[path] = said
            self.lines[path] = self._line(at)
        elif said is _Said.TABLE and before is _Said.AROUND and not path.endswith("]"):
            self.said[path] = said
        elif self.twice is None and not _goes_together(before, said):
            self.twice = Twice(path, self._line(at), self.lines[path])

    def _ends(self, path: str, at: int) -> None:
        if path in self.values:
            self.values[path] = self.values[path][0], at

    def _line(self, at: int) -> int:
        return bisect_right(self.ends, at - 1) + 1

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Go on past what matches here; tell whether something did."""
        found = pattern.match(self.text, self.at)
        if found is None:
            return False
        self.at = found.end()
        return True


def _goes_together(before: _Said, now: _Said) -> bool:
    if now is _Said.AROUND:
        return before is not _Said.VALUE
    return before is now and now in (_Said.DOTTED, _Said.LIST)


def joined(path: str, part: str | int) -> str:
    """Return the place of a key, or of a list's entry, in the table or list at `path`, as errors write it."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    name = shown(part)
    if not name or '"' in name:
        # Of no letters, or of such as quote a name: told apart from one another as TOML would write them.
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        name = f'"{escaped}"'
    return f"{path}.{name}" if path else name


def _unquoted(part: str) -> str:
    if part[0] == "'" or (part[0] == '"' and "\\" not in part):
        return part[1:-1]
    if part[0] == '"':
        try:
            (name,) = tomllib.loads(f"{part} = 0")
        except ValueError:
            return part[1:-1]
        return name
    return part
