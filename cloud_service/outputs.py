"""Where a command writes its document, looked at before minutes are spent on what goes into it.

`-` is standard output. A document never takes the place of what it is made from: a model that was overwritten by the
figures about it is gone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from cloud_service.errors import SettingsError

__all__ = ["STDOUT", "drop_stdout", "refuse_early"]

STDOUT: Final = Path("-")


def drop_stdout() -> None:
    """Let what could not be written go nowhere: Python would write it once more as it ends, and fail for it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def refuse_early(setting: str, path: Path | None, read: Iterable[Path | None]) -> None:
    """Refuse a place that cannot be written, or that is one of the files, or in one of the folders, that are `read`.

    Raises SettingsError: for `setting`."""
    if path is None or path == STDOUT:
        return
    if path.is_dir():
        raise SettingsError(setting, f"{path} is a folder; name a file in it")
    try:
        for each in read:
            if each is not None and _is_read(path, each):
                raise SettingsError(setting, f"{path} is what is read, or in it; write to another place")
        begun = path.exists()
        if begun and not path.is_file():
            return  # a pipe or a terminal: whoever reads there would take its being closed for the end
        with path.open("ab"):
            pass
        if not begun:
            path.unlink()
    except OSError as error:
        raise SettingsError(setting, f"{path} cannot be written: {error.strerror or error}") from error


def _is_read(path: Path, read: Path) -> bool:
    if read.is_dir():
        return path.resolve().is_relative_to(read.resolve())
    return path.is_file() and read.exists() and read.samefile(path)
