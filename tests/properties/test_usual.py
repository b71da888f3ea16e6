"""The shortcut for what usually comes of a plan is none: it ends attempts exactly as the machine does."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.choosing.plan import Plan
from router.choosing.usual import usual
from router.running.attempt import Event, Failed, Failure, Finish, Run, Succeeded, Wake, begin, step
from router.types import DEVICE
from tests.properties.effort import tries
from tests.properties.strategies import plans

scores = st.one_of(st.none(), st.just(math.nan), st.floats(0, 1))
told = st.one_of(
    st.builds(Succeeded, st.just(DEVICE), scores),
    st.just(Failed(Failure(DEVICE, "INTERNAL"))),
)


@pytest.mark.wide
@given(plans(), told, st.floats(0.0, 3.0), st.floats(0.0, 3.0), st.floats(0.0, 3.0))
@tries(300)
def test_an_attempt_ends_as_usual_only_where_the_machine_ends_it_so(
    plan: Plan, event: Event, begun_at: float, taken_s: float, left_s: float
) -> None:
    deadline, now = begun_at + left_s, begun_at + taken_s
    found = usual(plan)
    if found is None or deadline - begun_at <= found.reserve_s:
        return
    ended = found.ends(event, now, deadline)
    state, begun = begin(plan, deadline, begun_at)
    assert isinstance(begun[0], Run)
    assert begun[0].target == DEVICE
    assert all(isinstance(command, Wake) for command in begun[1:])
    if ended is not None:
        _, commands = step(state, event, now)
        assert commands == (Finish(ended),)


@pytest.mark.wide
@given(plans(), scores, st.floats(0.0, 0.9))
@tries(300)
def test_where_the_machine_would_finish_at_once_on_the_devices_certain_answer_that_is_usual(
    plan: Plan, score: float | None, taken_s: float
) -> None:
    state, begun = begin(plan, 100.0, 0.0)
    first, *others = begun
    if not isinstance(first, Run) or first.target != DEVICE or not all(isinstance(other, Wake) for other in others):
        return
    _, commands = step(state, Succeeded(DEVICE, score), taken_s)
    found = usual(plan)
    ended = None if found is None else found.ends(Succeeded(DEVICE, score), taken_s, 100.0)
    last = commands[-1]
    plain = len(commands) == 1 and isinstance(last, Finish) and last.outcome.certain is not False
    assert (ended is not None) == plain
