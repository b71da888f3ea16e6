"""The breaker under calls that overlap, end in any order, or end long after their time."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from router.running import breaker
from router.running.breaker import CLOSED, BreakerSettings, BreakerState
from router.types import BreakerPhase
from tests.properties.effort import tries

SETTINGS = BreakerSettings(consecutive=3, min_calls=6, window_s=4.0, open_s=5.0, max_open_s=20.0, probes=2)
ALLOWED = {
    (BreakerPhase.CLOSED, BreakerPhase.OPEN),
    (BreakerPhase.OPEN, BreakerPhase.HALF_OPEN),
    (BreakerPhase.HALF_OPEN, BreakerPhase.CLOSED),
    (BreakerPhase.HALF_OPEN, BreakerPhase.OPEN),
}


@dataclass(frozen=True)
class Call:
    """One that was let through: in which epoch, and whether to probe."""

    epoch: int
    probes: bool


class Breaker(RuleBasedStateMachine):
    """One endpoint's breaker; every call that it admits is ended once, some time."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.state = CLOSED
        self.calls: list[Call] = []

    def _becomes(self, state: BreakerState) -> None:
        before, after = breaker.phase(self.state, self.now), breaker.phase(state, self.now)
        assert before is after or (before, after) in ALLOWED
        assert state.epoch - self.state.epoch == (after is BreakerPhase.OPEN and before is not after)
        self.state = state

    @rule(pause_s=st.sampled_from([0.0, 0.1, 1.0, 5.0, 30.0]))
    def time_passes(self, pause_s: float) -> None:
        before = breaker.phase(self.state, self.now)
        self.now += pause_s
        after = breaker.phase(self.state, self.now)
        assert before is after or (before, after) == (BreakerPhase.OPEN, BreakerPhase.HALF_OPEN)

    @rule()
    def call(self) -> None:
        could = breaker.admits(self.state, SETTINGS, self.now)
        admitted = breaker.admit(self.state, SETTINGS, self.now)
        assert could is (admitted is not None)
        if admitted is not None:
            self.calls.append(Call(admitted.epoch, admitted.open_until is not None))
            self._becomes(admitted)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0, 100), end=st.sampled_from(["succeeded", "failed", "failed", "abandoned"]))
    def a_call_ends(self, which: int, end: str) -> None:
        call = self.calls.pop(which % len(self.calls))
        before = self.state
        if end == "succeeded":
            self._becomes(breaker.succeeded(self.state, SETTINGS, self.now, call.epoch))
        elif end == "failed":
            self._becomes(breaker.failed(self.state, SETTINGS, self.now, call.epoch, chance=0.3))
        else:
            self._becomes(breaker.abandoned(self.state, call.epoch))
        if call.epoch != before.epoch:
            assert self.state is before

    @invariant()
    def no_more_probes_than_allowed(self) -> None:
        if breaker.phase(self.state, self.now) is not BreakerPhase.CLOSED:
            probing = sum(call.probes and call.epoch == self.state.epoch for call in self.calls)
            assert self.state.probing == probing <= SETTINGS.probes

    @invariant()
    def a_pause_is_never_longer_than_the_longest(self) -> None:
        if self.state.open_until is not None:
            assert self.state.open_until - self.now <= SETTINGS.max_open_s * (1 + SETTINGS.jitter) + 1e-9

    def teardown(self) -> None:
        """With the calls ended and the endpoint well again it closes, however it got here."""
        for call in self.calls:
            self.state = breaker.abandoned(self.state, call.epoch)
        self.now += SETTINGS.max_open_s * (1 + SETTINGS.jitter)
        admitted = breaker.admit(self.state, SETTINGS, self.now)
        assert admitted is not None
        closed = breaker.succeeded(admitted, SETTINGS, self.now, admitted.epoch)
        assert breaker.phase(closed, self.now) is BreakerPhase.CLOSED


TestBreaker = Breaker.TestCase
TestBreaker.settings = tries(80, stateful_step_count=50)
