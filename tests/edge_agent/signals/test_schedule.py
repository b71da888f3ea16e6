"""When a source is due."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.signals.schedule import is_due, pause_s

NEVER = -math.inf


@pytest.mark.parametrize(
    ("now", "last_at", "wanted_at", "due", "pause"),
    [
        pytest.param(0.0, NEVER, None, True, 0.0, id="never_read"),
        pytest.param(9.9, 0.0, None, False, 0.1, id="within_the_interval"),
        pytest.param(10.0, 0.0, None, True, 0.0, id="at_the_interval"),
        pytest.param(500.0, 0.0, None, True, 0.0, id="long_after_the_interval"),
        pytest.param(0.0, NEVER, NEVER, False, 10.0, id="never_wanted"),
        pytest.param(0.0, NEVER, -5.0, True, 0.0, id="wanted_and_never_read"),
        pytest.param(20.0, 5.0, 5.0, False, 10.0, id="not_wanted_since_it_was_read"),
        pytest.param(20.0, 5.0, 6.0, True, 0.0, id="wanted_since_it_was_read"),
        pytest.param(7.0, 5.0, 6.0, False, 8.0, id="wanted_again_within_the_interval"),
    ],
)
def test_a_source_is_due_after_its_interval_and_where_it_waits_for_a_demand_after_one(
    now: float, last_at: float, wanted_at: float | None, due: bool, pause: float
) -> None:
    assert is_due(now, 10.0, last_at, wanted_at) is due
    assert pause_s(now, 10.0, last_at, wanted_at) == pytest.approx(pause)


times = st.floats(0, 1e6)


@given(
    steps=st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=50),
    interval_s=st.floats(0.01, 20),
)
def test_readings_are_an_interval_apart_and_each_answers_a_demand_of_its_own(
    steps: list[tuple[float, bool]], interval_s: float
) -> None:
    now, last_at, wanted_at = 0.0, NEVER, NEVER
    reads: list[float] = []
    demands = 0
    for seconds, wanted in steps:
        now += seconds
        if wanted:
            wanted_at = now
            demands += 1
        if is_due(now, interval_s, last_at, wanted_at):
            last_at = now
            reads.append(now)
    assert len(reads) <= demands
    assert all(later >= earlier + interval_s for earlier, later in pairwise(reads))


@given(now=times, last_at=times, wanted_at=st.none() | times, interval_s=st.floats(0.01, 1000))
def test_a_pause_ends_and_is_never_longer_than_it_takes_to_be_due(
    now: float, last_at: float, wanted_at: float | None, interval_s: float
) -> None:
    pause = pause_s(now, interval_s, last_at, wanted_at)
    assert (pause == 0) is is_due(now, interval_s, last_at, wanted_at)
    assert pause <= max(interval_s, last_at + interval_s - now)
