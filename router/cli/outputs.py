"""Where a command writes what it was told to write: files, looked at before minutes are spent, and standard output.

`-` is standard output. What is for people goes to standard error then, so that whoever reads the one gets a document
and nothing else."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TextIO

from router.errors import RouterError

__all__ = ["STDOUT", "page", "refuse_early", "refuse_what_is_read", "write"]

STDOUT: Final = Path("-")


def page(*outputs: Path | None) -> TextIO:
    """Return where that goes which is for people, when documents go to `outputs`."""
    return sys.stderr if STDOUT in outputs else sys.stdout


def refuse_early(outputs: Iterable[Path | None], read: Iterable[Path]) -> None:
    """Refuse a place that cannot be written, that is one of those which are `read`, or that is meant for two documents.

    Raises RouterError, OSError."""
    read = list(read)
    told = [path for path in outputs if path is not None]
    for number, path in enumerate(told):
        if any(_same(path, other) for other in told[:number]):
            what = "standard output" if path == STDOUT else str(path)
            raise RouterError(f"{what}: two documents cannot go to one place; name another file for one of them")
        if path != STDOUT:
            _refuse(path, read)


def _same(path: Path, other: Path) -> bool:
    if path.exists() and other.exists():
        return path.is_file() and path.samefile(other)  # a device such as /dev/null takes any number
    return path == other


def _refuse(path: Path, read: Iterable[Path]) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    refuse_what_is_read(path, read)
    begun = path.exists()
    if begun and not path.is_file():
        return  # a pipe or a terminal: whoever reads there would take its being closed for the end
    with path.open("ab"):
        pass
    if not begun:
        path.unlink()


def refuse_what_is_read(path: Path, read: Iterable[Path]) -> None:
    """Refuse to write over one of the files that are `read`. Raises OSError."""
    if path != STDOUT and path.is_file() and any(each.exists() and each.samefile(path) for each in read):
        raise FileExistsError(errno.EEXIST, "is one of the files that are read; write to another one", str(path))


def write(path: Path, content: str | bytes) -> None:
    """Write a document. Raises OSError: which names the file, also where the disk is full in the middle of it."""
    whole = content.encode("utf-8") if isinstance(content, str) else content
    if path == STDOUT:
        sys.stdout.flush()
        sys.stdout.buffer.write(whole)  # as it is: a terminal's encoding and line ends are for people
        sys.stdout.buffer.flush()
        return
    with path.open("wb", buffering=0) as file:
        left = memoryview(whole)
        try:
            while left:
                left = left[file.write(left) :]
        except OSError as error:
            problem = f"{error.strerror}; what is in it is not whole"
            raise OSError(error.errno, problem, str(path)) from error
