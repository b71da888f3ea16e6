"""What was learnt from calls: how long targets take, how often they fail, and their breakers.

Owns the estimators and breakers of every target. Holds no clock and no lock: `now` is an argument, and whoever owns it
keeps writers apart. A new policy keeps what was learnt where its settings are the same, and starts afresh where they
differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from router import breaker
from router.advice import NOTHING_TOLD, Told
from router.breaker import BreakerState
from router.estimates import Share, Throughput
from router.experience.admission import Admission, explained_s
from router.experience.book import Book
from router.experience.device_runs import BATCH, DeviceRuns
from router.experience.facts import ModelFacts, TargetFacts
from router.experience.lesson import lesson
from router.policy import Policy
from router.predict import MEDIAN, Times, after_queue, remote_times
from router.types import DEVICE, BreakerPhase, Kind, Reading, TargetView

__all__ = ["Experience"]

# Where only rules speak of escalation; the policy document's own default.
_BELIEVED_ESCALATIONS: Final = 0.3
# A model that loads is there in seconds; asking once in so long costs nobody anything.
_ABSENT_S: Final = 2.0
_STEPS: Final = 20
_AT_WORK: Final = (breaker.CLOSED, "")
_NO_PRIOR: Final = (0.0, 0.0, 0.0, 0.0, 0.0)  # not looked at once there are observations


@dataclass(frozen=True, slots=True)
class _Seen:
    """The views last made for a model, and what they hold for."""

    version: int
    readings: Mapping[str, Reading]
    upload_bytes: int
    holds_until: float
    views: tuple[TargetView, ...]


class Experience:
    """See the module. `chance` draws jitter: a number from 0 on, below 1."""

    def __init__(self, policy: Policy, *, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._policy = policy
        self._books: dict[tuple[str, str], Book] = {}
        self._escalations: dict[str, Share] = {}
        self._uplinks: dict[str, Throughput] = {}
        self._breakers: dict[str, BreakerState] = {}
        self._rests: dict[str, tuple[BreakerState, str]] = {}
        self._seen: dict[str, _Seen] = {}
        self._runs = DeviceRuns()
        self._version = 0
        """Rises with everything that may change a view."""

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        old, self._policy = self._policy, policy
        if policy.estimates != old.estimates or not policy.believes_the_same_of_targets(old):
            # Ratios are to the old beliefs: under others the same ratio is another time.
            self._books.clear()
            self._runs.forget_usual()
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
        seen = self.seen(facts, upload_bytes, readings, now)
        if seen is not None:
            return seen
        self.learn_runs()
        version = self._version
        views = tuple(self._view(facts.model, target, upload_bytes, readings, now) for target in facts.targets)
        holds_until = self._holds_until(facts, readings, now)
        self._seen[facts.model] = _Seen(version, readings, upload_bytes, holds_until, views)
        return views

    def seen(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...] | None:
        """Return the views that were last made for the model, where they still hold. May be asked at any moment, by any
        thread, whatever others are learning."""
        seen = self._seen.get(facts.model)
        if (
            seen is not None
            and seen.version == self._version
            and seen.readings is readings
            and seen.upload_bytes == upload_bytes
            and now < seen.holds_until
        ):
            return seen.views
        return None

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
        # Read as `seen` may be, between two halves of an update it may seem to be more than all.
        return None if known is None else min(1.0, round(known * _STEPS) / _STEPS)

    def phase(self, target: str, now: float) -> BreakerPhase:
        """Return the phase of a target's breaker."""
        return breaker.phase(self._breakers.get(target, breaker.CLOSED), now)

    # -- a remote call: admitted, then exactly one of succeeded, failed, abandoned ------------------------------------

    def admit(
        self, target: str, kind: Kind, model: str, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> Admission | None:
        """Announce a call; None where the breaker does not let it through, or the target wants to be left alone."""
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
        self, call: Admission, model: str, sent_bytes: int, taken_s: float, now: float, *, told: Told = NOTHING_TOLD
    ) -> None:
        """A call answered well, after `taken_s`, and its target said of itself what is `told`."""
        book = self._book(call.target, model)
        waited_s = explained_s(call, told, taken_s)
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
        told: Told = NOTHING_TOLD,
    ) -> None:
        """A call failed. `gave_up_s`: it was still running after so long, the least that it would have taken. `absent`:
        the target works, but does not have the model, or not yet. `refused`: it would not take this request.

        `told`: what it said of itself. Where that says when to come again, the breaker need not find it out."""
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
            drawn = self._chance()
            state = breaker.failed(state, self._policy.breaker, now, call.epoch, drawn)
        else:
            state = breaker.abandoned(state, call.epoch)
        self._set_breaker(call.target, state)

    def remote_ended(
        self,
        call: Admission,
        model: str,
        code: str,
        *,
        blames_endpoint: bool,
        had_s: float,
        taken_s: float,
        now: float,
        told: Told = NOTHING_TOLD,
    ) -> None:
        """A call brought no answer, but `code`: see lesson.py, which says what that teaches."""
        learnt = lesson(
            code, blames_endpoint=blames_endpoint, had_s=had_s, taken_s=taken_s, predicted_s=call.predicted_s
        )
        if learnt is None:
            self.remote_abandoned(call)
            return
        self.remote_failed(
            call,
            model,
            blamed=learnt.blamed,
            now=now,
            gave_up_s=learnt.gave_up_s,
            absent=learnt.absent,
            refused=learnt.refused,
            told=told,
        )

    def remote_abandoned(self, call: Admission) -> None:
        """A call ended without telling anything about its target."""
        state = self._state(call)
        self._set_breaker(call.target, breaker.abandoned(state, call.epoch))

    def _hear(self, book: Book, told: Told, now: float) -> None:
        settings = self._policy.breaker
        stretch = settings.jitter * self._chance()
        book.advice.hear(told, now, longest_s=settings.max_open_s, unsaid_s=settings.open_s, stretch=stretch)

    def device_rests(self, model: str, state: BreakerState, why: str) -> None:
        """The device's model went out of use, or came back: who keeps it admits its runs."""
        self._rests[model] = state, why
        self._version += 1

    # -- a device run -------------------------------------------------------------------------------------------------

    def device_ran(self, model: str, taken_s: float, now: float, *, failed: bool = False) -> None:
        """A run on the device ended after `taken_s`."""
        if self.note_run(model, taken_s, now, failed):
            self.learn_runs()

    def note_run(self, model: str, taken_s: float, now: float, failed: bool) -> bool:
        """Note a run, to be learnt from later. Returns whether it is time to. May be called as `seen` may."""
        return self._runs.note(model, taken_s, now, failed)

    def learn_runs(self) -> None:
        """Learn from the runs that were noted."""
        predicted_s = self._policy.terms_for(DEVICE, Kind.DEVICE).prior_s[MEDIAN]
        taken_by_model: dict[str, list[float]] = {}
        for model, taken_s, now, failed in self._runs.take():
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
            if ratios.samples >= BATCH:
                low_s, *_, high_s = ratios.estimate(predicted_s, _NO_PRIOR, now).quantiles_s
                self._runs.are_usual(model, low_s, high_s)

    def judged(self, model: str, uncertain: bool, now: float) -> None:
        """A device answer was, or was not, certain enough."""
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

    def _book(self, target: str, model: str) -> Book:
        book = self._books.get((target, model))
        if book is None:
            book = self._books[target, model] = Book(self._policy.estimates)
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
