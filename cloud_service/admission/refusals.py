"""Whether a model refuses calls for so long that callers had better stay away for a while. Pure.

A short burst that finds the place full is told to come again in a moment. Where refusals go on, whoever can answer
elsewhere is asked to, for longer the longer it goes on; a second without a refusal ends it."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Refusals"]

_SUSTAINED_S: Final = 1.0
_SHORTEST_S: Final = 2.0
_LONGEST_S: Final = 30.0


class Refusals:
    """One model's. Holds no clock and no lock."""

    __slots__ = ("_last_at", "_since")

    def __init__(self) -> None:
        self._since = math.inf
        self._last_at = -math.inf

    def note(self, now: float) -> None:
        """A call was refused."""
        if now - self._last_at > _SUSTAINED_S:
            self._since = now
        self._last_at = now

    def stay_local_s(self, now: float) -> float:
        """Return for how long callers should stay away; 0 where they are welcome."""
        lasted_s = self._last_at - self._since
        if now - self._last_at > _SUSTAINED_S or lasted_s < _SUSTAINED_S:
            return 0.0
        return min(max(_SHORTEST_S, lasted_s), _LONGEST_S)
