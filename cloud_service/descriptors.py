"""How many files and connections the process may have open: as many as whoever started it allows.

The limit that holds without anything said is 1024 on many systems, for the sake of programs of another age, and as many
connections are enough to reach it. Then nobody gets in any more, probes neither, and a service that is well is
restarted. The limit above it is the operator's, and is not touched."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Final

__all__ = ["lift_limit"]

# More than all that the ports let in. Some systems say a thousand million, which says nothing.
_ENOUGH: Final = 65_536


def lift_limit() -> None:
    """Raise the limit that holds, where it is low and may be raised."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        # macOS allows less than its own limit says: the service then starts with what it has.
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
