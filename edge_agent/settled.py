"""A file that others write: read once it has changed and stands still, because half a policy can be a valid one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from nearfar_wire.digest import digest_of
from router.rules.compile import MAX_POLICY_BYTES

__all__ = ["read", "settled"]

# Between two looks at a file that has changed: whoever writes in place pauses for less, whoever renames pays this once.
_SETTLE_S: Final = 0.05
_LOOKS: Final = 20


def settled(path: Path, seen_digest: str, pause: Callable[[float], object]) -> bytes | None:
    """Return what a file holds; None where that was seen before, or is still being written. Raises OSError."""
    content = read(path)
    for _ in range(_LOOKS):
        if digest_of(content) == seen_digest:
            return None
        pause(_SETTLE_S)
        before, content = content, read(path)
        if content == before:
            return content
    return None  # whoever looks again finds it


def read(path: Path) -> bytes:
    """Return what a policy's file holds. Raises OSError."""
    # One byte over the limit is enough to refuse it; a file of gigabytes is not read to its end.
    with path.open("rb") as file:
        return file.read(MAX_POLICY_BYTES + 1)
