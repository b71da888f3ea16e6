"""One of several processes: the service as always, with its settings from stdin. Its number is its one argument.

Stdin stays open for as long as the parent lives, however it ends; when it closes the process drains and ends, too."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from contextlib import suppress
from typing import Final

from cloud_service.errors import CloudError
from cloud_service.processes.handover import unpack
from cloud_service.serve import serve, told_to_stop

__all__ = ["main"]

_STDIN: Final = 0


def main() -> int:
    """Serve until the parent says so or is gone; return the exit code."""
    line = _line()
    if not line.endswith(b"\n"):
        return 1  # the parent ended before it had said anything
    try:
        return serve(unpack(line), told=_told_or_alone, process=int(sys.argv[1]))
    except CloudError as error:
        sys.stderr.write(f"nearfar-cloud: {error}\n")
        return 1


def _line() -> bytes:
    # By hand: a reader with a buffer would take what tells that the parent is gone.
    line = b""
    while not line.endswith(b"\n") and (more := os.read(_STDIN, 1 << 16)):
        line += more
    return line


def _told_or_alone() -> asyncio.Event:
    told, loop = told_to_stop(), asyncio.get_running_loop()

    def wait() -> None:
        while os.read(_STDIN, 1 << 10):
            pass
        with suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(told.set)

    threading.Thread(target=wait, name="parent", daemon=True).start()
    return told


if __name__ == "__main__":
    sys.exit(main())
