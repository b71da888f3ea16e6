"""The one door to psutil. It is imported when a source is first read, which is in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["psutil_function"]


def psutil_function(name: str) -> Callable[[], Any] | None:  # Any: each function has a result type of its own
    """Return psutil's function `name`, or None where psutil has none on this platform."""
    import psutil

    function: Callable[[], Any] | None = getattr(psutil, name, None)
    return function
