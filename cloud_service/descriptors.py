"""How many files and connections the process may have open: as many as whoever started it allows.

The limit that holds without anything said is 1024 on many systems, for the sake of programs of another age, and as many
connections are enough to reach it. Then nobody gets in any more, probes neither, and a service that is well is
restarted. The limit above it is the operator's, and is not touched."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

__all__ = ["lift_limit", "raise_limit"]

# More than all that the ports let in. Some systems say a thousand million, which says nothing.
_ENOUGH: Final = 65_536
# macOS may allow no more than so many, whatever its own limit says; it starts programs with 256.
_OF_MACOS: Final = 10_240

Limits = tuple[int, int]
"""The one that holds, and how far it may be raised; below zero is no limit."""


def lift_limit() -> None:
    """Raise the limit that holds, where it is low and may be raised."""
    if sys.platform == "win32":
        return
    import resource

    raise_limit(
        resource.getrlimit(resource.RLIMIT_NOFILE), lambda limits: resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    )


def raise_limit(limits: Limits, put: Callable[[Limits], None]) -> None:
    """Have `put` set as much as it takes; where it takes nothing, the service starts with what it has."""
    soft, hard = limits
    for most in (_ENOUGH, _OF_MACOS):
        wanted = most if hard < 0 else min(hard, most)
        if soft < 0 or soft >= wanted:
            return
        with suppress(OSError, ValueError):
            put((wanted, hard))
            return
