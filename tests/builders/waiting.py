"""Waiting in tests: for a condition, with a bound, and never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["eventually"]


def eventually(condition: Callable[[], object], *, within_s: float = 10.0) -> None:
    """Return when `condition` holds; fail when it does not within the bound."""
    give_up = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < give_up, f"not within {within_s} s"
        time.sleep(0.002)
