"""Where an attempt stands, between two events. A value: see attempt.py, which says what follows from what."""

from __future__ import annotations

from math import inf

from router.choosing.plan import Plan
from router.running.events import Command, Failure, Role, Run
from router.values import value

__all__ = ["HAND_BACK_S", "TIMED_OUT", "Attempt", "Held", "Stepped", "others", "run_of", "timed_out"]

# A target that something stands behind is given up this long before the deadline, so that handing back what is left
# still meets it: twice the 5 ms for which a busy thread of the host app keeps the interpreter. With 2 ms, and one such
# thread, every fourth request into a black hole ended without the answer that the device had for it.
HAND_BACK_S = 0.010

TIMED_OUT = "DEADLINE_EXCEEDED"
_IN_WORDS = "no answer in its share of the deadline"


@value
class Held:
    """The device's answer, put aside while a remote target may have a better one. `certain` None: nothing was asked of
    its score. `escalated`: whether the remote target is asked because of it."""

    score: float | None
    certain: bool | None
    role: Role
    escalated: bool


@value
class Attempt:
    """Where an attempt stands. `asked` is in order, and has a target for each time that it was asked."""

    plan: Plan
    deadline: float
    running: tuple[Run, ...] = ()
    asked: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()
    held: Held | None = None
    hedge_at: float = inf
    again: Run | None = None
    """What is run again at `again_at`; nothing else runs until then."""
    again_at: float = inf
    finished: bool = False


Stepped = tuple[Attempt, tuple[Command, ...]]


def run_of(state: Attempt, target: str) -> Run | None:
    """Return the run of a target that is under way."""
    for run in state.running:
        if run.target == target:
            return run
    return None


def others(state: Attempt, run: Run) -> tuple[Run, ...]:
    """Return what runs besides."""
    return tuple(other for other in state.running if other is not run)


def timed_out(run: Run) -> Failure:
    """Return what a target that has not answered by its time did."""
    return Failure(run.target, TIMED_OUT, _IN_WORDS)
