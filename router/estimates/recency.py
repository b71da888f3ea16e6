"""When something was last seen, and when it is forgotten: once it was passed over for a while. Pure.

What is not asked cannot show that it has become better, so a target that looked bad and was left alone for that is
forgotten after some time, and gets another chance. Time alone forgets nothing: where nobody asked for hours, what was
known hours ago is still the best guess."""

from __future__ import annotations

import math

__all__ = ["Recency"]


class Recency:
    """See the module. Holds no clock."""

    __slots__ = ("_gone", "_passed", "_seen_at")

    def __init__(self) -> None:
        self._seen_at = -math.inf
        self._passed = False
        self._gone = False

    def seen(self, now: float) -> bool:
        """It showed. Returns whether it had been forgotten: then what was known before is gone for good."""
        gone, self._gone, self._passed, self._seen_at = self._gone, False, False, now
        return gone

    def asked(self) -> None:
        """It is being asked: whoever looked at it last did not pass it over."""
        self._passed = False

    def look(self, now: float, after_s: float) -> bool:
        """Look at it for a request that may pass it over. Returns whether it is forgotten from now on."""
        before = self._gone
        if self._passed and now - self._seen_at > after_s:
            self._gone = True
        self._passed = True
        return self._gone is not before

    @property
    def forgotten(self) -> bool:
        """Whether it is forgotten, as whoever looked at it last found."""
        return self._gone

    def changes_at(self, now: float, after_s: float) -> float:
        """Return when time alone makes it forgotten; inf where it does not."""
        if self._gone or not self._passed or self._seen_at == -math.inf:
            return math.inf
        return max(now, self._seen_at + after_s)

    def age_s(self, now: float) -> float:
        """Return how long ago it showed."""
        return now - self._seen_at

    def restore(self, seen_at: float) -> None:
        """Take over what another one saw, where that is later."""
        self._seen_at = max(self._seen_at, seen_at)
