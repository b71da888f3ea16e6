"""Lines out of files, one after the other: what cannot be read of them is counted and named, and ends nothing.

Nothing is ever held but one line, and of that no more than it may have. Files are read as they are or unpacked, which
their first bytes tell; `-` is standard input."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

__all__ = ["STDIN", "Lines", "size_of"]

STDIN: Final = Path("-")
_GZIP: Final = b"\x1f\x8b"
_MARK: Final = b"\xef\xbb\xbf"
_CHUNK_BYTES: Final = 1 << 20
_MOST_KINDS: Final = 20
_ENDLESS_BYTES: Final = 256 << 20
"""What follows a line that does not end in so many is not looked for: it is no file of lines, or one without an end."""


class Lines:
    """Iterates over (place, line, whether it had an end) of some files; blank ones are passed over. A line that is
    longer than `most_bytes` comes with one byte more than that.

    `watch` is called now and then with the bytes that were read of all, packed ones as they are packed."""

    def __init__(self, paths: Sequence[Path], most_bytes: int, watch: Callable[[int], object] | None = None) -> None:
        self._paths = paths
        self._most_bytes = most_bytes
        self._watch = watch or (lambda _: None)
        self._read_bytes = 0
        self.count = 0
        self.bad: Counter[str] = Counter()
        """By what is wrong: how many lines."""
        self.first: dict[str, str] = {}
        """By what is wrong: where it first stands."""
        self.path: Path | None = None
        """The file that is being read."""

    def refuse(self, place: str, problem: str) -> None:
        """Count a line as bad."""
        problem = _shown(problem)
        if problem not in self.bad and len(self.bad) >= _MOST_KINDS:
            problem = "something else"
        self.bad[problem] += 1
        self.first.setdefault(problem, place)

    def __iter__(self) -> Iterator[tuple[str, bytes, bool]]:
        for path in self._paths:
            self.path = path
            yield from self._of(path)

    def _of(self, path: Path) -> Iterator[tuple[str, bytes, bool]]:
        number, name = 0, "standard input" if path == STDIN else _shown(str(path))
        with _opened(path) as (file, raw):
            before = self._read_bytes
            try:
                while line := file.readline(self._most_bytes + 1):
                    number += 1
                    if number == 1 and line.startswith(_MARK):
                        line = line[len(_MARK) :]  # a byte order mark is no fault of who exported them
                    ended = line.endswith(b"\n")
                    if not ended and len(line) > self._most_bytes:
                        if not _skip_line(file):
                            self.count += 1
                            most = f"{_ENDLESS_BYTES >> 20} MiB"
                            self.refuse(f"{name}:{number}", f"a line without an end in {most}; the rest is not read")
                            break
                    elif line.isspace():
                        continue
                    self.count += 1
                    if number % 256 == 1:
                        self._read_bytes = before + _position(raw)
                        self._watch(self._read_bytes)
                    yield f"{name}:{number}", line, ended
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                torn = isinstance(error, EOFError)
                what = "the packed file ends early" if torn else "the packed file is damaged from here on"
                self.refuse(f"{name}:{number + 1}", what)
            self._read_bytes = before + _position(raw)


def size_of(paths: Iterable[Path]) -> int:
    """Return how many bytes there are to read; 0 where that cannot be known."""
    total = 0
    for path in paths:
        if path == STDIN or not path.is_file():
            return 0
        total += os.stat(path).st_size
    return total


def _shown(text: str) -> str:
    """Return a message as a terminal can hold it: names out of a file may stand in it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:300]).split())


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO]]:
    """Open a file for its lines; beside them, what tells how far it was read. Raises OSError."""
    with nullcontext(cast("BufferedReader", sys.stdin.buffer)) if path == STDIN else path.open("rb") as file:
        if file.peek(2)[:2] == _GZIP:
            with gzip.GzipFile(fileobj=file) as packed, BufferedReader(packed, _CHUNK_BYTES) as lines:
                yield lines, file
        else:
            yield file, file


def _position(raw: BinaryIO) -> int:
    try:
        return raw.tell()
    except OSError:
        return 0  # a pipe has none


def _skip_line(file: BinaryIO) -> bool:
    """Read to the end of the line, or of the file; False where neither comes."""
    left = _ENDLESS_BYTES
    while left > 0:
        part = file.readline(_CHUNK_BYTES)
        if not part or part.endswith(b"\n"):
            return True
        left -= len(part)
    return False
