"""When something was last seen, and when it is forgotten: once it was passed over for a while. Pure.

What is not asked cannot show that it has become better, so a target that looked bad and was left alone for that is
forgotten after some time, and gets another chance. One that was in use until it looked bad gets the first soon, and
each that changed nothing doubles the wait: most troubles are short, and who is long in trouble is likely to stay so.
Time alone forgets nothing: where nobody asked for hours, what was known hours ago is still the best guess. Nor do a few
requests: where one comes each minute, one that passes a target over says nothing yet, and a chance for each second one
would be dear. So the wait is one of seconds and of requests, and both have to be over.

Who goes by a view that was kept does not look, and is not counted among those that pass it over."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["Recency"]

_IN_USE: Final = 5  # requests in a row that ask a target: by then it is in use, and not on trial
_LEFT: Final = 3  # looks in a row that pass it over: by then one that was in use is left alone; doubled as the wait is
_LONGEST: Final = 3  # doublings, from an eighth of the wait to all of it
_ALONE: Final = 9  # of what is tried alone, to 64 times the wait


class Recency:
    """See the module. Holds no clock."""

    __slots__ = ("_alone", "_doublings", "_gone", "_in_a_row", "_longest", "_passed", "_seen_at")

    def __init__(self, *, alone: bool = False) -> None:
        """`alone`: where it is tried there is nobody behind it."""
        self._alone = alone
        self._longest = _ALONE if alone else _LONGEST
        self._seen_at = -math.inf
        self._passed = False
        self._gone = False
        self._in_a_row = 0
        """How many that looked at it asked it, one after the other; below 0, how many passed it over."""
        self._doublings = _LONGEST

    def seen(self, now: float) -> bool:
        """It showed. Returns whether it had been forgotten: then what was known before is gone for good."""
        gone, self._gone, self._passed, self._seen_at = self._gone, False, False, now
        return gone

    def asked(self) -> None:
        """It is being asked: whoever looked at it last did not pass it over."""
        self._passed = False
        self._in_a_row = max(self._in_a_row, 0) + 1
        if self._in_a_row == _IN_USE:
            self._doublings = _LONGEST if self._alone else 0

    def look(self, now: float, after_s: float) -> bool:
        """Look at it for a request that may pass it over. Returns whether it is forgotten from now on: after at most
        `after_s`."""
        if self._passed:
            self._in_a_row = min(self._in_a_row, 0) - 1
            if self._gone:
                if self._alone and self._in_a_row <= -_LEFT:
                    self.seen(now)
            elif now - self._seen_at > self._wait_s(after_s) and self._in_a_row <= -(_LEFT << self._doublings):
                self._gone = True
                self._doublings = min(self._doublings + 1, self._longest)
                self._in_a_row = 0
                return True
        self._passed = True
        return False

    @property
    def forgotten(self) -> bool:
        """Whether it is forgotten, as whoever looked at it last found."""
        return self._gone

    def changes_at(self, now: float, after_s: float) -> float:
        """Return when time alone makes it forgotten; inf where it does not."""
        if self._gone and self._alone:
            return now
        if self._gone or not self._passed or self._seen_at == -math.inf:
            return math.inf
        return max(now, self._seen_at + self._wait_s(after_s))

    def _wait_s(self, after_s: float) -> float:
        if not self._doublings and self._in_a_row > -_LEFT:
            return after_s
        return math.ldexp(after_s, self._doublings - _LONGEST)

    def age_s(self, now: float) -> float:
        """Return how long ago it showed."""
        return now - self._seen_at

    def restore(self, seen_at: float) -> None:
        """Take over what another one saw, where that is later."""
        self._seen_at = max(self._seen_at, seen_at)
