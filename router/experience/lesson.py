"""What a remote call that brought no answer teaches about its target. Pure.

That it takes long, that it fails, and that its breaker should count it are three questions; an error code answers some
of them, and a timeout only together with the time that the call was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["ABSENT", "CANCELLED", "REFUSED", "TIMED_OUT", "Lesson", "lesson"]

# Words of the wire's error table, which the router does not import.
TIMED_OUT: Final = "DEADLINE_EXCEEDED"
CANCELLED: Final = "CANCELLED"
ABSENT: Final = frozenset({"MODEL_NOT_READY", "MODEL_NOT_FOUND"})
REFUSED: Final = frozenset({"INVALID_INPUT", "TOO_LARGE"})


@dataclass(frozen=True, slots=True)
class Lesson:
    """See Experience.remote_failed, whose arguments these are."""

    blamed: bool = False
    gave_up_s: float | None = None
    absent: bool = False
    refused: bool = False


def lesson(code: str, *, blames_endpoint: bool, had_s: float, taken_s: float, predicted_s: float) -> Lesson:
    """Return what a call teaches that failed with `code` after `taken_s`.

    `blames_endpoint` is what the error table says of the code, `had_s` the time that the call was given, `predicted_s`
    the time that it was believed to need."""
    if code == CANCELLED:
        # Nobody's fault; but one that was given up because somebody else was quicker would have taken longer yet.
        return Lesson(gave_up_s=taken_s)
    if code == TIMED_OUT:
        # An endpoint is to blame for a timeout only if it had the time that it was believed to need: an app with
        # deadlines of a millisecond must not open the breaker for everybody else.
        return Lesson(blamed=had_s >= predicted_s, gave_up_s=taken_s)
    return Lesson(blames_endpoint, absent=code in ABSENT, refused=code in REFUSED)
