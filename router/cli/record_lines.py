"""Decision records out of files, one after the other, each once: what cannot be read is counted and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from router.cli.alike import not_alike
from router.cli.lines import Lines
from router.errors import RecordError
from router.telling.record import MAX_RECORD_BYTES, Record, from_json

__all__ = ["RecordLines"]

# So many ids are some 40 MB; whoever has more records of one agent than that repeats none of them by accident.
_MOST_IDS: Final = 500_000
_FAR_BACK_S: Final = 1.0
"""Threads that end requests at the same moment may write them in either order; by so much they do not differ."""


class RecordLines:
    """Iterates over (place, record) of some files. What was found on the way is told by its attributes; `watch` is as
    in Lines."""

    def __init__(self, paths: Sequence[Path], watch: Callable[[int], object] | None = None) -> None:
        self.lines = Lines(paths, MAX_RECORD_BYTES, watch)
        self._ids: set[int] = set()
        self.repeated = self.backwards = 0
        self.silence_s, self.silence_until = 0.0, ""
        """The longest time in which no request began, and the record that ended it."""
        self.versions: Counter[int] = Counter()
        """Records that were read, by their version."""

    @property
    def ids_forgotten(self) -> bool:
        """Whether there were too many records to tell all that stand there twice."""
        return len(self._ids) >= _MOST_IDS

    def refuse(self, place: str, problem: str, record: Record) -> None:
        """Count as bad a line whose `record` was handed out."""
        self.versions[record.record_version] -= 1
        self.lines.refuse(place, problem)

    def __iter__(self) -> Iterator[tuple[str, Record]]:
        path, last, newest = None, _When(0.0, 0.0, utc=True), 0.0
        for place, line, ended in self.lines:
            try:
                record = _record(line, ended=ended)
            except RecordError as error:
                self.lines.refuse(place, str(error))
                continue
            if self._seen(record):
                self.repeated += 1
                continue
            self.versions[record.record_version] += 1
            when = _when(record)
            if path is self.lines.path and when.utc is last.utc:
                self._between(last, when, newest, place)
                newest = max(newest, when.began)
            else:
                newest = when.began
            path, last = self.lines.path, when
            yield place, record

    def _between(self, last: _When, when: _When, newest: float, place: str) -> None:
        # An agent writes requests as they end, so that one which took long comes after others that began later; and
        # whoever put several logs together may have sorted them by when requests began. Neither clock goes back there.
        if max(when.began - last.began, when.ended - last.ended) < -_FAR_BACK_S:
            self.backwards += 1
        elif when.began - newest > self.silence_s:
            self.silence_s, self.silence_until = when.began - newest, place

    def _seen(self, record: Record) -> bool:
        # Ids are random; of those that stand in two files, or twice in one, one counts.
        key = hash((record.decision.situation.request.id, record.decision.situation.now))
        if key in self._ids:
            return True
        if len(self._ids) < _MOST_IDS:
            self._ids.add(key)
        return False


class _When(NamedTuple):
    """When a request was there, in seconds since 1970 or, in older records, since its agent's machine was started."""

    began: float
    ended: float
    utc: bool


def _when(record: Record) -> _When:
    utc = record.began_utc is not None
    began = record.decision.situation.now if record.began_utc is None else record.began_utc
    return _When(began, began + (record.taken_s or 0.0), utc)


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
    if text.rstrip("\n") != record.model_dump_json(by_alias=True) and (problem := not_alike(text)):
        raise RecordError(f"not a decision record: {problem}")
    return record
