"""Made-up trees of the files in which Linux tells of a machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["BAD_FILES", "bad_file", "tree"]


def tree(root: Path, files: Mapping[str, str | None]) -> Path:
    """Write `files` by their paths under `root`, which is returned; None is a folder."""
    for path, content in files.items():
        file = root / path
        if content is None:
            file.mkdir(parents=True, exist_ok=True)
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")
    return root


BAD_FILES: Final = ("missing", "empty", "blank", "garbage", "binary", "nul", "huge", "folder", "pipe", "loop")
"""Ways in which a file can fail to say anything."""


def bad_file(file: Path, fault: str) -> None:
    """Put something at `file` that says nothing; what is there already goes."""
    file.unlink(missing_ok=True)
    contents = {
        "empty": b"",
        "blank": b" \n\t\n",
        "garbage": b"no such thing, 12 of them\n",
        "binary": bytes(range(128, 256)),
        "nul": b"12\x0013\n",
        "huge": b"7" * (1 << 20),
    }
    if fault in contents:
        file.write_bytes(contents[fault])
    elif fault == "folder":
        file.mkdir()
    elif fault == "pipe":
        os.mkfifo(file)  # nobody writes to it: who waits for that, waits for ever
    elif fault == "loop":
        file.symlink_to(file)
