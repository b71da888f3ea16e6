"""Deciding again what was decided a moment ago, without weighing again. Pure, and never another decision.

Requests come in runs: same model, same label, same estimates, only the clock has moved. A choice depends on the clock
in four ways alone: through the age of the readings that rules speak of, the radio's idleness, the end of a time to stay
with the last choice, and the time left. So one is kept for each idleness that weighs otherwise (rest.py), with the
instant at which it was stayed with for long enough, with its time left, and with a time left above which no comparison
in the weighing can turn out otherwise. Up to that instant, with the same time left or an ample one, `decide` returns
the same as engine.decide. A choice that was drawn to explore is not kept.

Of readings a choice knows only what the rules make of them: other ones of which they make the same change nothing. That
is looked at once for all requests that find the same readings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from router.choosing.engine import Decision, decide
from router.choosing.hysteresis import dwells_until
from router.choosing.objective import longest_s
from router.choosing.ruling import Sighted, sight
from router.rules.policy import Policy
from router.running.attempt import HAND_BACK_S
from router.running.waiting import before_s
from router.spending.rest import Rest, Rests, rests_until
from router.types import BudgetView, Kind, Reading, Situation, TargetView
from router.values import value

__all__ = ["ROUNDING_S", "Hold", "Memo"]


# What rounding makes of one span of time between two pairs of instants, and nobody can act on.
ROUNDING_S: Final = 1e-9


@value
class Hold:
    """What a decision holds for: before the instant `until`, with as much time left, or with `ample_s` of it."""

    until: float
    left_s: float
    ample_s: float


class _Kept:
    """A choice that was made with `left_s` to the deadline."""

    __slots__ = ("_ample_s", "decision", "holds_until", "left_s", "policy", "sighted")

    def __init__(self, policy: Policy, decision: Decision, sighted: Sighted, holds_until: float, left_s: float) -> None:
        self.policy = policy
        self.decision = decision
        self.sighted = sighted
        self.holds_until = holds_until
        self.left_s = left_s
        self._ample_s: float | None = None

    @property
    def ample_s(self) -> float:
        """With so much left, too, it is no other: worked out when it is first asked for, which it mostly is not."""
        ample_s = self._ample_s
        if ample_s is None:
            # Where a rule reads the time left, or there was little, only the very same time will do.
            ample_s = math.inf if self.policy.reads_time_left else _ample_s(self.policy, self.decision.situation)
            self._ample_s = ample_s = math.inf if self.left_s < ample_s else ample_s
        return ample_s


@value
class _Sight:
    """What readings alone decided of a policy's rules, from an instant on until another."""

    policy: Policy
    readings: Mapping[str, Reading]
    since: float
    holds_until: float
    sighted: Sighted


class Memo:
    """One agent's. Several threads may use it: an entry is replaced whole. `most`: how many choices it holds."""

    MAX_ENTRIES = 128

    def __init__(self, most: int = MAX_ENTRIES) -> None:
        self._most = most
        self._kept: dict[tuple[str, str | None, Rest | None], _Kept] = {}
        self._sight: _Sight | None = None
        self._rests = Rests()

    def decide(self, policy: Policy, situation: Situation) -> Decision:
        """Return what engine.decide returns."""
        request = situation.request
        sighted = self._seen(policy, situation).sighted
        key = (request.model, request.label, self._rests.of(policy, situation.radio, situation.now))
        kept = self._kept.get(key)
        if kept is not None and _holds(kept, policy, situation, sighted):
            old = kept.decision
            again = Decision(
                old.plan,
                old.choice,
                old.mode,
                old.rules,
                old.closed,
                old.candidates,
                sighted.used,
                old.policy_digest,
                situation,
                old.chosen_by,
                old.propensity,
                old.awake_worth,
                old.probabilities,
            )
            if situation.budgets is not old.situation.budgets or situation.targets is not old.situation.targets:
                # Compared part by part, and alike; the next request mostly finds the very same ones.
                self._kept[key] = _Kept(policy, again, sighted, kept.holds_until, kept.left_s)
            return again
        decision = decide(policy, situation, sighted)
        if decision.chosen_by != "draw":
            if len(self._kept) >= self._most:
                self._kept.clear()
            self._kept[key] = _keep(policy, decision, sighted)
        return decision

    def hold(self, policy: Policy, decision: Decision) -> Hold | None:
        """Return what a decision holds for that `decide` has just returned: with the very same parts of the situation,
        but for `now`, the request's id and deadline, and a draw that explores nothing. None: for no other request."""
        situation = decision.situation
        sight, now = self._seen(policy, situation), situation.now
        kept = self._kept.get(
            (situation.request.model, situation.request.label, self._rests.of(policy, situation.radio, now))
        )
        if decision.chosen_by == "draw" or kept is None or not _holds(kept, policy, situation, sight.sighted):
            return None
        until = min(kept.holds_until, sight.holds_until, rests_until(situation.radio, now))
        return Hold(until, kept.left_s, kept.ample_s)

    def _seen(self, policy: Policy, situation: Situation) -> _Sight:
        """Return what the readings decide, which is looked at once for all requests that find the same ones."""
        old, now = self._sight, situation.now
        if (
            old is not None
            and old.policy is policy
            and old.readings is situation.readings
            and old.since <= now <= old.holds_until
        ):
            return old
        sighted = sight(policy, situation)
        # One step towards the past: the sum is rounded, and up to it no reading may be too old already.
        holds_until = min(
            (
                math.nextafter(reading.at + policy.stale_after(reading.name), -math.inf)
                for reading in sighted.used
                if reading.known
            ),
            default=math.inf,
        )
        seen = self._sight = _Sight(policy, situation.readings, now, holds_until, sighted)
        return seen


