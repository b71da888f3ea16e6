"""The least that a day in a simulated world could have cost anybody who knew it beforehand, but for who is right. Pure.

Dynamic programming over the requests, with the radio (when it was last used) and the device's queue (until when it is
busy) as the state; horizon.py does the arithmetic, and prices what is budgeted, foresight.py says what each request
meets at best. It is a bound: whatever is not followed from one request to the next is taken at its best, and what is
followed in steps is rounded to where it costs less.

Every request ends in one of these ways, each no dearer than any real plan that ends so:

    device              at once, behind the runs before it
    device, radio used  the same, and the radio is awake for what follows: a call that came to nothing, or a wake
    device, later       after the next request has come, behind a call that came to nothing, taking nobody's place
    a remote target     from the best moment on, waking the radio where it sleeps
    remote, later       after the next request has come, which may have woken the radio
    nobody              it fails at once, or at its deadline, and the radio may be awake from it"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from router.rules.policy import Policy, Worth
from router.simulate.foresight import ROUNDING_S, Ahead, foresee
from router.simulate.horizon import Move, Path, Reached, State, least_cost_within
from router.simulate.use import NEVER
from router.simulate.way import Way
from router.simulate.world import Setting

__all__ = ["least_possible"]

# A state is (when the radio was last used, at the latest; until when the device is busy, at the least).
_LONG_AGO: Final = -1e300
_FREE: Final = -math.inf
# The device's queue is followed in steps of a run's eighth, or of so much of the deadline where that is more.
_RUN_STEPS: Final = 8
_DEADLINE_STEPS: Final = 128
# How late a call may end at no cost of time, of what is left until its deadline; see _Ask._remote.
_SLACK: Final = 1 / 8
# What sums of so many terms may come to too much.
_ROUNDING: Final = 1e-9


def least_possible(
    setting: Setting, policy: Policy, seed: int, *, beside: Sequence[Policy] = (), budgets: Sequence[float] = ()
) -> float:
    """Return a bound from below on what all requests of the scenario together cost, by the policy's worth.

    Nobody gets below it, by whatever rule, who lets no label be seen by more targets, retries no more often, and audits
    and wakes the radio only as the policy or one of those `beside` it does. `budgets`: joules, dollars and megabytes
    that may be spent in all; infinite ones do not bind."""
    binding = tuple(index for index, budget in enumerate(budgets) if budget < math.inf)
    stages = [_Ask(ahead, policy.worth, binding) for ahead in foresee(setting, [policy, *beside], seed)]
    last = [_Last(stages[-1].tail_j, policy.worth, binding)] if stages else []
    least = least_cost_within([*stages, *last], (NEVER, _FREE), [budgets[index] for index in binding], thin=_thin)
    return least - _ROUNDING * math.fabs(least)


def _thin(reached: Reached) -> Reached:
    """Keep a state where no other that costs as little has used the radio as lately and has the device as free."""
    kept: list[tuple[float, float]] = []
    left: Reached = {}
    for state, path in sorted(reached.items(), key=_priced):
        used_at, busy_until = state
        # A radio that was never used owes no tail: that is nothing a later use makes up for.
        if any(lately >= used_at and free <= busy_until and used_at > NEVER for lately, free in kept):
            continue
        kept.append((used_at, busy_until))
        left[state] = path
    return left


def _priced(entry: tuple[State, Path]) -> float:
    return entry[1].priced


class _Ask:
    """One request, as horizon.Stage wants it."""

    __slots__ = ("_ahead", "_binding", "_late", "_nobody", "_worth", "tail_j")

    def __init__(self, ahead: Ahead, worth: Worth, binding: tuple[int, ...]) -> None:
        self._ahead = ahead
        self._worth = worth
        self._binding = binding
        self._late = ahead.deadline + ROUNDING_S
        lasts_s = ahead.deadline - ahead.at
        self._nobody = min(worth.failed_request, worth.missed_deadline + worth.second * lasts_s)
        self.tail_j = ahead.tail_j

    def moves(self, state: State) -> Iterator[Move]:
        """See horizon.Stage."""
        used_at, busy_until = state
        yield self._move(self._nobody, 0.0, 0.0, 0.0, used_at, busy_until)
        for waking in self._ahead.wakings:
            used_until = max(used_at, waking.used_until)
            yield self._move(self._nobody, waking.joules(used_at), 0.0, 0.0, used_until, busy_until)
        if self._ahead.run is not None:
            yield from self._on_device(used_at, busy_until)
        for way in self._ahead.ways:
            yield from self._remote(way, used_at, busy_until)

    def _on_device(self, used_at: float, busy_until: float) -> Iterator[Move]:
        ahead, run = self._ahead, self._ahead.run
        assert run is not None
        wrong = self._worth.wrong_answer * run.p_wrong
        ends = max(ahead.at, busy_until) + run.run_s
        if ends <= self._late:
            cost = wrong + self._worth.second * (ends - ahead.at)
            busy = self._busy(ends)
            yield self._move(cost, run.joules, 0.0, 0.0, used_at, busy)
            for waking in ahead.wakings:
                joules = run.joules + waking.joules(used_at)
                yield self._move(cost, joules, 0.0, 0.0, max(used_at, waking.used_until), busy)
        later = ahead.next_at + run.run_s
        if later > self._late:
            return
        cost = wrong + self._worth.second * (later - ahead.at)
        if ahead.next_comes_at_once:
            yield self._move(cost, run.joules, 0.0, 0.0, used_at, busy_until)
            return
        for use in ahead.uses:
            joules = run.joules + use.joules(used_at)
            yield self._move(cost, joules, 0.0, 0.0, max(used_at, use.used_until), busy_until)

    def _remote(self, way: Way, used_at: float, busy_until: float) -> Iterator[Move]:
        ahead, worth = self._ahead, self._worth
        wrong = worth.wrong_answer * way.p_wrong
        ends, joules = way.asked(used_at)
        if ends <= self._late:
            # It may end later than at best, and the radio has then been used for longer: a little later at no cost of
            # time, or until the deadline at what that little costs.
            little = ends + (ahead.deadline - ends) * _SLACK
            for taken_until, used_until in ((ends, little), (little, way.used_until)):
                cost = wrong + worth.second * (taken_until - ahead.at)
                yield self._move(cost, joules, way.usd, way.megabytes, max(used_at, used_until), busy_until)
        later = way.ends(max(way.start, ahead.next_at)) if ahead.next_at < ahead.deadline else math.inf
        if later <= self._late:
            cost = wrong + worth.second * (later - ahead.at)
            used_until = max(used_at, way.used_until)
            yield self._move(cost, way.moved_j, way.usd, way.megabytes, used_until, busy_until)

    def _busy(self, ends: float) -> float:
        ahead, run = self._ahead, self._ahead.run
        if not ahead.queues or run is None:
            return _FREE
        step_s = max(run.run_s / _RUN_STEPS, (ahead.deadline - ahead.at) / _DEADLINE_STEPS)
        return math.floor(ends / step_s) * step_s

    def _move(
        self, cost: float, joules: float, usd: float, megabytes: float, used_at: float, busy_until: float
    ) -> Move:
        ahead, worth = self._ahead, self._worth
        cost += worth.joule * joules + worth.dollar * usd + worth.megabyte * megabytes
        spent = (joules, usd, megabytes)
        if used_at > _LONG_AGO:
            if ahead.next_at - used_at >= ahead.forgets_after_s:
                used_at = _LONG_AGO
            else:
                step_s = ahead.used_step_s
                used_at = math.ceil(used_at / step_s) * step_s
        if busy_until <= ahead.next_at:
            busy_until = _FREE
        return Move(cost, tuple(spent[index] for index in self._binding), (used_at, busy_until))


class _Last:
    """Behind the last request: the tail of a radio that was used."""

    __slots__ = ("_move", "_none")

    def __init__(self, tail_j: float, worth: Worth, binding: tuple[int, ...]) -> None:
        nothing = (0.0,) * len(binding)
        spent = (tail_j, 0.0, 0.0)
        self._none = Move(0.0, nothing, (NEVER, _FREE))
        self._move = Move(worth.joule * tail_j, tuple(spent[index] for index in binding), (NEVER, _FREE))

    def moves(self, state: State) -> Iterator[Move]:
        """See horizon.Stage."""
        used_at, _ = state
        yield self._none if used_at == NEVER else self._move
