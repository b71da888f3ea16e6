"""The running of a plan as a state machine without IO: `step(state, event, now) -> (state, commands)`.

The synchronous SDK, the asynchronous SDK and a simulator drive this one machine: they carry out the commands and feed
back what happened as events. Mostly one target runs, a leg. Beside a remote leg the device may run as its backup, and
beside any first leg the next one as a hedge. The transitions (every event not named leaves the state as it is):

    event                            what runs besides    becomes
    ───────────────────────────────  ───────────────────  ─────────────────────────────────────────────────────────
    Succeeded, a remote target       anything             finished: answered; what runs besides is cancelled
    Succeeded, the device
      certain enough                 anything             finished: answered; what runs besides is cancelled
      not certain                    nothing              the escalation, with the device's answer held (finished:
                                                          answered, uncertain, where no time or nobody is left)
      not certain, escalates         a remote target      held: what runs is the escalation
      not certain, asked besides     a remote target      held where the plan's backup holds; else as certain
    Failed, or Woke when its time    nothing              asked again after a pause, where that helps and nobody else
      is over (it is cancelled)                           is left; else the held answer; else the next leg; none left:
                                                          finished, failed (deadline exceeded, where that was the
                                                          failure and no more than a hair of the time is left)
      the same                       anything             what runs besides goes on
      Failed, security               remote targets       they are cancelled; from now on only the device is asked
    Withheld, a hedge                the first leg        that goes on alone
    Withheld, a retry                nothing              as Failed, and not asked again
    Woke, it is time for
      the device's backup            a remote target      both run
      the hedge                      the first leg only   both run
      the retry                      nothing              it runs again
      handing back a held answer     a remote target      cancelled; finished: the held answer, uncertain
      the deadline                   anything             cancelled; finished: deadline exceeded
    Cancelled                        anything             cancelled; finished: cancelled

It finishes exactly once, and nothing is started after it finished or after the deadline. A device run in the caller's
own thread is not interrupted here: its answer may come after the deadline, is then returned, and is marked `late`."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from router.choosing.plan import Plan
from router.running.due import beside, wake_at
from router.running.ending import answered, finish, hand_back
from router.running.events import (
    Audit,
    Cancel,
    Cancelled,
    Command,
    Ending,
    Event,
    Failed,
    Failure,
    Finish,
    Outcome,
    Role,
    Run,
    Succeeded,
    Wake,
    Withheld,
    Woke,
)
from router.running.retry import pause_s, retryable
from router.running.standing import HAND_BACK_S, TIMED_OUT, Attempt, Held, Stepped, others, run_of, timed_out
from router.types import DEVICE

__all__ = [
    "HAND_BACK_S",
    "Attempt",
    "Audit",
    "Cancel",
    "Cancelled",
    "Command",
    "Ending",
    "Event",
    "Failed",
    "Failure",
    "Finish",
    "Held",
    "Outcome",
    "Role",
    "Run",
    "Succeeded",
    "Wake",
    "Withheld",
    "Woke",
    "begin",
    "step",
]


def begin(plan: Plan, deadline: float, now: float) -> Stepped:
    """Start `plan`; a deadline that has passed already finishes it without asking anyone."""
    if now >= deadline:
        return finish(Attempt(plan, deadline), Ending.DEADLINE_EXCEEDED, None)
    return _next_leg(plan, deadline, (), (), now)


def step(state: Attempt, event: Event, now: float) -> Stepped:
    """Take one event; see the table above."""
    if state.finished:
        return state, ()
    if isinstance(event, Succeeded):
        run = run_of(state, event.target)
        return (state, ()) if run is None else _succeeded(state, run, event, now)
    if isinstance(event, Failed):
        run = run_of(state, event.failure.target)
        return (state, ()) if run is None else _failed(state, run, event, now)
    if isinstance(event, Withheld):
        run = run_of(state, event.target)
        return (state, ()) if run is None else _withheld(state, run, now)
    if isinstance(event, Woke):
        return _woke(state, now)
    return finish(state, Ending.CANCELLED, None)


# -- an answer ---------------------------------------------------------------------------------------------------------


def _succeeded(state: Attempt, run: Run, event: Succeeded, now: float) -> Stepped:
    late = now > state.deadline
    escalation = state.plan.escalation
    if run.target != DEVICE:
        return answered(state, run, event, None, late)
    certain = None if escalation is None else escalation.is_certain(event.score)
    if len(state.running) > 1:
        escalates = certain is False and escalation is not None and escalation.to is not None
        backup = state.plan.backup
        holds = escalates or (not certain and run.role is not Role.LEG and backup is not None and backup.holds)
        if not holds or now >= state.deadline - HAND_BACK_S:
            return answered(state, run, event, certain, late)
        held = Held(event.score, certain, run.role, escalates)
        waiting = replace(state, running=others(state, run), held=held, hedge_at=inf)
        return waiting, (Wake(wake_at(waiting)),)
    if certain is not False or escalation is None:
        return answered(state, run, event, certain, late)
    until = state.deadline - HAND_BACK_S
    distrusted = any(failure.target == escalation.to or failure.security for failure in state.failures)
    if escalation.to is None or now >= until or distrusted:
        return answered(state, run, event, False, late)
    asking = Run(escalation.to, until, Role.ESCALATION)
    held = Held(event.score, False, run.role, True)
    asked = (*state.asked, asking.target)
    waiting = Attempt(state.plan, state.deadline, (asking,), asked, state.failures, held)
    return waiting, (asking, Wake(until))


# -- no answer ---------------------------------------------------------------------------------------------------------


def _failed(state: Attempt, run: Run, event: Failed, now: float) -> Stepped:
    failures = (*state.failures, event.failure)
    besides = others(state, run)
    stopped: tuple[Command, ...] = ()
    if event.failure.security:
        # An endpoint that failed to prove who it is: no other endpoint answers in its place, only the device.
        stopped = tuple(Cancel(other.target) for other in besides if other.target != DEVICE)
        besides = tuple(other for other in besides if other.target == DEVICE)
        state = replace(state, hedge_at=inf)
    if besides:
        going_on = replace(state, running=besides, failures=failures)
        return going_on, (*stopped, Wake(wake_at(going_on)))
    again = _again(state, run, event, now)
    if again is not None:
        return again
    return _given_up(state, failures, now, stopped)


def _again(state: Attempt, run: Run, event: Failed, now: float) -> Stepped | None:
    """Return the state that waits to ask the same target again; None where that is not worth it, or not allowed."""
    terms, again_s = state.plan.retry, event.again_s
    if terms is None or again_s is None or run.target == DEVICE or not retryable(event.failure):
        return None
    attempts = state.asked.count(run.target)
    nobody_else = state.held is not None or all(leg.target in state.asked for leg in state.plan.legs)
    if attempts >= terms.attempts or not nobody_else or any(failure.security for failure in state.failures):
        return None
    at = now + max(again_s, pause_s(terms, attempts, event.chance))
    if at >= run.until:
        return None
    waiting = replace(
        state,
        running=(),
        failures=(*state.failures, event.failure),
        hedge_at=inf,
        again=Run(run.target, run.until, Role.RETRY),
        again_at=at,
    )
    return waiting, (Wake(at),)


def _withheld(state: Attempt, run: Run, now: float) -> Stepped:
    besides = others(state, run)
    if not besides:
        return _given_up(state, state.failures, now, ())
    # Nothing was asked: should the first leg fail, this one's turn comes like any other's.
    last = len(state.asked) - 1 - state.asked[::-1].index(run.target)
    going_on = replace(state, running=besides, asked=state.asked[:last] + state.asked[last + 1 :])
    return going_on, (Wake(wake_at(going_on)),)


def _given_up(state: Attempt, failures: tuple[Failure, ...], now: float, commands: tuple[Command, ...]) -> Stepped:
    """Go on after everything that ran has failed."""
    if state.held is not None:
        return hand_back(replace(state, running=(), failures=failures), now, commands)
    after, more = _next_leg(state.plan, state.deadline, state.asked, failures, now)
    return after, (*commands, *more)


def _next_leg(
    plan: Plan, deadline: float, asked: tuple[str, ...], failures: tuple[Failure, ...], now: float
) -> Stepped:
    distrust = bool(failures) and any(failure.security for failure in failures)
    for leg in plan.legs:
        if leg.target in asked or (distrust and leg.target != DEVICE):
            continue
        if now >= deadline:
            break
        until = deadline - leg.reserve_s
        if now >= until:
            continue
        run = Run(leg.target, until)
        hedge = plan.hedge
        hedge_at = inf if hedge is None or asked else now + hedge.after_s
        begun = Attempt(plan, deadline, (run,), (*asked, leg.target), failures, None, hedge_at)
        if plan.backup is None and now < hedge_at:
            return begun, (run, Wake(min(until, hedge_at)))
        begun, more = beside(begun, now)
        return begun, (run, *more, Wake(wake_at(begun)))
    ended = Attempt(plan, deadline, (), asked, failures)
    return finish(ended, Ending.DEADLINE_EXCEEDED if _is_over(deadline, failures, now) else Ending.FAILED, None)


def _is_over(deadline: float, failures: tuple[Failure, ...], now: float) -> bool:
    """Tell whether it was the time that ended it, and not who was asked last."""
    if now >= deadline or not failures:
        return now >= deadline
    # A call's own clock may end it a hair before ours does; nothing could be tried in what is left.
    return failures[-1].code == TIMED_OUT and now >= deadline - HAND_BACK_S


# -- time --------------------------------------------------------------------------------------------------------------


def _woke(state: Attempt, now: float) -> Stepped:
    if state.held is not None and now >= state.deadline - HAND_BACK_S:
        return hand_back(state, now, ())
    if now >= state.deadline:
        failures = (*state.failures, *(timed_out(run) for run in state.running))
        return finish(replace(state, failures=failures), Ending.DEADLINE_EXCEEDED, None)
    over = tuple(run for run in state.running if now >= run.until)
    commands: tuple[Command, ...] = tuple(Cancel(run.target) for run in over)
    if over:
        failures = (*state.failures, *map(timed_out, over))
        running = tuple(run for run in state.running if now < run.until)
        if not running:
            return _given_up(state, failures, now, commands)
        state = replace(state, running=running, failures=failures)
    if state.again is not None and now >= state.again_at:
        again = state.again
        state = replace(state, running=(again,), asked=(*state.asked, again.target), again=None, again_at=inf)
        commands = (*commands, again)
    state, more = beside(state, now)
    return state, (*commands, *more, Wake(wake_at(state)))
