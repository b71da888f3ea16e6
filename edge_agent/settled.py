"""A policy's file, which others write: read once it has changed and stands still, because half a policy can be a valid
one. Whoever looks gets the policy, or what is wrong with the text, once for each text."""

from __future__ import annotations

import errno
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from nearfar_wire.digest import digest_of
from router.errors import PolicyError
from router.rules.compile import MAX_POLICY_BYTES, compile_policy
from router.rules.policy import Policy
from router.types import Kind

__all__ = ["Found", "look", "read"]

# Between two looks at a file that has changed: whoever writes in place pauses for less, whoever renames pays this once.
_SETTLE_S: Final = 0.05
_LOOKS: Final = 20
_UNREADABLE: Final = "unreadable"  # with its reason; no digest is called so


@dataclass(frozen=True, slots=True)
class Found:
    """What a file holds that was not seen before: a policy, or the problem with it. `seen` is what to call it."""

    seen: str
    policy: Policy | None
    problem: str = ""


def look(path: Path, targets: Mapping[str, Kind], seen: str, pause: Callable[[float], object]) -> Found | None:
    """Return what a file holds; None where that was `seen` before, or is still being written. Raises nothing."""
    try:
        content = _settled(path, seen, pause)
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror or error}"
        why = f"{_UNREADABLE}: {error.errno}"
        return None if seen == why else Found(why, None, problem)
    if content is None:
        return None
    digest = digest_of(content)
    try:
        return Found(digest, compile_policy(content, source=str(path), targets=targets))
    except PolicyError as error:
        return Found(digest, None, str(error))
    except Exception as error:  # noqa: BLE001  whatever a file does, who looks lives to see the next one
        return Found(digest, None, f"{path}: cannot be used ({type(error).__name__}, a fault of nearfar's)")


def _settled(path: Path, seen: str, pause: Callable[[float], object]) -> bytes | None:
    content = read(path)
    for _ in range(_LOOKS):
        if digest_of(content) == seen:
            return None
        pause(_SETTLE_S)
        before, content = content, read(path)
        if content == before:
            return content
    return None  # whoever looks again finds it


def read(path: Path) -> bytes:
    """Return what a policy's file holds. Raises OSError."""
    # Opening a pipe waits until somebody writes, and whoever looks on must hold nobody up.
    if stat.S_ISFIFO(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is a pipe; a file is wanted, which can be read again")
    # One byte over the limit is enough to refuse it; a file of gigabytes is not read to its end.
    with path.open("rb") as file:
        return file.read(MAX_POLICY_BYTES + 1)
