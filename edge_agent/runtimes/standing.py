"""Whether a model of the device is fit to be used, and what is to be done where it is not. Pure.

    happens                      the first time                 again
    ───────────────────────────  ─────────────────────────────  ──────────────────────────────────────────────────────
    a run is out of memory       opened anew                    in a row: put out of use
    a run is a runaway           nothing                        in a row: put out of use
    its process dies             opened anew                    opened anew
    it cannot be opened anew     put out of use

What was opened anew three times within a minute is not opened a fourth time: it is put out of use, but for a crash loop
on an accelerator, after which the processor is tried.

What is out of use comes back on trial after a while, one run at a time (breaker.py): a run that ends brings it back,
any trouble puts it out again, for longer. Trouble that began before the last remedy is no news: each remedy starts an
epoch, and whoever tells of a run says in which it began."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from router.running import breaker
from router.running.breaker import BreakerSettings, BreakerState

__all__ = ["FRESH", "Remedy", "Standing", "Trouble", "admit", "ended", "is_runaway", "let_go", "troubled"]

# A pause that grows by half a minute each time: long enough for memory pressure to pass, short enough to try again.
_OUT: Final = BreakerSettings(consecutive=1, open_s=30.0, max_open_s=600.0)
_IN_A_ROW: Final = 2
_REOPENED: Final = 3
_REOPENED_WITHIN_S: Final = 60.0
# Ten times what the longest run that ended took: more than inputs of different sizes, or a busy machine, explain.
_FAR_LONGER: Final = 10.0
# A run that was stopped before has kept nobody waiting; apps that ask with short deadlines stop good models, too.
_RUNAWAY_S: Final = 0.1


class Trouble(StrEnum):
    """What can be wrong with a model that is in use."""

    OUT_OF_MEMORY = "out_of_memory"
    RUNAWAY = "runaway"
    CRASH = "crash"
    CANNOT_OPEN = "cannot_open"


class Remedy(StrEnum):
    """What to do about it."""

    NOTHING = "nothing"
    OPEN_ANEW = "open_anew"
    OPEN_ON_CPU = "open_on_cpu"
    PUT_OUT = "put_out"


@dataclass(frozen=True, slots=True)
class Standing:
    """One model's. `rest` says whether, and until when, it is out of use."""

    rest: BreakerState = breaker.CLOSED
    in_a_row: int = 0
    """Troubles since a run last ended, crashes left out."""
    reopened: tuple[float, ...] = ()
    """When it was opened anew lately."""
    on_cpu: bool = False
    """Whether a crash loop took it off its accelerator, which it stays as long as the agent lives."""
    longest_s: float = 0.0
    """What the longest run that ended took; 0 before there was one."""
    epoch: int = 0

    @property
    def untroubled(self) -> bool:
        """Whether the end of one more run like the others would change nothing."""
        return self.rest.open_until is None and self.in_a_row == 0


FRESH: Final = Standing()


def is_runaway(state: Standing, taken_s: float) -> bool:
    """Tell whether a run that was stopped after `taken_s`, because it was of no more use, would not have ended soon."""
    return taken_s >= max(_RUNAWAY_S, _FAR_LONGER * state.longest_s)


def ended(state: Standing, taken_s: float, now: float, epoch: int) -> Standing:
    """A run that began in `epoch` came to its end, with an answer."""
    if epoch != state.epoch:
        return state
    rest = state.rest
    if rest.open_until is not None:
        rest = breaker.succeeded(rest, _OUT, now, rest.epoch)
    return replace(state, rest=rest, in_a_row=0, longest_s=max(taken_s, state.longest_s))


def troubled(
    state: Standing, trouble: Trouble, now: float, epoch: int, chance: float, *, may_use_cpu: bool
) -> tuple[Standing, Remedy]:
    """Something went wrong in `epoch`. `chance` is uniform in [0, 1): where in the jitter's range a pause falls.

    `may_use_cpu`: there is a processor to fall back to, because the model was opened on something else."""
    if epoch != state.epoch:
        return state, Remedy.NOTHING
    if state.rest.open_until is not None or trouble is Trouble.CANNOT_OPEN:
        return _put_out(state, now, chance), Remedy.PUT_OUT
    if trouble is Trouble.CRASH:
        return _open_anew(state, now, chance, may_use_cpu=may_use_cpu)
    state = replace(state, in_a_row=state.in_a_row + 1)
    if state.in_a_row >= _IN_A_ROW:
        return _put_out(state, now, chance), Remedy.PUT_OUT
    if trouble is Trouble.RUNAWAY:
        return state, Remedy.NOTHING
    return _open_anew(state, now, chance, may_use_cpu=False)


def _open_anew(state: Standing, now: float, chance: float, *, may_use_cpu: bool) -> tuple[Standing, Remedy]:
    recent = tuple(at for at in state.reopened if now - at < _REOPENED_WITHIN_S)
    if len(recent) < _REOPENED:
        return replace(state, reopened=(*recent, now), epoch=state.epoch + 1), Remedy.OPEN_ANEW
    if may_use_cpu and not state.on_cpu:
        return replace(state, reopened=(), on_cpu=True, epoch=state.epoch + 1), Remedy.OPEN_ON_CPU
    return _put_out(state, now, chance), Remedy.PUT_OUT


def admit(state: Standing, now: float) -> Standing | None:
    """Announce a run: the state that holds while it runs, or None where it may not begin. See breaker.admit."""
    rest = breaker.admit(state.rest, _OUT, now)
    if rest is None:
        return None
    return state if rest is state.rest else replace(state, rest=rest)


def let_go(state: Standing) -> Standing:
    """A run that was announced told nothing about the model; harmless where it did."""
    rest = breaker.abandoned(state.rest, state.rest.epoch)
    return state if rest is state.rest else replace(state, rest=rest)


def _put_out(state: Standing, now: float, chance: float) -> Standing:
    rest = breaker.failed(state.rest, _OUT, now, state.rest.epoch, chance)
    return replace(state, rest=rest, in_a_row=0, reopened=(), epoch=state.epoch + 1)
