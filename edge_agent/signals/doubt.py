"""Which of the values that a sensor tells to believe. Pure.

A value that is in its signal's range may be wrong all the same: a battery that falls from full to empty within one
sample, a plug that toggles each second, a sensor that has said the same to the last digit for an hour. Such a change
is doubted, and what was believed before goes on being so and grows old. It is believed once it was told again and
again, so that what is true gets through after a few samples; a signal that is stuck is unknown until it tells something
new."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal

from router.signals import Signal
from router.types import Value

__all__ = ["CONFIRMED", "RECHECK_S", "STUCK_S", "TROUBLES", "UNHEARD", "History", "Trouble", "judge"]

CONFIRMED: Final = 3
"""How often a doubtful value is told, each time much the same, until it is believed."""

RECHECK_S: Final = 1.7
"""How soon a source of which something is doubted is read again. No whole number: whatever toggles with the seconds
would otherwise show the same face each time."""

STUCK_S: Final = 3600.0
# An hour of samples, and not two that happen to be alike with an hour between.
_STUCK_TOLD: Final = 30

Trouble = Literal["value", "change", "toggle", "stuck", "failed"]
"""Why a reading was not taken: the signal cannot have it, it changed too fast, went there and back, never changed, or
the sensor failed."""
TROUBLES: Final[tuple[Trouble, ...]] = ("value", "change", "toggle", "stuck", "failed")


@dataclass(frozen=True, slots=True)
class History:
    """What one source has told of one signal."""

    believed: Value | None = None
    believed_at: float = -math.inf
    doubted: Value | None = None
    """A change that is not believed yet; None where there is none."""
    doubted_since: float = -math.inf
    doubted_at: float = -math.inf
    doubted_told: int = 0
    same: float | None = None
    """What was told last, of a signal that must vary, ..."""
    same_since: float = -math.inf
    same_at: float = -math.inf
    same_told: int = 0
    """... since when, until when, and how often."""


UNHEARD: Final = History()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to show of what was told: a value as of an instant, and what was wrong, to be counted once."""

    value: Value | None
    at: float
    doubted: bool = False
    stuck: bool = False
    trouble: Trouble | None = None


def judge(history: History, described: Signal, value: Value | None, at: float) -> tuple[History, Judgement]:
    """Return what is to be believed after `value` was told at `at`. None tells nothing, and confirms nothing."""
    if value is None:
        return replace(history, doubted=None), Judgement(None, at)
    if described.must_vary and isinstance(value, float):
        history, stuck, newly = _vary(history, described, value, at)
        if stuck:
            return history, Judgement(None, at, stuck=True, trouble="stuck" if newly else None)
    if history.believed is None or value == history.believed or _credible(history, described, value, at):
        # Back where it was: what was told between was nothing.
        toggled = history.doubted is not None and described.settles_s > 0
        believed = replace(history, believed=value, believed_at=at, doubted=None)
        return believed, Judgement(value, at, trouble="toggle" if toggled else None)
    again = history.doubted is not None and _alike(history, described, value, at)
    history = replace(
        history,
        doubted=value,
        doubted_since=history.doubted_since if again else at,
        doubted_at=at,
        doubted_told=history.doubted_told + 1 if again else 1,
    )
    if history.doubted_told >= CONFIRMED and at - history.doubted_since >= described.settles_s:
        return replace(history, believed=value, believed_at=at, doubted=None), Judgement(value, at)
    # A flag that changes is no fault before it changes back.
    trouble: Trouble | None = None if described.settles_s else "change"
    return history, Judgement(history.believed, history.believed_at, doubted=True, trouble=trouble)


def _credible(history: History, described: Signal, value: Value, at: float) -> bool:
    """Tell whether a signal may have come from what was believed to `value` in that time."""
    if isinstance(value, float) and isinstance(history.believed, float):
        return _within(described, abs(value - history.believed), at - history.believed_at)
    return described.settles_s == 0


def _alike(history: History, described: Signal, value: Value, at: float) -> bool:
    if isinstance(value, float) and isinstance(history.doubted, float):
        return _within(described, abs(value - history.doubted), at - history.doubted_at)
    return value == history.doubted


def _within(described: Signal, change: float, in_s: float) -> bool:
    return math.isinf(described.rate_per_s) or change <= described.step + described.rate_per_s * max(0.0, in_s)


def _vary(history: History, described: Signal, value: float, at: float) -> tuple[History, bool, bool]:
    """Return the history, whether the signal is stuck, and whether it was not before."""
    # At the end of its range a signal can rest for hours: an idle machine, a battery on its charger. Time in which
    # nothing was told, as while the machine slept, is no time of saying the same.
    gone = at - history.same_at > STUCK_S / 10
    if value != history.same or value in (described.low, described.high) or gone:
        return replace(history, same=value, same_since=at, same_at=at, same_told=1), False, False
    stuck_before = _stuck(history)
    history = replace(history, same_at=at, same_told=history.same_told + 1)
    stuck = _stuck(history)
    return history, stuck, stuck and not stuck_before


def _stuck(history: History) -> bool:
    return history.same_at - history.same_since >= STUCK_S and history.same_told >= _STUCK_TOLD
