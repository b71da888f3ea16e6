"""What requests are called by: random, and no numbers. A cloud that sees some requests must not be able to count those
that it may not see."""

from __future__ import annotations

import os
from typing import Final

__all__ = ["ID_CHARACTERS", "RequestIds"]

ID_CHARACTERS: Final = 16
"""Of each: what a request weighs on the wire depends on it."""

_BYTES: Final = ID_CHARACTERS // 2
# The system is asked for so many at a time: asking costs more than all else about an id.
_DRAWN: Final = 64


class RequestIds:
    """An agent's. Several threads may take from it; a fork of its process must not, which would take the same."""

    __slots__ = ("_drawn",)

    def __init__(self) -> None:
        self._drawn: list[str] = []

    def take(self) -> str:
        """Return one that nobody had before."""
        try:
            return self._drawn.pop()
        except IndexError:  # not asked before: another thread may take the last one meanwhile
            first, *others = self._draw()
            self._drawn.extend(others)
            return first

    @staticmethod
    def _draw() -> list[str]:
        drawn = os.urandom(_BYTES * _DRAWN).hex()
        return [drawn[at : at + ID_CHARACTERS] for at in range(0, len(drawn), ID_CHARACTERS)]
