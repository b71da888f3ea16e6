"""The table in the machine's docstring, row by row."""

from __future__ import annotations

import math

import pytest

from router.attempt import (
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
    Run,
    Succeeded,
    Wake,
    Woke,
    begin,
    step,
)
from router.plan import Escalation, Leg, Plan

DEADLINE = 1.0
DEVICE_ALONE = Plan((Leg("device"),))
CLOUD_FIRST = Plan((Leg("cloud", 0.3), Leg("device")))
CLOUDS = Plan((Leg("eu", 0.5), Leg("us", 0.3), Leg("device")))
ESCALATING = Plan((Leg("device"), Leg("cloud")), Escalation("cloud", 0.8))
BACK = DEADLINE - HAND_BACK_S


def failure(target: str, code: str = "UNAVAILABLE", *, security: bool = False) -> Failure:
    return Failure(target, code, security=security)


def failed(target: str, code: str = "UNAVAILABLE", *, security: bool = False) -> Failed:
    return Failed(failure(target, code, security=security))


def timed_out(target: str) -> Failure:
    return Failure(target, "DEADLINE_EXCEEDED", "no answer in its share of the deadline")


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
        (Run("cloud", BACK), Wake(BACK)),
        id="on the threshold is not above it: escalated",
    ),
    pytest.param(
        ESCALATING, [(0.1, Succeeded("device", None))], (Run("cloud", BACK), Wake(BACK)), id="no score: escalated"
    ),
    pytest.param(
        ESCALATING, [(0.1, Succeeded("device", math.nan))], (Run("cloud", BACK), Wake(BACK)), id="NaN: escalated"
    ),
    pytest.param(
        ESCALATING,
        [(0.1, Succeeded("device", 0.5)), (0.2, Succeeded("cloud"))],
        (Finish(answered("cloud", escalated=True)),),
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
