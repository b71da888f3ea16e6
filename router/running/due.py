"""What is due in an attempt, and when: the device's backup, the hedge, the end of each run's time."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from router.running.events import Command, Role, Run
from router.running.standing import HAND_BACK_S, Attempt
from router.types import DEVICE

__all__ = ["beside", "wake_at"]


def beside(state: Attempt, now: float) -> tuple[Attempt, tuple[Command, ...]]:
    """Start what is due beside what runs."""
    commands: tuple[Command, ...] = ()
    if now >= _backup_at(state):
        backup = Run(DEVICE, state.deadline, Role.BACKUP)
        state = replace(state, running=(*state.running, backup), asked=(*state.asked, DEVICE))
        commands = (backup,)
    if now >= state.hedge_at:
        state = replace(state, hedge_at=inf)
        hedge = state.plan.hedge
        if hedge is not None and len(state.running) == 1 and hedge.to not in state.asked:
            reserve_s = next((leg.reserve_s for leg in state.plan.legs if leg.target == hedge.to), 0.0)
            run = Run(hedge.to, state.deadline - reserve_s, Role.HEDGE)
            if now < run.until:
                state = replace(state, running=(*state.running, run), asked=(*state.asked, hedge.to))
                commands = (*commands, run)
    return state, commands


def _backup_at(state: Attempt) -> float:
    """Return when the device is started beside the remote target that runs; never, where it was asked already."""
    backup = state.plan.backup
    if backup is None or not state.running or DEVICE in state.asked:
        return inf
    return state.deadline - backup.before_s


def wake_at(state: Attempt) -> float:
    """Return the next instant at which something is due."""
    at = min(state.again_at, state.hedge_at, _backup_at(state))
    for run in state.running:
        at = min(at, run.until)
    return at if state.held is None else min(at, state.deadline - HAND_BACK_S)
