"""What this agent has learnt from its own calls: how long targets take, how often they fail, and their breakers.

Owns the router's pure estimators and breakers and keeps writers apart with one lock; reading an estimate for a decision
takes the same lock for a few microseconds. Holds no clock: `now` is an argument. A new policy keeps what was learnt
where its settings are the same, and starts afresh where they differ."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Final

from router import breaker
from router.advice import Advice, Told
from router.breaker import BreakerState
from router.estimate import Ratios, Share, Throughput
from router.policy import Policy
from router.predict import MEDIAN, Times, after_queue, remote_times
from router.types import DEVICE, BreakerPhase, Kind, Reading, TargetView

__all__ = ["Admission", "Experience", "ModelFacts", "TargetFacts"]

# Where only rules speak of escalation; the policy document's own default.
_BELIEVED_ESCALATIONS: Final = 0.3
# A model that loads is there in seconds; asking once in so long costs nobody anything.
_ABSENT_S: Final = 2.0
_STEPS: Final = 20
# Runs on the device between two lessons from them, unless one is unusual: then at once.
_BATCH: Final = 32
_UNUSUAL: Final = 1.5
_NOTHING_USUAL: Final = (math.inf, -math.inf)
_AT_WORK: Final = (breaker.CLOSED, "")
_NOTHING_TOLD: Final = Told()
_NO_PRIOR: Final = (0.0, 0.0, 0.0, 0.0, 0.0)  # not looked at once there are observations


class Admission:
    """A remote call that was let through its breaker: to be given back with what came of it."""

    __slots__ = ("epoch", "predicted_s", "queue_s", "round_trip_s", "target")

    def __init__(self, target: str, epoch: int, predicted_s: float, round_trip_s: float | None, queue_s: float) -> None:
        self.target = target
        self.epoch = epoch
        self.predicted_s = predicted_s
        self.round_trip_s = round_trip_s
        self.queue_s = queue_s
        """How much of the prediction was what the target had said of its queue."""

    @property
    def measured(self) -> bool:
        """Whether the prediction stands on a round trip that was measured."""
        return self.round_trip_s is not None


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What never changes about a model on a target, while the agent runs. See router.types.TargetView."""

    name: str
    kind: Kind
    serves: bool
    why_not: str
    upload_limit_bytes: int
    p_wrong: float | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model's targets, the device first."""

    model: str
    targets: tuple[TargetFacts, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """The views last made for a model, and what they hold for."""

    version: int
    readings: Mapping[str, Reading]
    upload_bytes: int
    holds_until: float
    views: tuple[TargetView, ...]


class _Book:
    """What is known of one model on one target."""

    __slots__ = ("_blind_ratios", "absent_until", "advice", "failures", "ratios")

    def __init__(self, policy: Policy) -> None:
        self.ratios = Ratios(policy.estimates)
        self._blind_ratios = Ratios(policy.estimates)
        self.failures = Share(policy.estimates, believed=0.0)
        self.absent_until = -math.inf
        """Until then the target is taken at its word that it does not have the model."""
        self.advice = Advice()

    def ratios_where(self, measured: bool) -> Ratios:
        """Return the ratios to predictions that stand, or do not, on a measured round trip: two different measures."""
        return self.ratios if measured else self._blind_ratios

    def changes_at(self) -> tuple[float, ...]:
        """Return the instants at which time alone changes what is known."""
        forgotten = (self.ratios.forgotten_at, self._blind_ratios.forgotten_at, self.failures.forgotten_at)
        return (*forgotten, self.absent_until, *self.advice.changes_at())


class Experience:
    """See the module. `chance` draws the breaker's jitter."""

    def __init__(self, policy: Policy, *, chance: random.Random) -> None:
        self._lock = Lock()
        self._chance = chance
        self._policy = policy
        self._books: dict[tuple[str, str], _Book] = {}
        self._escalations: dict[str, Share] = {}
        self._uplinks: dict[str, Throughput] = {}
        self._breakers: dict[str, BreakerState] = {}
        self._rests: dict[str, tuple[BreakerState, str]] = {}
        self._seen: dict[str, _Seen] = {}
        self._runs: deque[tuple[str, float, float, bool]] = deque()
        self._usual_s: dict[str, tuple[float, float]] = {}
        self._version = 0
        """Rises with everything that may change a view."""

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        with self._lock:
            old, self._policy = self._policy, policy
            if policy.estimates != old.estimates or not policy.believes_the_same_of_targets(old):
                # Ratios are to the old beliefs: under others the same ratio is another time.
                self._books.clear()
                self._usual_s.clear()
                self._uplinks.clear()
                self._escalations.clear()
            if not policy.escalates_alike(old):
                self._escalations.clear()
            if policy.breaker != old.breaker:
                self._breakers.clear()
            self._version += 1

    def views(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return every target as it looks to a request for the model: the same tuple until something has changed."""
        seen = self._seen.get(facts.model)
        if (
            seen is not None
            and seen.version == self._version
            and seen.readings is readings
            and seen.upload_bytes == upload_bytes
            and now < seen.holds_until
        ):
            return seen.views
        with self._lock:
            self._learn_runs()
            version = self._version
            views = tuple(self._view(facts.model, target, upload_bytes, readings, now) for target in facts.targets)
            holds_until = self._holds_until(facts, readings, now)
        self._seen[facts.model] = _Seen(version, readings, upload_bytes, holds_until, views)
        return views

    def _view(
        self, model: str, target: TargetFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> TargetView:
        book = self._book(target.name, model)
        p_fail = book.failures.value(now) or 0.0
        serves, why_not = target.serves, target.why_not
        if serves and now < book.absent_until:
            serves, why_not = False, "the model was not there, or not ready, a moment ago"
        prior = self._policy.terms_for(target.name, target.kind).prior_s
        if target.kind is Kind.DEVICE:
            time = book.ratios.estimate(prior[MEDIAN], prior, now)
            upload_bytes, queue_s = 0, None
            state, why_out = self._rests.get(model, _AT_WORK)
            if serves and not breaker.admits(state, self._policy.breaker, now):
                why_not = why_out
        else:
            round_trip_s = self._round_trip_s(target.name, readings, now)
            queue_s = book.advice.queue_wait_s(now)
            prior = self._remote_prior(target.name, target.kind, upload_bytes, round_trip_s, now)
            time = book.ratios_where(round_trip_s is not None).estimate(prior[MEDIAN], prior, now)
            time = after_queue(time, queue_s)
            state = self._breakers.get(target.name, breaker.CLOSED)
        return TargetView(
            target.name,
            target.kind,
            serves,
            why_not,
            upload_bytes,
            target.upload_limit_bytes,
            time,
            p_fail,
            target.p_wrong,
            breaker.phase(state, now),
            breaker.admits(state, self._policy.breaker, now),
            queue_s,
            book.advice.stay_local_s(now),
            book.advice.pushback_s(now),
        )

    def _holds_until(self, facts: ModelFacts, readings: Mapping[str, Reading], now: float) -> float:
        """Return when the passing of time alone may change a view: something is forgotten, or a breaker half-opens."""
        instants = [at for target in facts.targets for at in self._book(target.name, facts.model).changes_at()]
        round_trips = [readings.get(f"rtt_ms.{target.name}") for target in facts.targets]
        instants += [r.at + self._policy.stale_after(r.name) for r in round_trips if r is not None]
        states = [*self._breakers.values(), *(state for state, _ in self._rests.values())]
        instants += [state.open_until for state in states if state.open_until is not None]
        instants += [uplink.forgotten_at for uplink in self._uplinks.values()]
        return min((instant for instant in instants if instant >= now), default=float("inf"))

    def escalation_share(self, model: str, now: float) -> float | None:
        """Return the share of the model's device answers that were not certain enough lately."""
        share = self._escalations.get(model)
        known = None if share is None else share.value(now)
        # In steps: a share that flutters with every answer would have everything weighed again for nothing.
        # Read without the lock, between two halves of an update it may seem to be more than all.
        return None if known is None else min(1.0, round(known * _STEPS) / _STEPS)

    def phase(self, target: str, now: float) -> BreakerPhase:
        """Return the phase of a target's breaker."""
        with self._lock:
            return breaker.phase(self._breakers.get(target, breaker.CLOSED), now)

    # -- a remote call: admitted, then exactly one of succeeded, failed, abandoned ------------------------------------

    def admit(
        self, target: str, kind: Kind, model: str, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> Admission | None:
        """Announce a call; None where the breaker does not let it through, or the target wants to be left alone."""
        with self._lock:
            advice = self._book(target, model).advice
            if advice.pushback_s(now) > 0:
                return None
            state = self._breakers.get(target, breaker.CLOSED)
            admitted = breaker.admit(state, self._policy.breaker, now)
            if admitted is None:
                return None
            self._set_breaker(target, admitted)
            round_trip_s = self._round_trip_s(target, readings, now)
            queue_s = advice.queue_wait_s(now) or 0.0
            prior = self._remote_prior(target, kind, upload_bytes, round_trip_s, now)
            return Admission(target, admitted.epoch, prior[MEDIAN] + queue_s, round_trip_s, queue_s)

    def remote_succeeded(
        self, call: Admission, model: str, sent_bytes: int, taken_s: float, now: float, *, told: Told = _NOTHING_TOLD
    ) -> None:
        """A call answered well, after `taken_s`, and its target said of itself what is `told`."""
        with self._lock:
            book = self._book(call.target, model)
            waited_s = _explained_s(call, told, taken_s)
            predicted_s, taken_s = call.predicted_s - call.queue_s, taken_s - waited_s
            if call.round_trip_s is not None:
                predicted_s += self._learn_uplink(call.target, sent_bytes, taken_s - call.round_trip_s, now)
            self._hear(book, told, now)
            book.ratios_where(call.measured).observe(taken_s, predicted_s, now)
            book.failures.observe(False, now)
            state = self._state(call)
            self._set_breaker(call.target, breaker.succeeded(state, self._policy.breaker, now, call.epoch))

    def _learn_uplink(self, target: str, sent_bytes: int, taken_s: float, now: float) -> float:
        """Return by how much this upload should have been predicted to take longer: what its size explains must not
        make requests look slow that are small."""
        uplink = self._uplinks.setdefault(target, Throughput(self._policy.estimates))
        believed = uplink.seconds_per_byte(now) or 0.0
        uplink.observe(sent_bytes, taken_s, now)
        return ((uplink.seconds_per_byte(now) or 0.0) - believed) * sent_bytes

    def remote_failed(
        self,
        call: Admission,
        model: str,
        *,
        blamed: bool,
        now: float,
        gave_up_s: float | None = None,
        absent: bool = False,
        refused: bool = False,
        told: Told = _NOTHING_TOLD,
    ) -> None:
        """A call failed. `gave_up_s`: it was still running after so long, the least that it would have taken. `absent`:
        the target works, but does not have the model, or not yet. `refused`: it would not take this request.

        `told`: what it said of itself. Where that says when to come again, the breaker need not find it out."""
        with self._lock:
            book = self._book(call.target, model)
            self._hear(book, told, now)
            if absent:
                book.absent_until = now + _ABSENT_S
            elif gave_up_s is not None:
                book.ratios_where(call.measured).observe(gave_up_s - call.queue_s, call.predicted_s - call.queue_s, now)
            elif not refused:
                # How long an answer takes is one question, whether there will be one is another.
                book.failures.observe(True, now)
            state = self._state(call)
            if blamed and not told.pushback_s > 0:
                drawn = self._chance.random()
                state = breaker.failed(state, self._policy.breaker, now, call.epoch, drawn)
            else:
                state = breaker.abandoned(state, call.epoch)
            self._set_breaker(call.target, state)

    def remote_abandoned(self, call: Admission) -> None:
        """A call ended without telling anything about its target."""
        with self._lock:
            state = self._state(call)
            self._set_breaker(call.target, breaker.abandoned(state, call.epoch))

    def _hear(self, book: _Book, told: Told, now: float) -> None:
        settings = self._policy.breaker
        stretch = settings.jitter * self._chance.random()
        book.advice.hear(told, now, longest_s=settings.max_open_s, unsaid_s=settings.open_s, stretch=stretch)

    def device_rests(self, model: str, state: BreakerState, why: str) -> None:
        """The device's model went out of use, or came back: see keeper.py, which admits its runs."""
        with self._lock:
            self._rests[model] = state, why
            self._version += 1

    # -- a device run -------------------------------------------------------------------------------------------------

    def device_ran(self, model: str, taken_s: float, now: float, *, failed: bool = False) -> None:
        """A run on the device ended after `taken_s`.

        Noted at once, learnt from in batches: between two runs of a model every line of Python is cold and costs
        three times what it does in a loop (benchmarks/overhead.py)."""
        runs = self._runs
        runs.append((model, taken_s, now, failed))
        low_s, high_s = self._usual_s.get(model, _NOTHING_USUAL)
        if failed or len(runs) >= _BATCH or not low_s <= taken_s <= high_s:
            with self._lock:
                self._learn_runs()

    def _learn_runs(self) -> None:
        predicted_s = self._policy.terms_for(DEVICE, Kind.DEVICE).prior_s[MEDIAN]
        taken_by_model: dict[str, list[float]] = {}
        while self._runs:
            model, taken_s, now, failed = self._runs.popleft()
            failures = self._book(DEVICE, model).failures
            if not failed:
                taken_by_model.setdefault(model, []).append(taken_s)
            if failures.settled and not failed:
                failures.touch(now)
            else:
                failures.observe(failed, now)
                self._version += 1
        for model, taken in taken_by_model.items():
            ratios = self._book(DEVICE, model).ratios
            if ratios.observe_all(taken, predicted_s, now):
                self._version += 1
            if ratios.samples >= _BATCH:
                low_s, *_, high_s = ratios.estimate(predicted_s, _NO_PRIOR, now).quantiles_s
                self._usual_s[model] = (low_s / _UNUSUAL, high_s * _UNUSUAL)

    def judged(self, model: str, uncertain: bool, now: float) -> None:
        """A device answer was, or was not, certain enough."""
        with self._lock:
            share = self._escalations.get(model)
            if share is None:
                terms = self._policy.escalation
                believed = _BELIEVED_ESCALATIONS if terms is None else terms.share
                share = self._escalations[model] = Share(self._policy.estimates, believed=believed)
            share.observe(uncertain, now)

    def _set_breaker(self, target: str, state: BreakerState) -> None:
        self._breakers[target] = state
        self._version += 1

    def _state(self, call: Admission) -> BreakerState:
        # A policy with other settings may have come into force since, and cleared the breakers.
        return self._breakers.get(call.target, breaker.CLOSED)

    def _book(self, target: str, model: str) -> _Book:
        book = self._books.get((target, model))
        if book is None:
            book = self._books[target, model] = _Book(self._policy)
        return book

    def _remote_prior(self, name: str, kind: Kind, upload_bytes: int, round_trip_s: float | None, now: float) -> Times:
        uplink = self._uplinks.get(name)
        pace = uplink.seconds_per_byte(now) if uplink is not None else None
        upload_s = 0.0 if pace is None else pace * upload_bytes
        return remote_times(self._policy.terms_for(name, kind).prior_s, round_trip_s, upload_s)

    def _round_trip_s(self, name: str, readings: Mapping[str, Reading], now: float) -> float | None:
        """Return the round trip as it was measured a moment ago; None where it was not."""
        reading = readings.get(f"rtt_ms.{name}")
        if reading is None or not isinstance(reading.value, float):
            return None
        return reading.value / 1000 if now - reading.at <= self._policy.stale_after(reading.name) else None


def _explained_s(call: Admission, told: Told, taken_s: float) -> float:
    """Return how much of what a call took its target's queue explains: as much as the target said of it, before or now,
    of what was not predicted otherwise. A queue is counted by itself: it must not make the model, the network or the
    upload look slow."""
    said_s = max(call.queue_s, told.queue_wait_s or 0.0)
    return min(said_s, max(0.0, taken_s - (call.predicted_s - call.queue_s)))
