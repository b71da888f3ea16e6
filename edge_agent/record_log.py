"""Decision records as lines of JSON, where an app asks for them: for `nearfar-agent watch` and `nearfar-policy replay`.

They hold no input and no output of a model. A request pays an append to a queue; a thread of the log's own writes. The
file is bounded: when it is half of what may be kept it becomes the older half, FILE.1, and a new one is begun. What
does not fit the queue, or the disk, is lost, and counted: a log must not cost an answer."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from router.attempt import Outcome
from router.engine import Decision
from router.record import to_json

__all__ = ["RecordLog"]

_LOG: Final = logging.getLogger("nearfar.agent")

# At some 0.1 ms a line the thread writes more in between than these; more of them at once are a burst of seconds.
_WAITING: Final = 10_000
_INTERVAL_S: Final = 0.25


class RecordLog:
    """See the module. `on_lines` hears "written" or "dropped", and how many."""

    def __init__(self, path: Path, max_bytes: int, on_lines: Callable[[str, int], None]) -> None:
        self._path = path
        self._half_bytes = max_bytes // 2
        self._on_lines = on_lines
        self._waiting: deque[tuple[Decision, Outcome | None]] = deque()
        self._dropped = 0
        self._failing = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nearfar-records", daemon=True)
        self._thread.start()

    def add(self, decision: Decision, outcome: Outcome | None) -> None:
        """Have one record written soon; from any thread."""
        if len(self._waiting) >= _WAITING:
            self._dropped += 1  # two threads may count one drop for two: it tells that there were some
            return
        self._waiting.append((decision, outcome))

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
        lines: list[bytes] = []
        while self._waiting and len(lines) < _WAITING:
            lines.append((to_json(*self._waiting.popleft()) + "\n").encode())
        dropped, self._dropped = self._dropped, 0
        if lines:
            try:
                self._append(b"".join(lines))
                self._on_lines("written", len(lines))
                self._failing = False
            except OSError as error:
                dropped += len(lines)
                if not self._failing:
                    _LOG.warning("decision records cannot be written to %s: %s", self._path, error.strerror or error)
                self._failing = True
        if dropped:
            self._on_lines("dropped", dropped)

    def _append(self, content: bytes) -> None:
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size and size + len(content) > self._half_bytes:
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        with self._path.open("ab") as file:
            file.write(content)
