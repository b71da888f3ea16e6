"""The least of a quantity in a stretch of time, however finely it is written down."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from router.simulate.curve import Steps

POINTS = st.lists(
    st.tuples(st.integers(0, 40), st.integers(-5, 5)), min_size=1, max_size=12, unique_by=lambda point: point[0]
).map(sorted)


@given(POINTS, st.sampled_from([math.inf, 41.0, 50.0]), st.integers(0, 150), st.integers(0, 120))
def test_it_is_the_least_of_what_holds_there(
    points: list[tuple[float, float]], period_s: float, start: int, lasts: int
) -> None:
    steps = Steps(points, period_s)
    assert steps.least(start, start + lasts) == min(steps.at(at) for at in range(start, start + max(1, lasts)))
