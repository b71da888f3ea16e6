"""Tells the app when its event loop stood still. The agent's runs go on beside it, and only their answers wait; but a
deadline that passes meanwhile cannot be kept, and whoever looks for the reason should find it in a log."""

from __future__ import annotations

import logging
import math
from typing import Final

__all__ = ["LoopWatch"]

_LOG: Final = logging.getLogger("nearfar.agent")
# An answer that lies for so long did not wait for its turn among others; a busy machine takes a tenth of that.
_STOOD_STILL_S: Final = 0.25
_TELL_AGAIN_S: Final = 60.0


class LoopWatch:
    """One agent's; used on the loop itself."""

    __slots__ = ("_told_at",)

    def __init__(self) -> None:
        self._told_at = -math.inf

    def arrived(self, waited_s: float, now: float) -> None:
        """An answer came to the loop, and had waited for it so long. Tells at most once a minute."""
        if waited_s < _STOOD_STILL_S or now - self._told_at < _TELL_AGAIN_S:
            return
        self._told_at = now
        _LOG.warning(
            "the event loop stood still for %.0f ms: move what blocks it to a thread, or deadlines cannot be kept",
            waited_s * 1000,
        )
