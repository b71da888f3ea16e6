"""Decision records as lines of JSON, where an app asks for them: for `nearfar-agent watch` and `nearfar-policy replay`.

They hold no input and no output of a model, and nothing at all of requests whose label they are not kept for. A
request pays an append to a queue; a thread of the log's own writes. The file is bounded: when it is half of what may be
kept it becomes the older half, FILE.1, and a new one is begun. What does not fit the queue, or the disk, is lost, and
counted: a log must not cost an answer. A line is there whole or not at all; one that a crash has torn is ended before
the next."""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from router.choosing.engine import Decision
from router.running.attempt import Outcome
from router.spending.expense import Expense

if TYPE_CHECKING:
    from router.telling.shadow import ShadowChoice

__all__ = ["RecordLog"]

_LOG: Final = logging.getLogger("nearfar.agent")

# At some 0.1 ms a line the thread writes more in between than these; more of them at once are a burst of seconds.
_WAITING: Final = 10_000
_INTERVAL_S: Final = 0.25


class _Entry(NamedTuple):
    decision: Decision
    outcome: Outcome | None
    began_utc: float
    taken_s: float
    expense: Expense | None
    shadow: ShadowChoice | None


class RecordLog:
    """See the module. `on_lines` hears "written" or "dropped", and how many. `labels` None: of all requests; else only
    of those that bear one of them. One log a file."""

    def __init__(
        self,
        path: Path,
        max_bytes: int,
        on_lines: Callable[[str, int], None],
        *,
        labels: Collection[str] | None = None,
        utc: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._half_bytes = max_bytes // 2
        self._on_lines = on_lines
        self._labels = None if labels is None else frozenset(labels)
        self._utc = utc
        self._waiting: deque[_Entry] = deque()
        self._dropped = 0
        self._failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nearfar-records", daemon=True)
        self._thread.start()

    def add(
        self,
        decision: Decision,
        outcome: Outcome | None,
        taken_s: float = 0.0,
        expense: Expense | None = None,
        shadow: ShadowChoice | None = None,
        *,
        ended_utc: float | None = None,
    ) -> None:
        """Have one record written soon, of a request that ended just now or at `ended_utc`; from any thread."""
        if self._labels is not None and decision.situation.request.label not in self._labels:
            return
        if len(self._waiting) >= _WAITING:
            self._dropped += 1  # two threads may count one drop for two: it tells that there were some
            return
        began_utc = (self._utc() if ended_utc is None else ended_utc) - taken_s
        self._waiting.append(_Entry(decision, outcome, began_utc, taken_s, expense, shadow))

    def lose(self) -> None:
        """Count a record that nobody could hold until its turn came; from any thread."""
        self._dropped += 1

    def close(self) -> None:
        """Write what waits, and end the thread; safe twice."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        stopping = False
        while not stopping:
            stopping = self._stopping.wait(_INTERVAL_S)
            self._write()

    def _write(self) -> None:
        dropped, self._dropped = self._dropped, 0
        lines: list[bytes] = []
        while self._waiting and len(lines) < _WAITING:
            try:
                lines.append(_line(self._waiting.popleft()))
            except ValueError as error:  # pydantic's: something in it is nothing that JSON knows
                dropped += 1
                _LOG.warning("a decision record cannot be written: %s", type(error).__name__)
        for part in _parts(lines, self._half_bytes):
            try:
                self._append(b"".join(part))
                self._on_lines("written", len(part))
                self._failing = False
            except OSError as error:
                dropped += len(part)
                if not self._failing:
                    _LOG.warning("decision records cannot be written to %s: %s", self._path, error.strerror or error)
                self._failing = True
        if dropped:
            self._on_lines("dropped", dropped)

    def _append(self, content: bytes) -> None:
        with suppress(FileNotFoundError):
            size = self._path.stat().st_size
            if size and size + len(content) > self._half_bytes:
                self._begin_anew()
        with open(self._path, "a+b", buffering=0, opener=_only_for_us) as file:
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                if file.read(1) != b"\n":
                    content = b"\n" + content
            try:
                while content:
                    content = content[file.write(content) :]
            except OSError:
                # A full disk takes the beginning of a line.
                with suppress(OSError):
                    file.truncate(size)
                raise

    def _begin_anew(self) -> None:
        older = self._path.with_name(f"{self._path.name}.1")
        try:
            self._path.replace(older)
        except PermissionError:
            # Windows moves no file that is open elsewhere, as this one is where somebody watches.
            with self._path.open("r+b") as file, open(older, "wb", opener=_only_for_us) as copy:
                shutil.copyfileobj(file, copy)
                file.truncate(0)


def _only_for_us(path: str, flags: int) -> int:
    # How an app is used, and when, is nobody else's affair.
    return os.open(path, flags, 0o600)


def _line(entry: _Entry) -> bytes:
    from router.telling.record import to_json  # what a record is made of loads with the first, on this thread

    decision, outcome, began_utc, taken_s, expense, shadow = entry
    told = to_json(decision, outcome, began_utc=began_utc, taken_s=taken_s, expense=expense, shadow=shadow)
    return (told + "\n").encode()


def _parts(lines: Sequence[bytes], most_bytes: int) -> Iterator[list[bytes]]:
    """Yield the lines in parts that fit a file, one line at the least."""
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) > most_bytes:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part
