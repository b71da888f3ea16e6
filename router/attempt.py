"""The running of a plan as a state machine without IO: `step(state, event, now) -> (state, commands)`.

The synchronous SDK, the asynchronous SDK and a simulator drive this one machine: they carry out the commands and feed
back what happened as events. The transitions, by what is running (every event not named leaves the state as it is):

    running        event                      becomes
    ─────────────  ─────────────────────────  ──────────────────────────────────────────────────────────────
    a leg          Succeeded, certain enough  finished: answered
    the device     Succeeded, not certain     the escalation, with the device's answer held
                                              (finished: answered, uncertain, where no time or nobody is left)
    a leg          Failed                     the next leg; none left → finished: failed
    a leg          Failed, security           the next leg on the device; none → finished: failed
    a leg          Woke at its time to go     cancel it, then as Failed
    escalation     Succeeded                  finished: answered by it
    escalation     Failed, or Woke            finished: the held answer, uncertain
    anything       Cancelled                  cancel what runs; finished: cancelled
    anything       Woke at the deadline       cancel what runs; finished: deadline exceeded (or the held answer)

It finishes exactly once, and nothing is started after it finished or after the deadline. A device run in the caller's
own thread is not interrupted here: its answer may come after the deadline, is then returned, and is marked `late`."""

from __future__ import annotations

from enum import StrEnum

from router.plan import Plan
from router.types import DEVICE
from router.values import value

__all__ = [
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
    "Outcome",
    "Run",
    "Succeeded",
    "Wake",
    "Woke",
    "begin",
    "step",
]

# A target that something stands behind is given up this long before the deadline, so that handing back what is left
# still meets it: twice the 5 ms for which a busy thread of the host app keeps the interpreter. With 2 ms, and one such
# thread, every fourth request into a black hole ended without the answer that the device had for it.
HAND_BACK_S = 0.010


class Ending(StrEnum):
    """How an attempt can end."""

    ANSWERED = "answered"
    FAILED = "failed"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    CANCELLED = "cancelled"


@value
class Failure:
    """One target's failure. `code` is a word of the error table; `detail` carries no input, output or foreign text."""

    target: str
    code: str
    detail: str = ""
    security: bool = False


# -- events: what the driver tells -------------------------------------------------------------------------------------


@value
class Succeeded:
    """`target` answered. `score` is the device's, None where none could be read. `covered`: whether the answer is of
    the very model that the certificate holds for right, which a remote target has to say."""

    target: str
    score: float | None = None
    covered: bool = False


@value
class Failed:
    """`target` will not answer."""

    failure: Failure


@value
class Woke:
    """The time asked for with Wake has come; harmless when it comes early, late or twice."""


@value
class Cancelled:
    """The caller no longer wants an answer."""


Event = Succeeded | Failed | Woke | Cancelled

# -- commands: what the driver does ------------------------------------------------------------------------------------


@value
class Run:
    """Ask `target`; its answer is of no use after `until`."""

    target: str
    until: float


@value
class Wake:
    """Send Woke at `at`; a later Wake replaces an earlier one."""

    at: float


@value
class Cancel:
    """Stop `target`; whatever it still says is ignored."""

    target: str


@value
class Audit:
    """Ask `target` as well, without waiting: the answer is compared with the device's, which was kept."""

    target: str


@value
class Outcome:
    """How it ended. `target` answered; `certain` is None where no escalation was planned for the answer, `certified`
    where no promise was asked for. `why_uncertified` says why an answer is not."""

    ending: Ending
    target: str | None
    failures: tuple[Failure, ...]
    escalated: bool = False
    certain: bool | None = None
    score: float | None = None
    late: bool = False
    certified: bool | None = None
    why_uncertified: str = ""


@value
class Finish:
    """The last command of every attempt."""

    outcome: Outcome


Command = Run | Wake | Cancel | Audit | Finish


@value
class Attempt:
    """Where an attempt stands. `held_score` is the device's while an escalation runs."""

    plan: Plan
    deadline: float
    leg: int = 0
    running: str | None = None
    until: float = 0.0
    escalating: bool = False
    held_score: float | None = None
    failures: tuple[Failure, ...] = ()
    finished: bool = False


Stepped = tuple[Attempt, tuple[Command, ...]]


def begin(plan: Plan, deadline: float, now: float) -> Stepped:
    """Start `plan`; a deadline that has passed already finishes it without asking anyone."""
    if now >= deadline:
        return _finish(Attempt(plan, deadline), Ending.DEADLINE_EXCEEDED, None)
    return _next_leg(plan, deadline, 0, (), now)


def step(state: Attempt, event: Event, now: float) -> Stepped:
    """Take one event; see the table above."""
    if state.finished:
        return state, ()
    if isinstance(event, Succeeded):
        return _succeeded(state, event, now) if event.target == state.running else (state, ())
    if isinstance(event, Failed):
        return _failed(state, event.failure, now) if event.failure.target == state.running else (state, ())
    if isinstance(event, Woke):
        return _woke(state, now)
    return _finish(state, Ending.CANCELLED, None, cancel=True)


