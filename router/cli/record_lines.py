"""Records out of files, one after the other: what cannot be read is counted and named, and ends nothing.

Nothing is ever held but one line, and of that no more than a record may have. Files are read as they are or unpacked,
which their first bytes tell; `-` is standard input."""

from __future__ import annotations

import gzip
import json
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final, cast

from router.errors import RecordError
from router.naming import shown
from router.record import MAX_RECORD_BYTES, Record, from_json

__all__ = ["STDIN", "RecordLines", "size_of"]

STDIN: Final = Path("-")
_GZIP: Final = b"\x1f\x8b"
_CHUNK_BYTES: Final = 1 << 20
_MOST_KINDS: Final = 20
# A million ids are some 70 MB; whoever has more records of one agent than that repeats none of them by accident.
_MOST_IDS: Final = 500_000
_FAR_BACK_S: Final = 1.0
"""A request that began so much before the one in the line above it was not merely longer on its way."""


class RecordLines:
    """Iterates over (place, record) of some files. What was found on the way is told by its attributes.

    `watch` is called now and then with the bytes that were read of all, packed ones as they are packed."""

    def __init__(self, paths: Sequence[Path], watch: Callable[[int], object] | None = None) -> None:
        self._paths = paths
        self._watch = watch or (lambda _: None)
        self._read_bytes = 0
        self._ids: set[int] = set()
        self.lines = self.repeated = self.backwards = 0
        self.bad: Counter[str] = Counter()
        """By what is wrong: how many lines."""
        self.first: dict[str, str] = {}
        """By what is wrong: where it first stands."""
        self.versions: Counter[int] = Counter()
        """Records that were read, by their version."""

    @property
    def ids_forgotten(self) -> bool:
        """Whether there were too many records to tell all that stand there twice."""
        return len(self._ids) >= _MOST_IDS

    def refuse(self, place: str, problem: str, record: Record | None = None) -> None:
        """Count a line as bad, also one whose `record` was handed out."""
        if record is not None:
            self.versions[record.record_version] -= 1
        problem = shown_whole(problem)
        if problem not in self.bad and len(self.bad) >= _MOST_KINDS:
            problem = "something else"
        self.bad[problem] += 1
        self.first.setdefault(problem, place)

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        for path in self._paths:
            last: float | None = None
            for place, line, ended in self._lines(path):
                try:
                    record = _record(line, ended=ended)
                except RecordError as error:
                    self.refuse(place, str(error))
                    continue
                if self._seen(record):
                    self.repeated += 1
                    continue
                self.versions[record.record_version] += 1
                began = record.decision.situation.now if record.began_utc is None else record.began_utc
                if last is not None and began < last - _FAR_BACK_S:
                    self.backwards += 1
                last = began
                yield place, record

    def _seen(self, record: Record) -> bool:
        # Ids are random; of those that stand in two files, or twice in one, one counts.
        key = hash((record.decision.situation.request.id, record.decision.situation.now))
        if key in self._ids:
            return True
        if len(self._ids) < _MOST_IDS:
            self._ids.add(key)
        return False

    def _lines(self, path: Path) -> Iterator[tuple[str, bytes, bool]]:
        number, name = 0, _name(path)
        with _opened(path) as (file, raw):
            before = self._read_bytes
            try:
                while line := file.readline(MAX_RECORD_BYTES + 1):
                    number += 1
                    place, ended = f"{name}:{number}", line.endswith(b"\n")
                    if not ended and len(line) > MAX_RECORD_BYTES:
                        _skip_line(file)
                    elif line.isspace():
                        continue
                    self.lines += 1
                    if number % 256 == 1:
                        self._read_bytes = before + _position(raw)
                        self._watch(self._read_bytes)
                    yield place, line, ended
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                torn = isinstance(error, EOFError)
                what = "the packed file ends early" if torn else "the packed file is damaged from here on"
                self.refuse(f"{name}:{number + 1}", what)
            self._read_bytes = before + _position(raw)


def shown_whole(text: str) -> str:
    """Return a message as a terminal can hold it: a record's own names may stand in it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[:300]).split())


def _name(path: Path) -> str:
    return "standard input" if path == STDIN else shown_whole(str(path))


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


def size_of(paths: Iterable[Path]) -> int:
    """Return how many bytes there are to read; 0 where that cannot be known."""
    total = 0
    for path in paths:
        if path == STDIN or not path.is_file():
            return 0
        total += os.stat(path).st_size
    return total


def _skip_line(file: BinaryIO) -> None:
    while (part := file.readline(_CHUNK_BYTES)) and not part.endswith(b"\n"):
        pass


def _record(line: bytes, *, ended: bool) -> Record:
    """Read one line. Raises RecordError."""
    if len(line) > MAX_RECORD_BYTES:
        raise RecordError(f"longer than a record can be, which is {MAX_RECORD_BYTES} bytes")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError("not UTF-8") from error
    try:
        record = from_json(text)
    except RecordError as error:
        if not ended:
            raise RecordError("torn: the file ends within this line") from error
        raise
    # What was written as records are written has each key once; all else is looked at more closely.
    if text.rstrip("\n") != record.model_dump_json(by_alias=True):
        _refuse_twice(text)
    return record


def _refuse_twice(text: str) -> None:
    try:
        json.loads(text, object_pairs_hook=_once)
    except (RecursionError, ValueError) as error:
        raise RecordError("not a decision record: JSON that not everybody reads alike") from error


def _once(pairs: list[tuple[str, object]]) -> None:
    """Look at an object's keys. Raises RecordError: one stands there twice, and readers differ in which they take."""
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        twice = next(name for name in names if sum(name == other for other, _ in pairs) > 1)
        raise RecordError(f'not a decision record: the key "{shown(twice)}" stands there twice')
