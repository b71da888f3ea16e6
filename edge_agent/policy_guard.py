"""Watches a policy that is new, and says which one to go back to if it does harm. See router/rules/probation.py."""

from __future__ import annotations

from collections.abc import Callable

from router.rules import probation
from router.rules.policy import Policy
from router.rules.probation import NOTHING_USUAL, Probation, Tally

__all__ = ["Guard"]


class Guard:
    """Used by one thread at a time. `counted` gives the requests that have ended so far."""

    def __init__(self, counted: Callable[[], Tally], clock: Callable[[], float]) -> None:
        self._counted = counted
        self._clock = clock
        self._usual = NOTHING_USUAL
        self._before = Tally()
        self._probation: Probation | None = None
        self._proven: Policy | None = None

    @property
    def watching(self) -> bool:
        """Whether the policy in force has yet to stand its test."""
        return self._probation is not None

    def replaced(self, old: Policy, new: Policy) -> None:
        """`new` has just taken the place of `old`. Its own bounds count; where it names none, those of the old one."""
        self.look()
        # What replaces a policy that has not stood its test yet is held against the one before that.
        if self._probation is None:
            self._proven = old
        terms = new.revert or old.revert
        self._probation = None if terms is None else probation.begin(self._usual, terms, self._clock())

    def look(self) -> tuple[Policy, str] | None:
        """Count what has ended since the last look; return the policy to go back to, and why, if the new one harms."""
        counted, now = self._counted(), self._clock()
        more, self._before = counted.since(self._before), counted
        if self._probation is None:
            self._usual = probation.learn(self._usual, more, now)
            return None
        after = probation.observe(self._probation, more, now)
        if after is not None and after.verdict and self._proven is not None:
            self._probation = None
            return self._proven, after.verdict
        if after is None:
            seen = self._probation.seen
            self._usual = probation.learn(probation.learn(self._usual, seen, now), more, now)
        self._probation = after
        return None
