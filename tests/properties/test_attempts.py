"""What holds of every attempt, whatever the plan, the events and the clock, orderly or not."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.plan import Plan
from router.running.attempt import (
    HAND_BACK_S,
    Attempt,
    Cancel,
    Cancelled,
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
from router.types import DEVICE
from tests.properties.effort import tries
from tests.properties.strategies import NAMES, plans

DEADLINE = 1.0

scores = st.one_of(st.none(), st.just(math.nan), st.floats(0, 1))
failures = st.builds(
    Failure, st.sampled_from(NAMES), st.sampled_from(["UNAVAILABLE", "UNAVAILABLE", "INTERNAL"]), security=st.booleans()
)
events = st.one_of(
    st.builds(Succeeded, st.sampled_from(NAMES), scores),
    st.builds(Failed, failures, st.sampled_from([None, 0.0, 0.0, 0.3]), st.floats(0, 0.999)),
    st.builds(Withheld, st.sampled_from(NAMES)),
    st.just(Woke()),
    st.just(Woke()),
    st.just(Cancelled()),
)
steps = st.lists(st.tuples(events, st.floats(0, 0.4), st.integers(0, 2)), max_size=12)
Steps = list[tuple[Event, float, int]]


def _addressed(event: Event, state: Attempt, which: int) -> Event:
    """Return most events as one of a target that runs: strangers' change nothing, and would hide the rest. Only a hedge
    and a retry are ever withheld."""
    runs = state.running
    if isinstance(event, Withheld):
        extra = [run.target for run in runs if run.role in (Role.HEDGE, Role.RETRY)]
        return Withheld(extra[0]) if extra else Woke()
    if not runs:
        return event
    running = runs[which % len(runs)].target
    if isinstance(event, Succeeded) and event.target != NAMES[-1]:
        return Succeeded(running, event.score)
    if isinstance(event, Failed) and event.failure.target != NAMES[-1]:
        failure = Failure(running, event.failure.code, security=event.failure.security)
        return Failed(failure, event.again_s, event.chance)
    return event


class Witness:
    """Follows an attempt's commands and holds what must never be."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.running: dict[str, Run] = {}
        self.asked: list[str] = []
        self.failed: list[str] = []
        self.fed: list[Event] = []
        self.outcome: Outcome | None = None
        self.distrusts = False
        self.wake_at = math.inf

    def sees(self, event: Event | None, commands: tuple[object, ...], now: float) -> None:
        if self.outcome is not None:
            assert commands == (), "something happened after the end"
            return
        if isinstance(event, Succeeded):
            self.running.pop(event.target, None)
        if isinstance(event, Failed) and self.running.pop(event.failure.target, None) is not None:
            self.failed.append(event.failure.target)
            self.distrusts |= event.failure.security
        if isinstance(event, Withheld) and self.running.pop(event.target, None) is not None:
            self.asked.remove(event.target)
        for command in commands:
            assert self.outcome is None, "Finish is not the last command"
            if isinstance(command, Cancel):
                assert command.target in self.running, "only what runs is cancelled"
                del self.running[command.target]
            elif isinstance(command, Run):
                self._starts(command, now)
            elif isinstance(command, Wake):
                assert command.at <= DEADLINE, "it would sleep through the deadline"
                self.wake_at = command.at
            elif isinstance(command, Finish):
                self.outcome = command.outcome
        assert not (self.distrusts and self.running.keys() - {DEVICE}), "an endpoint runs after a security failure"
        assert self.outcome is None or not self.running, "something was left running"

    def _starts(self, run: Run, now: float) -> None:
        assert now < DEADLINE, "something was started after the deadline"
        assert now < run.until <= DEADLINE
        assert run.target in self.plan.targets
        assert not (self.distrusts and run.target != DEVICE), "another endpoint after a security failure"
        if run.role is Role.RETRY:
            assert self.plan.retry is not None
            assert run.target in self.failed
            assert self.asked.count(run.target) < self.plan.retry.attempts, "a target was asked too often"
        else:
            assert run.target not in self.asked, "a target was asked twice"
        if run.role in (Role.LEG, Role.RETRY, Role.ESCALATION):
            assert not self.running, "a turn came while something ran"
        elif run.role is Role.HEDGE:
            assert len(self.running) == 1, "a hedge beside nothing, or beside two"
        else:
            assert run.target == DEVICE
            assert self.running, "a backup of nothing"
        self.running[run.target] = run
        self.asked.append(run.target)
        assert len(self.running) <= 3


