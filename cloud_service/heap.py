"""Memory that the process holds and nobody in it does: given back to the system, where the C library can."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from typing import Final

__all__ = ["give_back"]


def _trim_of_glibc() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    # Other C libraries have no such function.
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


_TRIM: Final = _trim_of_glibc()


def give_back() -> None:
    """Give back what was freed; some milliseconds. For after a model was loaded or let go, whose bytes lie among what
    stays."""
    if _TRIM is not None:
        _TRIM(0)
