"""What holds of every attempt, whatever the plan, the events and the clock, orderly or not."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from router.attempt import (
    Cancel,
    Cancelled,
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
from router.plan import Plan
from router.types import DEVICE
from tests.properties.effort import tries
from tests.properties.strategies import NAMES, plans

DEADLINE = 1.0

scores = st.one_of(st.none(), st.just(math.nan), st.floats(0, 1))
failures = st.builds(
    Failure, st.sampled_from(NAMES), st.sampled_from(["UNAVAILABLE", "INTERNAL"]), security=st.booleans()
)
events = st.one_of(
    st.builds(Succeeded, st.sampled_from(NAMES), scores),
    st.builds(Failed, failures),
    st.just(Woke()),
    st.just(Woke()),
    st.just(Cancelled()),
)
steps = st.lists(st.tuples(events, st.floats(0, 0.4)), max_size=12)


def _addressed(event: Event, running: str | None) -> Event:
    """Return most events as the running target's own: strangers' change nothing, and would hide the rest."""
    if running is None:
        return event
    if isinstance(event, Succeeded) and event.target != NAMES[-1]:
        return Succeeded(running, event.score)
    if isinstance(event, Failed) and event.failure.target != NAMES[-1]:
        return Failed(Failure(running, event.failure.code, security=event.failure.security))
    return event


class Witness:
    """Follows an attempt's commands and holds what must never be."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.running: str | None = None
        self.asked: list[str] = []
        self.fed: list[Event] = []
        self.outcome: Outcome | None = None
        self.distrusts = False

    def sees(self, event: Event | None, commands: tuple[object, ...], now: float) -> None:
        if self.outcome is not None:
            assert commands == (), "something happened after the end"
            return
        if isinstance(event, Succeeded) and event.target == self.running:
            self.running = None
        if isinstance(event, Failed) and event.failure.target == self.running:
            self.distrusts |= event.failure.security
            self.running = None
        for command in commands:
            assert self.outcome is None, "Finish is not the last command"
            if isinstance(command, Cancel):
                assert command.target == self.running, "only what runs is cancelled"
                self.running = None
            elif isinstance(command, Run):
                assert self.running is None, "two things run at a time"
                assert now < DEADLINE, "something was started after the deadline"
                assert now < command.until <= DEADLINE
                assert command.target in self.plan.targets
                assert command.target not in self.asked, "a target was asked twice"
                assert not (self.distrusts and command.target != DEVICE), "another endpoint after a security failure"
                self.running = command.target
                self.asked.append(command.target)
            elif isinstance(command, Finish):
                self.outcome = command.outcome
        if self.outcome is None:
            assert self.running is not None, "nothing runs, and it has not ended"
        else:
            assert self.running is None, "something was left running"


def _drive(plan: Plan, given_steps: list[tuple[Event, float]], begun_at: float) -> Witness:
    """Feed the events, whatever they are; then wake it as it asks, until it ends."""
    witness = Witness(plan)
    state, commands = begin(plan, DEADLINE, begun_at)
    now = begun_at
    witness.sees(None, commands, now)
    wake_at = math.inf
    for event, pause_s in given_steps:
        wake_at = next((command.at for command in commands if isinstance(command, Wake)), wake_at)
        now += pause_s
        event = _addressed(event, witness.running)
        witness.fed.append(event)
        state, commands = step(state, event, now)
        witness.sees(event, commands, now)
    for _ in range(2 * len(NAMES) + 2):
        wake_at = next((command.at for command in commands if isinstance(command, Wake)), wake_at)
        if witness.outcome is None:
            now = max(now, wake_at)
            state, commands = step(state, Woke(), now)
            witness.sees(Woke(), commands, now)
    assert witness.outcome is not None, "it never ended"
    assert state.finished
    return witness


@tries(400)
@given(plans(), steps, st.sampled_from([0.0, 0.0, 0.5, 0.999, 1.0, 2.0]))
def test_it_ends_once_runs_one_thing_at_a_time_and_starts_nothing_late_or_distrusted(
    plan: Plan, given_steps: list[tuple[Event, float]], begun_at: float
) -> None:
    _drive(plan, given_steps, begun_at)


@tries(400)
@given(plans(), steps)
def test_an_answer_is_of_somebody_who_gave_one_and_certain_only_by_its_score(
    plan: Plan, given_steps: list[tuple[Event, float]]
) -> None:
    witness = _drive(plan, given_steps, 0.0)
    outcome = witness.outcome
    assert outcome is not None
    if outcome.ending is not Ending.ANSWERED:
        assert outcome.target is None
        return
    assert any(isinstance(event, Succeeded) and event.target == outcome.target for event in witness.fed)
    if outcome.certain is True:
        assert plan.escalation is not None
        assert outcome.score is not None
        assert outcome.score > plan.escalation.below
        assert outcome.target == DEVICE
    if outcome.certain is False:
        assert outcome.target == DEVICE


@tries(400)
@given(plans(), steps)
def test_once_the_device_has_answered_only_the_caller_can_lose_that_answer(
    plan: Plan, given_steps: list[tuple[Event, float]]
) -> None:
    state, commands = begin(plan, DEADLINE, 0.0)
    answered_by_device = False
    now = 0.0
    for event, pause_s in given_steps:
        now += pause_s
        event = _addressed(event, state.running)
        if state.running == DEVICE and isinstance(event, Succeeded) and event.target == DEVICE:
            answered_by_device = True
        state, commands = step(state, event, now)
        for command in commands:
            if isinstance(command, Finish) and answered_by_device:
                assert command.outcome.ending is (Ending.CANCELLED if isinstance(event, Cancelled) else Ending.ANSWERED)


@tries(200)
@given(plans(), steps)
def test_equal_steps_give_equal_commands(plan: Plan, given_steps: list[tuple[Event, float]]) -> None:
    one, other = begin(plan, DEADLINE, 0.0), begin(plan, DEADLINE, 0.0)
    now = 0.0
    for event, pause_s in given_steps:
        now += pause_s
        event = _addressed(event, one[0].running)
        assert repr(one) == repr(other)  # NaN scores are not equal to themselves
        one, other = step(one[0], event, now), step(other[0], event, now)
