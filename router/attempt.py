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
                                                          finished, failed
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

from router.events import (
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
from router.plan import Plan
from router.retry import pause_s, retryable
from router.types import DEVICE
from router.values import value

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

# A target that something stands behind is given up this long before the deadline, so that handing back what is left
# still meets it: twice the 5 ms for which a busy thread of the host app keeps the interpreter. With 2 ms, and one such
# thread, every fourth request into a black hole ended without the answer that the device had for it.
HAND_BACK_S = 0.010

_TIMED_OUT = "no answer in its share of the deadline"


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


def begin(plan: Plan, deadline: float, now: float) -> Stepped:
    """Start `plan`; a deadline that has passed already finishes it without asking anyone."""
    if now >= deadline:
        return _finish(Attempt(plan, deadline), Ending.DEADLINE_EXCEEDED, None)
    return _next_leg(plan, deadline, (), (), now)


def step(state: Attempt, event: Event, now: float) -> Stepped:
    """Take one event; see the table above."""
    if state.finished:
        return state, ()
    if isinstance(event, Succeeded):
        run = _running(state, event.target)
        return (state, ()) if run is None else _succeeded(state, run, event, now)
    if isinstance(event, Failed):
        run = _running(state, event.failure.target)
        return (state, ()) if run is None else _failed(state, run, event, now)
    if isinstance(event, Withheld):
        run = _running(state, event.target)
        return (state, ()) if run is None else _withheld(state, run, now)
    if isinstance(event, Woke):
        return _woke(state, now)
    return _finish(state, Ending.CANCELLED, None)


def _running(state: Attempt, target: str) -> Run | None:
    for run in state.running:
        if run.target == target:
            return run
    return None


# -- an answer ---------------------------------------------------------------------------------------------------------


def _succeeded(state: Attempt, run: Run, event: Succeeded, now: float) -> Stepped:
    late = now > state.deadline
    escalation = state.plan.escalation
    if run.target != DEVICE:
        return _answered(state, run, event, None, late)
    certain = None if escalation is None else escalation.is_certain(event.score)
    if len(state.running) > 1:
        escalates = certain is False and escalation is not None and escalation.to is not None
        backup = state.plan.backup
        holds = escalates or (not certain and run.role is not Role.LEG and backup is not None and backup.holds)
        if not holds or now >= state.deadline - HAND_BACK_S:
            return _answered(state, run, event, certain, late)
        held = Held(event.score, certain, run.role, escalates)
        waiting = replace(state, running=_others(state, run), held=held, hedge_at=inf)
        return waiting, (Wake(_wake_at(waiting)),)
    if certain is not False or escalation is None:
        return _answered(state, run, event, certain, late)
    until = state.deadline - HAND_BACK_S
    distrusted = any(failure.target == escalation.to or failure.security for failure in state.failures)
    if escalation.to is None or now >= until or distrusted:
        return _answered(state, run, event, False, late)
    asking = Run(escalation.to, until, Role.ESCALATION)
    held = Held(event.score, False, run.role, True)
    asked = (*state.asked, asking.target)
    waiting = Attempt(state.plan, state.deadline, (asking,), asked, state.failures, held)
    return waiting, (asking, Wake(until))


# -- no answer ---------------------------------------------------------------------------------------------------------


def _failed(state: Attempt, run: Run, event: Failed, now: float) -> Stepped:
    failures = (*state.failures, event.failure)
    others = _others(state, run)
    stopped: tuple[Command, ...] = ()
    if event.failure.security:
        # An endpoint that failed to prove who it is: no other endpoint answers in its place, only the device.
        stopped = tuple(Cancel(other.target) for other in others if other.target != DEVICE)
        others = tuple(other for other in others if other.target == DEVICE)
        state = replace(state, hedge_at=inf)
    if others:
        going_on = replace(state, running=others, failures=failures)
        return going_on, (*stopped, Wake(_wake_at(going_on)))
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
    others = _others(state, run)
    if not others:
        return _given_up(state, state.failures, now, ())
    # Nothing was asked: should the first leg fail, this one's turn comes like any other's.
    last = len(state.asked) - 1 - state.asked[::-1].index(run.target)
    going_on = replace(state, running=others, asked=state.asked[:last] + state.asked[last + 1 :])
    return going_on, (Wake(_wake_at(going_on)),)


def _given_up(state: Attempt, failures: tuple[Failure, ...], now: float, commands: tuple[Command, ...]) -> Stepped:
    """Go on after everything that ran has failed."""
    if state.held is not None:
        return _hand_back(replace(state, running=(), failures=failures), now, commands)
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
        begun, more = _beside(begun, now)
        return begun, (run, *more, Wake(_wake_at(begun)))
    ended = Attempt(plan, deadline, (), asked, failures)
    return _finish(ended, Ending.DEADLINE_EXCEEDED if now >= deadline else Ending.FAILED, None)


# -- time --------------------------------------------------------------------------------------------------------------


def _woke(state: Attempt, now: float) -> Stepped:
    if state.held is not None and now >= state.deadline - HAND_BACK_S:
        return _hand_back(state, now, ())
    if now >= state.deadline:
        failures = (*state.failures, *(_timed_out(run) for run in state.running))
        return _finish(replace(state, failures=failures), Ending.DEADLINE_EXCEEDED, None)
    over = tuple(run for run in state.running if now >= run.until)
    commands: tuple[Command, ...] = tuple(Cancel(run.target) for run in over)
    if over:
        failures = (*state.failures, *map(_timed_out, over))
        running = tuple(run for run in state.running if now < run.until)
        if not running:
            return _given_up(state, failures, now, commands)
        state = replace(state, running=running, failures=failures)
    if state.again is not None and now >= state.again_at:
        again = state.again
        state = replace(state, running=(again,), asked=(*state.asked, again.target), again=None, again_at=inf)
        commands = (*commands, again)
    state, more = _beside(state, now)
    return state, (*commands, *more, Wake(_wake_at(state)))


def _beside(state: Attempt, now: float) -> Stepped:
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


def _wake_at(state: Attempt) -> float:
    """Return the next instant at which something is due."""
    at = min(state.again_at, state.hedge_at, _backup_at(state))
    for run in state.running:
        at = min(at, run.until)
    return at if state.held is None else min(at, state.deadline - HAND_BACK_S)


def _others(state: Attempt, run: Run) -> tuple[Run, ...]:
    return tuple(other for other in state.running if other is not run)


def _timed_out(run: Run) -> Failure:
    return Failure(run.target, "DEADLINE_EXCEEDED", _TIMED_OUT)


# -- the end -----------------------------------------------------------------------------------------------------------


def _answered(state: Attempt, run: Run, event: Succeeded, certain: bool | None, late: bool) -> Stepped:
    if run.role is Role.BACKUP:
        # Whoever still runs had until the device was started, and then some.
        late_ones = tuple(_timed_out(other) for other in state.running if other is not run)
        state = replace(state, failures=(*state.failures, *late_ones))
    # What an escalated answer's score was: by another threshold it might have been kept.
    score = event.score if run.target == DEVICE or state.held is None else state.held.score
    return _finish(state, Ending.ANSWERED, run.target, certain, score, late, event.covered, run.role)


def _hand_back(state: Attempt, now: float, commands: tuple[Command, ...]) -> Stepped:
    """Finish with the held answer."""
    held = state.held
    assert held is not None
    failures = (*state.failures, *(_timed_out(run) for run in state.running))
    after, more = _finish(
        replace(state, failures=failures),
        Ending.ANSWERED,
        DEVICE,
        held.certain,
        held.score,
        now > state.deadline,
        role=held.role,
    )
    return after, (*commands, *more)


def _finish(
    state: Attempt,
    ending: Ending,
    target: str | None,
    certain: bool | None = None,
    score: float | None = None,
    late: bool = False,
    covered: bool = False,
    role: Role = Role.LEG,
) -> Stepped:
    plan, failures, asked = state.plan, state.failures, state.asked
    escalated = state.held is not None and state.held.escalated
    certified, why = None, ""
    if plan.promised is not None and target is not None:
        why = _uncertified(state, target, certain, covered)
        certified = not why
    overtaken: tuple[str, ...] = ()
    if len(asked) > 1 and target is not None:
        settled = {failure.target for failure in failures} | {target, DEVICE if state.held is not None else None}
        overtaken = tuple(name for name in asked if name not in settled)
    # By position: naming the fields costs every request half a microsecond.
    outcome = Outcome(ending, target, failures, escalated, certain, score, late, certified, why, role, overtaken)
    finished = Attempt(plan, state.deadline, (), asked, failures, None, inf, None, inf, True)
    commands: tuple[Command, ...] = (Finish(outcome),)
    if target == DEVICE and plan.audit is not None and certain is not False:
        commands = (Audit(plan.audit), *commands)
    for run in state.running:
        if run.target != target:
            commands = (Cancel(run.target), *commands)
    return finished, commands


def _uncertified(state: Attempt, target: str, certain: bool | None, covered: bool) -> str:
    """Return why an answer is not certified; empty where it is."""
    plan = state.plan
    if target != DEVICE:
        return "" if covered else plan.why_not or f"{target} did not answer with the model that was certified"
    if certain is not False and not plan.promised:
        return plan.why_not
    if certain:
        return ""
    if plan.escalation is not None and plan.escalation.to is not None and certain is False:
        return "an escalation was due and did not come back"
    if len(state.running) > 1 or state.held is not None:
        asked = ", ".join(name for name in dict.fromkeys(state.asked) if name != DEVICE)
        return f"{asked} did not answer in time"
    return "nothing was there to escalate to"
