"""Whether figures can be written to where a command was told to: asked before minutes are spent on them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["refuse_early", "refuse_what_is_read"]


def refuse_early(path: Path, read: Iterable[Path]) -> None:
    """Refuse a place that cannot be written, or that is one of those which are `read`. Raises OSError."""
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
    if path.is_file() and any(each.exists() and each.samefile(path) for each in read):
        raise FileExistsError(errno.EEXIST, "is one of the files that are read; write to another one", str(path))
