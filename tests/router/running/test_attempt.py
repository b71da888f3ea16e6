"""The table in the machine's docstring, row by row."""

from __future__ import annotations

import math

import pytest

from router.choosing.plan import Backup, Escalation, Hedge, Leg, Plan, Retry
from router.running.attempt import (
    HAND_BACK_S,
    Attempt,
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
    begin,
    step,
)

DEADLINE = 1.0
DEVICE_ALONE = Plan((Leg("device"),))
CLOUD_FIRST = Plan((Leg("cloud", 0.3), Leg("device")))
CLOUDS = Plan((Leg("eu", 0.5), Leg("us", 0.3), Leg("device")))
ESCALATING = Plan((Leg("device"), Leg("cloud")), Escalation("cloud", 0.8))
BACK = DEADLINE - HAND_BACK_S
BACKED_UP = Plan((Leg("cloud"), Leg("device")), backup=Backup(0.3))
HOLDING = Plan((Leg("cloud"), Leg("device")), backup=Backup(0.3, holds=True))
CERTAIN_BACKUP = Plan((Leg("cloud"), Leg("device")), Escalation(None, 0.8, "gain"), backup=Backup(0.3, holds=True))
HEDGED = Plan((Leg("eu", 0.4), Leg("us"), Leg("device")), backup=Backup(0.3), hedge=Hedge("us", 0.1))
DEVICE_HEDGED = Plan((Leg("device"), Leg("cloud")), Escalation("cloud", 0.8), hedge=Hedge("cloud", 0.1))
RETRIED = Plan((Leg("cloud"),), retry=Retry(3, 0.05, 1.0))
RETRIED_ESCALATION = Plan((Leg("device"), Leg("cloud")), Escalation("cloud", 0.8), retry=Retry(2, 0.05, 1.0))
BACKUP = Run("device", 1.0, Role.BACKUP)


def failure(target: str, code: str = "UNAVAILABLE", *, security: bool = False) -> Failure:
    return Failure(target, code, security=security)


def failed(target: str, code: str = "UNAVAILABLE", *, security: bool = False) -> Failed:
    return Failed(failure(target, code, security=security))


def timed_out(target: str) -> Failure:
    return Failure(target, "DEADLINE_EXCEEDED", "no answer in its share of the deadline")


@pytest.mark.parametrize(
    ("code", "left_s", "ending"),
    [
        pytest.param("DEADLINE_EXCEEDED", 0.001, Ending.DEADLINE_EXCEEDED, id="its time ran out a hair before ours"),
        pytest.param("DEADLINE_EXCEEDED", 0.5, Ending.FAILED, id="by a server that gives itself less time"),
        pytest.param("UNAVAILABLE", 0.001, Ending.FAILED, id="it failed, and it was late"),
        pytest.param("UNAVAILABLE", -0.001, Ending.DEADLINE_EXCEEDED, id="it failed after our time"),
    ],
)
def test_a_call_that_ends_by_its_own_clock_a_hair_too_early_ran_out_of_time(
    code: str, left_s: float, ending: Ending
) -> None:
    """gRPC's clock was mostly the first by a millisecond, and the app was told that all targets had failed."""
    state, _ = begin(Plan((Leg("cloud"),)), DEADLINE, 0.0)
    _, commands = step(state, failed("cloud", code), DEADLINE - left_s)
    assert commands == (Finish(Outcome(ending, None, (failure("cloud", code),))),)


def test_where_the_device_is_left_it_is_asked_also_in_the_last_millisecond() -> None:
    state, _ = begin(Plan((Leg("cloud", 0.001), Leg("device"))), DEADLINE, 0.0)
    _, commands = step(state, failed("cloud", "DEADLINE_EXCEEDED"), DEADLINE - 0.002)
    assert commands[0] == Run("device", DEADLINE)


def unreached(target: str, *, again_s: float = 0.0) -> Failed:
    """A failure after which the same target may have an answer; chance falls into the middle of the pause's range."""
    return Failed(failure(target), again_s, 0.5)


def run(plan: Plan, *events: tuple[float, Event], begun_at: float = 0.0) -> tuple[Attempt, list[tuple[Command, ...]]]:
    """Feed events at their instants; return the state and the commands after each."""
    state, commands = begin(plan, DEADLINE, begun_at)
    given = [commands]
    for now, event in events:
        state, commands = step(state, event, now)
        given.append(commands)
    return state, given