def _drive(plan: Plan, given_steps: Steps, begun_at: float) -> Witness:
    """Feed the events, whatever they are; then wake it as it asks, until it ends."""
    witness = Witness(plan)
    state, commands = begin(plan, DEADLINE, begun_at)
    now = begun_at
    witness.sees(None, commands, now)
    for event, pause_s, which in given_steps:
        now += pause_s
        event = _addressed(event, state, which)
        witness.fed.append(event)
        state, commands = step(state, event, now)
        witness.sees(event, commands, now)
        assert state.finished or witness.running or state.again is not None, "nothing runs, and it has not ended"
    for _ in range(4 * len(NAMES) + 8):
        if witness.outcome is None:
            now = max(now, witness.wake_at)
            state, commands = step(state, Woke(), now)
            witness.sees(Woke(), commands, now)
    assert witness.outcome is not None, "it never ended"
    assert state.finished
    return witness


@pytest.mark.wide
@tries(400)
@given(plans(), steps, st.sampled_from([0.0, 0.0, 0.5, 0.999, 1.0, 2.0]))
def test_it_ends_once_asks_nobody_too_often_and_starts_nothing_late_or_distrusted(
    plan: Plan, given_steps: Steps, begun_at: float
) -> None:
    _drive(plan, given_steps, begun_at)


@pytest.mark.wide
@tries(400)
@given(plans(), steps)
def test_an_answer_is_of_somebody_who_gave_one_and_certain_only_by_its_score(plan: Plan, given_steps: Steps) -> None:
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


@pytest.mark.wide
@tries(400)
@given(plans(), steps)
def test_once_the_device_has_answered_only_the_caller_can_lose_that_answer(plan: Plan, given_steps: Steps) -> None:
    state, commands = begin(plan, DEADLINE, 0.0)
    answered_by_device = False
    now = 0.0
    for event, pause_s, which in given_steps:
        now += pause_s
        event = _addressed(event, state, which)
        runs_here = any(run.target == DEVICE for run in state.running)
        if runs_here and isinstance(event, Succeeded) and event.target == DEVICE:
            answered_by_device = True
        state, commands = step(state, event, now)
        for command in commands:
            if isinstance(command, Finish) and answered_by_device:
                assert command.outcome.ending is (Ending.CANCELLED if isinstance(event, Cancelled) else Ending.ANSWERED)


@pytest.mark.wide
@tries(200)
@given(plans(), steps)
def test_equal_steps_give_equal_commands(plan: Plan, given_steps: Steps) -> None:
    one, other = begin(plan, DEADLINE, 0.0), begin(plan, DEADLINE, 0.0)
    now = 0.0
    for event, pause_s, which in given_steps:
        now += pause_s
        event = _addressed(event, one[0], which)
        assert repr(one) == repr(other)  # NaN scores are not equal to themselves
        one, other = step(one[0], event, now), step(other[0], event, now)


@tries(400)
@given(plans(backed_up=True), steps)
@pytest.mark.wide
def test_while_its_backup_is_as_quick_as_believed_no_deadline_is_missed_whatever_the_others_do(
    plan: Plan, given_steps: Steps
) -> None:
    """As long as the device can be started in time, P(miss) is the device's own."""
    assert plan.backup is not None
    takes_s = plan.backup.before_s - HAND_BACK_S
    state, commands = begin(plan, DEADLINE, 0.0)
    now, wake_at, device_ends_at = 0.0, math.inf, math.inf
    others = iter(given_steps)
    for _ in range(60):
        for command in commands:
            if isinstance(command, Wake):
                wake_at = command.at
            elif isinstance(command, Run) and command.target == DEVICE:
                device_ends_at = now + takes_s
            elif isinstance(command, Finish):
                assert command.outcome.ending is Ending.ANSWERED
                assert now <= DEADLINE
                return
        event, pause_s, which = next(others, (Woke(), math.inf, 0))
        now = min(now + pause_s, max(now, wake_at), device_ends_at)
        if now == device_ends_at:
            event, device_ends_at = Succeeded(DEVICE, 0.5), math.inf
        elif now >= wake_at or isinstance(event, Cancelled):
            event = Woke()
        else:
            event = _addressed(event, state, which)
            if _target_of(event) == DEVICE:
                event = Woke()  # the device does as it is believed to, and nothing else
        state, commands = step(state, event, now)
    raise AssertionError("it never ended")


def _target_of(event: Event) -> str | None:
    if isinstance(event, Failed):
        return event.failure.target
    return event.target if isinstance(event, Succeeded | Withheld) else None
