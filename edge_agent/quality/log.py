"""Audits as lines of JSON, for `nearfar-cloud recertify`: no input and no output of a model, ever.

The file is bounded. When it is full no more is written, and that is said once: what is in it is the earliest, and none
of it is lost to what came later."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Final

from router.cascade.audits import AuditRecord, to_line

__all__ = ["AuditLog"]

_LOG: Final = logging.getLogger("nearfar.agent")


class AuditLog:
    """Appends to one file; safe to call from any thread, and never raises: a full disk must not cost an answer."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._stopped = False

    def add(self, record: AuditRecord) -> bool:
        """Write a line; tells whether it was written."""
        line = (to_line(record) + "\n").encode()
        with self._lock:
            if self._stopped:
                return False
            try:
                with self._path.open("ab") as file:
                    if file.tell() + len(line) > self._max_bytes:
                        return self._stop(f"it has {self._max_bytes} bytes")
                    file.write(line)
            except OSError as error:
                return self._stop(error.strerror or type(error).__name__)
        return True

    def _stop(self, why: str) -> bool:
        self._stopped = True
        _LOG.warning("no more audits are written to %s: %s", self._path, why)
        return False
