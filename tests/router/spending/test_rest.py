"""What is kept of a radio's rest is what anybody would find who looked anew."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from router.spending.radio import IDLE_STEPS_S, idle_step, next_step_at
from router.spending.rest import Rests
from router.types import Radio
from tests.router.situations import policy_of

POLICY = policy_of("[worth]\njoule = 0.001\n")
instants = st.floats(0.0, 1e9)
steps = st.sampled_from(IDLE_STEPS_S)


@given(instants, st.lists(st.tuples(steps, st.floats(-0.2, 0.2)), min_size=2, max_size=6))
def test_a_rest_is_the_same_whoever_asked_before(used_at: float, after: list[tuple[float, float]]) -> None:
    radio, rests = Radio("cellular", used_at, (0.5, 3.0)), Rests()
    for now in sorted(used_at + max(0.0, step + more) for step, more in after):
        assert rests.of(POLICY, radio, now) == Rests().of(POLICY, radio, now)


def test_another_radio_and_an_earlier_instant_are_looked_at_anew() -> None:
    rests, radio = Rests(), Radio("cellular", 100.0, (0.5, 3.0))
    asleep = rests.of(POLICY, radio, 150.0)
    assert rests.of(POLICY, radio, 100.0) == Rests().of(POLICY, radio, 100.0) != asleep
    used = Radio("cellular", 149.0, (0.5, 3.0))
    assert rests.of(POLICY, used, 150.0) == Rests().of(POLICY, used, 150.0) != asleep


@given(instants, steps, st.integers(-3, 3))
def test_before_the_next_step_a_radio_has_not_reached_it(used_at: float, reached: float, ulps: int) -> None:
    radio = Radio("cellular", used_at, ())
    step = idle_step(radio, used_at + reached)
    now = next_step_at(radio, step)
    for _ in range(abs(ulps)):
        now = math.nextafter(now, math.copysign(math.inf, ulps))
    if used_at + reached <= now < next_step_at(radio, step):
        assert idle_step(radio, now) == step


def test_a_radio_that_was_never_used_reaches_no_step() -> None:
    assert next_step_at(Radio("cellular", None, ()), -1) == math.inf
