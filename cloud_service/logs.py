"""The log: one line for each record, as JSON or as text, written where it can hold nobody up.

A call writes into a bounded queue; a thread of its own writes the lines. Where the pipe is full, the disk is full or
nobody reads, lines are lost and counted, and requests go on. What a caller wrote stands in no line unescaped, and an
exception is told by its class and its place, because its text may hold a caller's data."""

from __future__ import annotations

import json
import logging
import math
import os
import queue
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal

from cloud_service.calls import current_call
from cloud_service.incident import chain

__all__ = ["JsonLines", "Log", "TextLines", "logging_to"]

STDERR: Final = 2
# Some seconds of a busy service's access log; a few megabytes.
_MAX_WAITING: Final = 10_000
# What is left at the end is written, if somebody reads it.
_LAST_LINES_S: Final = 2.0
_MAX_MESSAGE: Final = 8 << 10

Format = Literal["json", "text"]


class JsonLines(logging.Formatter):
    """A record as one JSON object: time (UTC), level, logger, message, `always`, then what the record knows."""

    def __init__(self, always: Mapping[str, object] = MappingProxyType({})) -> None:
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            **self._always,
            **_fields(record),
        }
        return json.dumps(line, ensure_ascii=True, default=str)


class TextLines(logging.Formatter):
    """A record as a line for people: time (UTC), level, logger, message, then name=value, `always` first."""

    def __init__(self, always: Mapping[str, object] = MappingProxyType({})) -> None:
        super().__init__()
        self._always = always

    def format(self, record: logging.LogRecord) -> str:
        fields = "".join(f" {name}={value}" for name, value in {**self._always, **_fields(record)}.items())
        return _escaped(f"{_time(record)} {record.levelname} {record.name}: {_message(record)}{fields}")


class Log(logging.Handler):
    """Writes lines to the file descriptor `fd`; `dropped` is how many it could not."""

    def __init__(self, fd: int, form: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(form)
        self.dropped = 0
        self._ends_at = math.inf
        self._fd = fd
        self._waiting: queue.Queue[logging.LogRecord | None] = queue.Queue(_MAX_WAITING)
        # Abandoned at the end where the writing hangs.
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; it is written later."""
        call = current_call()
        if call is not None:
            record.trace_id = call.trace_id
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Write what is left, within a bound."""
        super().close()
        self._ends_at = time.monotonic() + _LAST_LINES_S
        with suppress(queue.Full):
            self._waiting.put(None, timeout=_LAST_LINES_S)
            self._writer.join(max(0.0, self._ends_at - time.monotonic()))

    def _write(self) -> None:
        while (record := self._waiting.get()) is not None and time.monotonic() < self._ends_at:
            try:
                line = self.format(record)
            except Exception:  # noqa: BLE001 - a record whose arguments do not fit its message ends no log
                line = f"{record.name}: a message that cannot be formatted, from {record.filename}:{record.lineno}"
            try:
                _write_all(self._fd, line.encode("utf-8", "backslashreplace") + b"\n")
            except OSError:
                self.dropped += 1


@contextmanager
def logging_to(
    fd: int = STDERR, *, form: Format = "text", level: str = "info", process: int | None = None
) -> Iterator[Log]:
    """Write everything that this process logs to `fd` until the block ends; `process` is its number among several."""
    root = logging.getLogger()
    always = {} if process is None else {"process": process}
    log = Log(fd, JsonLines(always) if form == "json" else TextLines(always))
    before, level_before = root.handlers[:], root.level
    root.handlers[:] = [log]
    root.setLevel(level.upper())
    try:
        yield log
    finally:
        root.handlers[:] = before
        root.setLevel(level_before)
        log.close()


def _write_all(fd: int, data: bytes) -> None:
    # Not sys.stderr: a thread that hangs in it holds its lock, which the end of the process waits for.
    while data:
        data = data[os.write(fd, data) :]


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _message(record: logging.LogRecord) -> str:
    message = record.getMessage()[:_MAX_MESSAGE]
    if record.exc_info and record.exc_info[1] is not None:
        message += f" ({' from '.join(chain(record.exc_info[1]))})"
    return message


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields: Mapping[str, object] = getattr(record, "fields", {})
    trace_id = getattr(record, "trace_id", "")
    return {**fields, "trace_id": trace_id} if trace_id else dict(fields)


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