def _keep(policy: Policy, decision: Decision, sighted: Sighted) -> _Kept:
    situation = decision.situation
    dwells = math.nextafter(dwells_until(policy.hysteresis, situation), -math.inf)
    return _Kept(policy, decision, sighted, dwells, situation.request.deadline - situation.now)


def _ample_s(policy: Policy, situation: Situation) -> float:
    # Every comparison with the time left sets at most two targets' slowest quantiles and one reserve (a slowest
    # quantile and the hand-back, or how early the device is started beside another) against it, or one such reserve
    # against its half.
    early_s = max((before_s(policy, view.time) for view in situation.targets if view.kind is Kind.DEVICE), default=0.0)
    return early_s + 2 * (max(map(_slowest_s, situation.targets), default=0.0) + HAND_BACK_S)


def _slowest_s(view: TargetView) -> float:
    """Return the slowest time of a target that a weighing looks at, after whatever silence of its radio."""
    return max(map(longest_s, [view.time.quantiles_s, *(after.time.quantiles_s for after in view.times_after)]))


def _holds(kept: _Kept, policy: Policy, situation: Situation, sighted: Sighted) -> bool:
    old = kept.decision.situation
    request, before = situation.request, old.request
    left_s = request.deadline - situation.now
    return (
        kept.policy is policy
        and old.now <= situation.now <= kept.holds_until
        and (abs(left_s - kept.left_s) <= ROUNDING_S or left_s >= kept.ample_s)
        and (situation.targets is old.targets or _look_alike(policy, situation.targets, old.targets))
        and (sighted is kept.sighted or _see_alike(sighted, kept.sighted))
        and request.can_score == before.can_score
        and request.audit == before.audit
        # Where thresholds were evaluated, what was escalated lately counts for nothing.
        and (situation.p_escalate == old.p_escalate or bool(situation.thresholds))
        and (situation.promise is old.promise or situation.promise == old.promise)
        and situation.device_w == old.device_w
        and (situation.thresholds is old.thresholds or situation.thresholds == old.thresholds)
        and situation.silent_wakes == old.silent_wakes
        and (situation.previous is old.previous or situation.previous == old.previous)
        and _draws_alike(policy, situation, old)
        and (situation.budgets is old.budgets or _stand_alike(situation.budgets, old.budgets))
    )


def _look_alike(policy: Policy, views: tuple[TargetView, ...], others: tuple[TargetView, ...]) -> bool:
    """Tell whether targets are the same to a decision. What they said of their queue, and how the network is, is in
    their times; a round trip counts beside them only where the radio may be woken for nothing else."""
    if len(views) != len(others):
        return False
    return all(
        one is other
        or (
            one.time == other.time
            and one.times_after == other.times_after
            and one.upload_bytes == other.upload_bytes
            and one.download_bytes == other.download_bytes
            and one.p_fail == other.p_fail
            and one.p_wrong == other.p_wrong
            and one.breaker is other.breaker
            and one.breaker_admits == other.breaker_admits
            and one.stay_local_s == other.stay_local_s
            and one.pushback_s == other.pushback_s
            and one.serves == other.serves
            and one.why_not == other.why_not
            and one.upload_limit_bytes == other.upload_limit_bytes
            and one.name == other.name
            and one.kind is other.kind
            and (one.round_trip_s == other.round_trip_s or not policy.radio.wake)
        )
        for one, other in zip(views, others, strict=True)
    )


def _see_alike(one: Sighted, other: Sighted) -> bool:
    """Tell whether the same rules hold by the readings, and those that speak of the request as well have the same to go
    by. When a value was read, and those that no rule turns on, make no difference."""
    return one.holds == other.holds and (one.known == other.known or all(map(_settled, one.holds)))


def _settled(held: object) -> bool:
    return held is None or isinstance(held, bool)


def _draws_alike(policy: Policy, situation: Situation, old: Situation) -> bool:
    """Tell whether neither request is made to take a plan at random, and both or neither might have been."""
    draw = situation.draw
    if draw is None or old.draw is None:
        return draw is old.draw
    return not draw < policy.explores


def _stand_alike(budgets: tuple[BudgetView, ...], others: tuple[BudgetView, ...]) -> bool:
    """Tell whether budgets weigh alike: how much is left counts for nothing until there is nothing left."""
    if len(budgets) != len(others):
        return False
    return all(
        one.resource is other.resource and one.price == other.price and (one.left > 0) == (other.left > 0)
        for one, other in zip(budgets, others, strict=True)
    )
