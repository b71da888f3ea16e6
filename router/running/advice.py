"""What a remote target says of itself at the end of a call: how long its queue is, and whether to come again. Pure.

It knows of its queue what no caller can see, so it is believed, but only for a moment and never for long: a queue that
was told is forgotten after a few seconds, and whoever is kept away asks again when the time is over. Nothing said is
nothing known, and no number."""

from __future__ import annotations

import math
from typing import Final

from router.values import value

__all__ = ["NOTHING_TOLD", "NOT_AGAIN_S", "Advice", "Told"]

# Queues of models that take milliseconds are other queues after seconds.
QUEUE_HOLDS_S: Final = 5.0
NOT_AGAIN_S: Final = math.inf
"""A pause of this length has no end that the target could tell."""


@value
class Told:
    """What came with the end of one call. Numbers are not negative; a pause of 0 was not asked for."""

    queue_wait_s: float | None = None
    stay_local_s: float = 0.0
    """For so long whoever can answer elsewhere should."""
    pushback_s: float = 0.0
    """For so long nobody may come again; NOT_AGAIN_S where it does not say when."""


NOTHING_TOLD: Final = Told()


class Advice:
    """What one target last said of one model. Holds no clock and no lock."""

    __slots__ = ("_away_s", "_away_until", "_pushed_s", "_pushed_until", "_queue_at", "_queue_s")

    def __init__(self) -> None:
        self._queue_s = 0.0
        self._away_s = self._pushed_s = 0.0
        self._queue_at = self._away_until = self._pushed_until = -math.inf

    def hear(self, told: Told, now: float, *, longest_s: float, unsaid_s: float, stretch: float) -> bool:
        """Learn what a target said of itself. Returns whether that is news: other numbers than those that hold.

        No pause is longer than `longest_s`; one without an end is `unsaid_s`. `stretch`, from 0 on, is by how much of
        itself a pause is longer here, so that not all who heard the same come back in one instant."""
        if (
            told.queue_wait_s == self._queue_s
            and not (told.stay_local_s or told.pushback_s)
            and now - self._queue_at <= QUEUE_HOLDS_S
            and now >= self._away_until
        ):
            self._queue_at = now
            return False
        before = (self.queue_wait_s(now), self.stay_local_s(now), self.pushback_s(now))
        if told.queue_wait_s is not None:
            self._queue_s, self._queue_at = told.queue_wait_s, now
            # Each report tells the whole: one without a pause ends that of the last.
            self._away_s = min(told.stay_local_s, longest_s)
            self._away_until = now + self._away_s * (1 + stretch)
        if told.pushback_s > 0:
            asked_s = unsaid_s if told.pushback_s == NOT_AGAIN_S else told.pushback_s
            self._pushed_s = min(asked_s, longest_s)
            self._pushed_until = now + self._pushed_s * (1 + stretch)
        return before != (self.queue_wait_s(now), self.stay_local_s(now), self.pushback_s(now))

    def queue_wait_s(self, now: float) -> float | None:
        """Return how long a call would wait there, or None where nothing recent is known."""
        return self._queue_s if now - self._queue_at <= QUEUE_HOLDS_S else None

    def stay_local_s(self, now: float) -> float:
        """Return for how long the target asked to be left to those who need it, or 0 where that is over."""
        return self._away_s if now < self._away_until else 0.0

    def pushback_s(self, now: float) -> float:
        """Return for how long the target asked not to be called, or 0 where that is over."""
        return self._pushed_s if now < self._pushed_until else 0.0

    def peace_s(self, now: float) -> float:
        """Return how much of the time is left for which the target asked not to be called."""
        return max(0.0, self._pushed_until - now)

    @property
    def pushed_until(self) -> float:
        """The instant until which the target asked not to be called."""
        return self._pushed_until

    @property
    def away_until(self) -> float:
        """The instant until which it asked to be left to those who need it."""
        return self._away_until

    def changes_at(self) -> tuple[float, ...]:
        """Return the instants at which time alone changes what holds."""
        return (self._queue_at + QUEUE_HOLDS_S, self._away_until, self._pushed_until)
