"""How often Python looks for rings of objects that nobody holds any more, while a command runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["RARELY", "collected_rarely"]

RARELY: Final = (50_000, 50, 100)
"""For gc.set_threshold. Simulated requests leave next to no rings, and two hundred simulated phones are many objects to
look through: at Python's own 700 that was an eighth of a fleet's time."""


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Collect rarely within, and as before afterwards."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