def _succeeded(state: Attempt, event: Succeeded, now: float) -> Stepped:
    escalation = state.plan.escalation
    late = now > state.deadline
    if state.escalating or escalation is None or event.target != DEVICE:
        # Somebody else's answer to an escalation is as good as this plan can get.
        return _finish(state, Ending.ANSWERED, event.target, score=event.score, late=late, covered=event.covered)
    # Strictly above, and a score that is missing or not a number is above nothing.
    if event.score is not None and event.score > escalation.below:
        return _finish(state, Ending.ANSWERED, DEVICE, certain=True, score=event.score, late=late)
    until = state.deadline - HAND_BACK_S
    distrusted = any(failure.target == escalation.to or failure.security for failure in state.failures)
    if escalation.to is None or now >= until or distrusted:
        return _finish(state, Ending.ANSWERED, DEVICE, certain=False, score=event.score, late=late)
    waiting = Attempt(
        state.plan,
        state.deadline,
        state.leg,
        escalation.to,
        until,
        escalating=True,
        held_score=event.score,
        failures=state.failures,
    )
    return waiting, (Run(escalation.to, until), Wake(until))


def _failed(state: Attempt, failure: Failure, now: float) -> Stepped:
    failures = (*state.failures, failure)
    if state.escalating:
        return _finish(
            state,
            Ending.ANSWERED,
            DEVICE,
            certain=False,
            score=state.held_score,
            failures=failures,
            late=now > state.deadline,
        )
    return _next_leg(state.plan, state.deadline, state.leg + 1, failures, now)


def _woke(state: Attempt, now: float) -> Stepped:
    if now < state.until or state.running is None:
        return state, (Wake(state.until),)
    running = state.running
    failure = Failure(running, "DEADLINE_EXCEEDED", "no answer in its share of the deadline")
    if not state.escalating and now >= state.deadline:
        ended = Attempt(state.plan, state.deadline, state.leg, running, failures=(*state.failures, failure))
        return _finish(ended, Ending.DEADLINE_EXCEEDED, None, cancel=True)
    after, commands = _failed(state, failure, now)
    return after, (Cancel(running), *commands)


def _next_leg(plan: Plan, deadline: float, index: int, failures: tuple[Failure, ...], now: float) -> Stepped:
    distrust = bool(failures) and any(failure.security for failure in failures)
    for leg_index in range(index, len(plan.legs)):
        leg = plan.legs[leg_index]
        # An endpoint that failed to prove who it is: no other endpoint answers in its place, only the device.
        if distrust and leg.target != DEVICE:
            continue
        if now >= deadline:
            break
        until = deadline - leg.reserve_s
        if now >= until:
            continue
        running = Attempt(plan, deadline, leg_index, leg.target, until, False, None, failures)
        return running, (Run(leg.target, until), Wake(until))
    ended = Attempt(plan, deadline, len(plan.legs), failures=failures)
    return _finish(ended, Ending.DEADLINE_EXCEEDED if now >= deadline else Ending.FAILED, None)


def _finish(
    state: Attempt,
    ending: Ending,
    target: str | None,
    *,
    cancel: bool = False,
    certain: bool | None = None,
    score: float | None = None,
    failures: tuple[Failure, ...] | None = None,
    late: bool = False,
    covered: bool = False,
) -> Stepped:
    told = state.failures if failures is None else failures
    # By position: naming the fields costs every request half a microsecond.
    outcome = Outcome(ending, target, told, state.escalating, certain, score, late)
    plan = state.plan
    audited = target == DEVICE and plan.audit is not None and certain is not False
    if plan.promised is not None and target is not None:
        why = _uncertified(plan, target, certain, covered)
        outcome = Outcome(ending, target, told, state.escalating, certain, score, late, not why, why)
    finished = Attempt(state.plan, state.deadline, state.leg, None, 0.0, False, None, told, True)
    if cancel and state.running is not None:
        return finished, (Cancel(state.running), Finish(outcome))
    if audited and plan.audit is not None:
        return finished, (Audit(plan.audit), Finish(outcome))
    return finished, (Finish(outcome),)


def _uncertified(plan: Plan, target: str, certain: bool | None, covered: bool) -> str:
    """Return why an answer is not certified; empty where it is."""
    if target != DEVICE:
        return "" if covered else plan.why_not or f"{target} did not answer with the model that was certified"
    if certain is False:
        asked = plan.escalation is not None and plan.escalation.to is not None
        return "an escalation was due and did not come back" if asked else "nothing was there to escalate to"
    if not plan.promised:
        return plan.why_not
    return "" if certain else "nothing was there to escalate to"