def outcome_of(commands: tuple[Command, ...]) -> Outcome:
    last = commands[-1]
    assert isinstance(last, Finish)
    return last.outcome


def answered(target: str, *failures: Failure, **particulars: object) -> Outcome:
    return Outcome(Ending.ANSWERED, target, failures, **particulars)  # type: ignore[arg-type]  # as the row says


ROWS = [
    # -- a leg
    pytest.param(DEVICE_ALONE, [], (Run("device", 1.0), Wake(1.0)), id="begins with the first leg"),
    pytest.param(CLOUD_FIRST, [], (Run("cloud", 0.7), Wake(0.7)), id="a leg ends before those behind it need the time"),
    pytest.param(DEVICE_ALONE, [(0.1, Succeeded("device"))], (Finish(answered("device")),), id="a leg answers"),
    pytest.param(
        DEVICE_ALONE, [(0.1, Succeeded("device", 0.1))], (Finish(answered("device", score=0.1)),), id="with a low score"
    ),
    pytest.param(
        CLOUD_FIRST, [(0.1, failed("cloud"))], (Run("device", 1.0), Wake(1.0)), id="a leg fails: the next leg"
    ),
    pytest.param(
        CLOUD_FIRST,
        [(0.1, failed("cloud")), (0.2, Succeeded("device"))],
        (Finish(answered("device", failure("cloud"))),),
        id="the next leg answers",
    ),
    pytest.param(
        CLOUD_FIRST,
        [(0.1, failed("cloud")), (0.2, failed("device", "INTERNAL"))],
        (Finish(Outcome(Ending.FAILED, None, (failure("cloud"), failure("device", "INTERNAL")))),),
        id="the last leg fails",
    ),
    pytest.param(
        CLOUDS,
        [(0.1, failed("eu", security=True))],
        (Run("device", 1.0), Wake(1.0)),
        id="a security failure: no other endpoint, the device",
    ),
    pytest.param(
        Plan((Leg("eu", 0.5), Leg("us"))),
        [(0.1, failed("eu", security=True))],
        (Finish(Outcome(Ending.FAILED, None, (failure("eu", security=True),))),),
        id="a security failure and no device: failed",
    ),
    pytest.param(
        CLOUD_FIRST,
        [(0.7, Woke())],
        (Cancel("cloud"), Run("device", 1.0), Wake(1.0)),
        id="a leg's time is over: cancelled, the next leg",
    ),
    pytest.param(CLOUD_FIRST, [(0.69, Woke())], (Wake(0.7),), id="woken early: asks again"),
    pytest.param(
        CLOUDS,
        [(0.75, failed("eu"))],
        (Run("device", 1.0), Wake(1.0)),
        id="a leg whose time is over already is passed by",
    ),
    pytest.param(
        DEVICE_ALONE,
        [(1.0, Woke())],
        (Cancel("device"), Finish(Outcome(Ending.DEADLINE_EXCEEDED, None, (timed_out("device"),)))),
        id="the deadline: cancelled, exceeded",
    ),
    pytest.param(
        CLOUD_FIRST,
        [(5.0, failed("cloud"))],
        (Finish(Outcome(Ending.DEADLINE_EXCEEDED, None, (failure("cloud"),))),),
        id="fails after the deadline: nothing more is started",
    ),
    pytest.param(
        DEVICE_ALONE,
        [(1.5, Succeeded("device"))],
        (Finish(answered("device", late=True)),),
        id="an answer that could not be interrupted is late",
    ),
    pytest.param(
        CLOUD_FIRST,
        [(0.1, Cancelled())],
        (Cancel("cloud"), Finish(Outcome(Ending.CANCELLED, None, ()))),
        id="cancelled",
    ),
    # -- an escalation
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.81))],
        (Finish(answered("device", certain=True, score=0.81)),),
        id="certain: kept",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.8))],
        (Run("cloud", BACK, Role.ESCALATION), Wake(BACK)),
        id="on the threshold is not above it: escalated",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", None))],
        (Run("cloud", BACK, Role.ESCALATION), Wake(BACK)),
        id="no score: escalated",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", math.nan))],
        (Run("cloud", BACK, Role.ESCALATION), Wake(BACK)),
        id="NaN: escalated",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.5)), (0.2, Succeeded("cloud"))],
        (Finish(answered("cloud", escalated=True, score=0.5, role=Role.ESCALATION)),),
        id="the escalation answers",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.5)), (0.2, failed("cloud"))],
        (Finish(answered("device", failure("cloud"), escalated=True, certain=False, score=0.5)),),
        id="the escalation fails: the held answer",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.5)), (BACK, Woke())],
        (Cancel("cloud"), Finish(answered("device", timed_out("cloud"), escalated=True, certain=False, score=0.5))),
        id="the escalation's time is over: the held answer",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.5)), (2.0, Woke())],
        (
            Cancel("cloud"),
            Finish(answered("device", timed_out("cloud"), escalated=True, certain=False, score=0.5, late=True)),
        ),
        id="woken long after the deadline: the held answer, late",
    ),
    pytest.param(
        ESCALATING,
        [(BACK, Succeeded("device", 0.5))],
        (Finish(answered("device", certain=False, score=0.5)),),
        id="no time to escalate: kept, uncertain",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.5)), (0.2, Cancelled())],
        (Cancel("cloud"), Finish(Outcome(Ending.CANCELLED, None, (), escalated=True))),
        id="cancelled while it escalates",
    ),
    pytest.param(
        ESCALATING,
        [(0.1, failed("device")), (0.2, Succeeded("cloud"))],
        (Finish(answered("cloud", failure("device"))),),
        id="the device fails: the remote answers in its place, nothing escalates",
    ),
    pytest.param(
        Plan((Leg("cloud", 0.3), Leg("device")), Escalation("cloud", 0.8)),
        [(0.1, failed("cloud")), (0.2, Succeeded("device", 0.5))],
        (Finish(answered("device", failure("cloud"), certain=False, score=0.5)),),
        id="who failed already is not asked again",
    ),
    pytest.param(
        Plan((Leg("eu", 0.3), Leg("device")), Escalation("us", 0.8)),
        [(0.1, failed("eu", security=True)), (0.2, Succeeded("device", 0.5))],
        (Finish(answered("device", failure("eu", security=True), certain=False, score=0.5)),),
        id="after a security failure nothing escalates",
    ),
    # -- the device as a backup
    pytest.param(BACKED_UP, [], (Run("cloud", 1.0), Wake(0.7)), id="the cloud has until the deadline"),
    pytest.param(BACKED_UP, [(0.7, Woke())], (BACKUP, Wake(1.0)), id="the device starts beside it in time"),
    pytest.param(
        Plan((Leg("cloud"), Leg("device")), backup=Backup(1.5)),
        [],
        (Run("cloud", 1.0), BACKUP, Wake(1.0)),
        id="both start at once where the deadline is that near",
    ),
    pytest.param(
        BACKED_UP,
        [(0.7, Woke()), (0.75, Succeeded("cloud"))],
        (Cancel("device"), Finish(answered("cloud", overtaken=("device",)))),
        id="the cloud is first: the device is stopped",
    ),
    pytest.param(
        BACKED_UP,
        [(0.7, Woke()), (0.75, Succeeded("device"))],
        (Cancel("cloud"), Finish(answered("device", timed_out("cloud"), role=Role.BACKUP))),
        id="the device is first: the cloud is stopped, and had its time",
    ),
    pytest.param(
        BACKED_UP, [(0.7, Woke()), (0.75, failed("cloud"))], (Wake(1.0),), id="the cloud fails: the device goes on"
    ),
    pytest.param(
        BACKED_UP, [(0.7, Woke()), (0.75, failed("device"))], (Wake(1.0),), id="the device fails: the cloud goes on"
    ),
    pytest.param(
        BACKED_UP,
        [(0.7, Woke()), (0.75, failed("device")), (0.8, failed("cloud"))],
        (Finish(Outcome(Ending.FAILED, None, (failure("device"), failure("cloud")))),),
        id="both fail, neither is asked again",
    ),
    pytest.param(
        BACKED_UP,
        [(0.2, failed("cloud"))],
        (Run("device", 1.0), Wake(1.0)),
        id="the cloud fails early: the device's turn, and no backup",
    ),
    pytest.param(
        BACKED_UP,
        [(0.7, Woke()), (1.0, Woke())],
        (
            Cancel("device"),
            Cancel("cloud"),
            Finish(Outcome(Ending.DEADLINE_EXCEEDED, None, (timed_out("cloud"), timed_out("device")))),
        ),
        id="the deadline stops both",
    ),
    pytest.param(
        HOLDING,
        [(0.7, Woke()), (0.75, Succeeded("device"))],
        (Wake(BACK),),
        id="where it holds, the cloud has its time",
    ),
    pytest.param(
        HOLDING,
        [(0.7, Woke()), (0.75, Succeeded("device")), (0.8, Succeeded("cloud"))],
        (Finish(answered("cloud")),),
        id="and answers after all",
    ),
    pytest.param(
        HOLDING,
        [(0.7, Woke()), (0.75, Succeeded("device")), (BACK, Woke())],
        (Cancel("cloud"), Finish(answered("device", timed_out("cloud"), role=Role.BACKUP))),
        id="or does not: the held answer",
    ),
    pytest.param(
        HOLDING,
        [(0.7, Woke()), (0.75, Succeeded("device")), (0.8, failed("cloud"))],
        (Finish(answered("device", failure("cloud"), role=Role.BACKUP)),),
        id="or fails: the held answer at once",
    ),
    pytest.param(
        CERTAIN_BACKUP,
        [(0.7, Woke()), (0.75, Succeeded("device", 0.9))],
        (Cancel("cloud"), Finish(answered("device", timed_out("cloud"), certain=True, score=0.9, role=Role.BACKUP))),
        id="a certain answer is never held",
    ),
    pytest.param(
        CERTAIN_BACKUP,
        [(0.7, Woke()), (0.75, Succeeded("device", 0.5)), (BACK, Woke())],
        (Cancel("cloud"), Finish(answered("device", timed_out("cloud"), certain=False, score=0.5, role=Role.BACKUP))),
        id="an uncertain one is",
    ),
    # -- a hedge
    pytest.param(HEDGED, [], (Run("eu", 0.6), Wake(0.1)), id="a hedge waits for the first leg"),
    pytest.param(HEDGED, [(0.1, Woke())], (Run("us", 1.0, Role.HEDGE), Wake(0.6)), id="then asks the next one as well"),
    pytest.param(
        HEDGED,
        [(0.1, Woke()), (0.2, Succeeded("us"))],
        (Cancel("eu"), Finish(answered("us", role=Role.HEDGE, overtaken=("eu",)))),
        id="the hedge is first",
    ),
    pytest.param(
        HEDGED,
        [(0.1, Woke()), (0.2, Succeeded("eu"))],
        (Cancel("us"), Finish(answered("eu", overtaken=("us",)))),
        id="the first leg is first after all",
    ),
    pytest.param(
        HEDGED, [(0.1, Woke()), (0.2, failed("eu"))], (Wake(0.7),), id="the first leg fails: the hedge goes on"
    ),
    pytest.param(
        HEDGED, [(0.1, Woke()), (0.1, Withheld("us"))], (Wake(0.6),), id="withheld: the first leg goes on alone"
    ),
    pytest.param(
        HEDGED,
        [(0.1, Woke()), (0.1, Withheld("us")), (0.2, failed("eu"))],
        (Run("us", 1.0), Wake(0.7)),
        id="and its turn as a leg comes all the same",
    ),
    pytest.param(
        HEDGED,
        [(0.05, failed("eu"))],
        (Run("us", 1.0), Wake(0.7)),
        id="the first leg fails before: nothing is hedged any more",
    ),
    pytest.param(
        HEDGED,
        [(0.1, Woke()), (0.2, failed("eu", security=True))],
        (Cancel("us"), Run("device", 1.0), Wake(1.0)),
        id="a security failure stops the hedge too: the device",
    ),
    pytest.param(
        HEDGED,
        [(0.1, Woke()), (0.6, Woke()), (0.7, Woke())],
        (BACKUP, Wake(1.0)),
        id="a backup starts beside a hedge",
    ),
    pytest.param(
        DEVICE_HEDGED,
        [(0.1, Woke()), (0.2, Succeeded("device", 0.5))],
        (Wake(BACK),),
        id="an uncertain device whose hedge runs has escalated already",
    ),
    pytest.param(
        DEVICE_HEDGED,
        [(0.1, Woke()), (0.2, Succeeded("device", 0.5)), (BACK, Woke())],
        (Cancel("cloud"), Finish(answered("device", timed_out("cloud"), escalated=True, certain=False, score=0.5))),
        id="which does not come back: the held answer",
    ),
    pytest.param(
        DEVICE_HEDGED,
        [(0.1, Woke()), (0.2, Succeeded("device", 0.9))],
        (Cancel("cloud"), Finish(answered("device", certain=True, score=0.9, overtaken=("cloud",)))),
        id="a certain device needs no hedge",
    ),
    # -- a retry
    pytest.param(RETRIED, [(0.1, unreached("cloud"))], (Wake(0.125),), id="out of reach: a pause"),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud")), (0.125, Woke())],
        (Run("cloud", 1.0, Role.RETRY), Wake(1.0)),
        id="then it is asked again",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud")), (0.125, Woke()), (0.2, unreached("cloud"))],
        (Wake(0.25),),
        id="the next pause may be twice as long",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud")), (0.125, Woke()), (0.2, Succeeded("cloud"))],
        (Finish(answered("cloud", failure("cloud"), role=Role.RETRY)),),
        id="it answers",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud")), (0.2, Woke()), (0.2, unreached("cloud")), (0.3, Woke()), (0.3, unreached("cloud"))],
        (Finish(Outcome(Ending.FAILED, None, (failure("cloud"),) * 3)),),
        id="no more often than planned",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud", again_s=0.5))],
        (Wake(0.6),),
        id="a target that says when to come again is not asked before",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud", again_s=2.0))],
        (Finish(Outcome(Ending.FAILED, None, (failure("cloud"),))),),
        id="which is too late: failed at once",
    ),
    pytest.param(
        RETRIED,
        [(0.1, failed("cloud"))],
        (Finish(Outcome(Ending.FAILED, None, (failure("cloud"),))),),
        id="never again, it said",
    ),
    pytest.param(
        RETRIED,
        [(0.1, Failed(failure("cloud", "INTERNAL"), 0.0, 0.5))],
        (Finish(Outcome(Ending.FAILED, None, (failure("cloud", "INTERNAL"),))),),
        id="what answered is not asked again",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud")), (0.125, Woke()), (0.125, Withheld("cloud"))],
        (Finish(Outcome(Ending.FAILED, None, (failure("cloud"),))),),
        id="withheld: as if it had failed for good",
    ),
    pytest.param(
        RETRIED,
        [(0.1, unreached("cloud")), (0.11, Cancelled())],
        (Finish(Outcome(Ending.CANCELLED, None, (failure("cloud"),))),),
        id="cancelled in the pause",
    ),
    pytest.param(
        Plan((Leg("cloud"), Leg("device")), retry=Retry(2, 0.05, 1.0)),
        [(0.1, unreached("cloud"))],
        (Run("device", 1.0), Wake(1.0)),
        id="somebody else is there to ask: no retry",
    ),
    pytest.param(
        RETRIED_ESCALATION,
        [(0.1, Succeeded("device", 0.5)), (0.2, unreached("cloud"))],
        (Wake(0.225),),
        id="an escalation is tried again, with the answer held",
    ),
    pytest.param(
        RETRIED_ESCALATION,
        [(0.1, Succeeded("device", 0.5)), (0.2, unreached("cloud")), (0.225, Woke()), (0.3, unreached("cloud"))],
        (Finish(answered("device", *(failure("cloud"),) * 2, escalated=True, certain=False, score=0.5)),),
        id="and then the held answer",
    ),
    # -- what is not for the one that runs
    pytest.param(CLOUD_FIRST, [(0.1, Succeeded("device"))], (), id="an answer of another leg"),
    pytest.param(CLOUD_FIRST, [(0.1, failed("device"))], (), id="a failure of another leg"),
    pytest.param(CLOUD_FIRST, [(0.7, Woke()), (0.71, Succeeded("cloud"))], (), id="an answer after its time was over"),
]


@pytest.mark.parametrize(("plan", "events", "commands"), ROWS)
def test_transitions(plan: Plan, events: list[tuple[float, Event]], commands: tuple[Command, ...]) -> None:
    _, given = run(plan, *events)
    assert given[-1] == commands


def test_a_deadline_that_has_passed_asks_nobody() -> None:
    state, given = run(DEVICE_ALONE, begun_at=1.0)
    assert state.finished
    assert given == [(Finish(Outcome(Ending.DEADLINE_EXCEEDED, None, ())),)]


@pytest.mark.parametrize(
    "event", [Succeeded("device", 1.0), failed("device"), Woke(), Cancelled()], ids=lambda event: type(event).__name__
)
def test_after_it_finished_nothing_happens(event: Event) -> None:
    state, _ = run(DEVICE_ALONE, (0.1, Succeeded("device")))
    assert step(state, event, 0.2) == (state, ())


def test_failures_are_told_in_their_order() -> None:
    _, given = run(CLOUDS, (0.1, failed("eu")), (0.2, failed("us", "OVERLOADED")), (0.3, Succeeded("device")))
    assert [f.target for f in outcome_of(given[-1]).failures] == ["eu", "us"]
