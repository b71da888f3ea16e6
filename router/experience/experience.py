"""What was learnt from calls: how long targets take, how often they fail, and their breakers.

Holds no clock and no lock: `now` is an argument, and whoever owns it keeps writers apart. A new policy keeps what was
learnt where its settings are the same, and starts afresh where they differ."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from router.choosing.closed import Closed
from router.estimates import Share
from router.experience.admission import Admission, explained_s
from router.experience.again import again_at
from router.experience.book import Book
from router.experience.device_runs import DeviceRuns
from router.experience.extras import Extras
from router.experience.facts import ModelFacts
from router.experience.known import Known
from router.experience.learning import learn_answer, learn_least, learn_runs
from router.experience.lesson import lesson
from router.experience.traffic import traffic
from router.experience.views import Views
from router.rules.policy import Policy
from router.running import breaker
from router.running.advice import NOTHING_TOLD, Told
from router.running.breaker import BreakerState
from router.running.events import Role
from router.types import DEVICE, BreakerPhase, Kind, Reading, Situation, TargetView

__all__ = ["Experience"]

# Where only rules speak of escalation; the policy document's own default.
_BELIEVED_ESCALATIONS: Final = 0.3
# A model that loads is there in seconds; asking once in so long costs nobody anything.
_ABSENT_S: Final = 2.0
_STEPS: Final = 20
_BEYOND: Final = 0.75
"""Of a step: halfway to the next is not yet there."""


class Experience:
    """See the module. `chance` draws jitter: a number from 0 on, below 1."""

    def __init__(self, policy: Policy, *, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._known = Known(policy)
        self._views = Views(self._known)
        self._runs = DeviceRuns()
        self._extras = Extras(policy)
        self._told_shares: dict[str, float] = {}
        """Of each model's answers on the device, how many were not certain enough."""
        self.seen = self._views.seen
        """See Views.seen."""
        self.radio = self._views.radio
        """See Views.radio."""
        self.note_arrival = self._known.gaps.note
        """Note that a request arrived. Returns whether it is time to `learn_arrivals`. May be called as `seen` may."""
        self.learn_arrivals = self._known.gaps.learn
        self.note_given_up = self._runs.note_given_up
        """As `note_run`, of one that was stopped."""
        self.note_run = self._runs.note
        """Note a run, to be learnt from later. Returns whether it is time to `learn_runs`. May be called as `seen`
        may."""
        self.could_hedge = self._extras.could_hedge
        """See Extras.could_hedge. May be called as `seen` may."""

    @property
    def known(self) -> Known:
        """What was learnt, to be kept: see saved.py."""
        return self._known

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        before = len(self._known.books)
        self._known.adopt(policy)
        self._extras.adopt(policy)
        if len(self._known.books) < before:
            self._runs.forget_usual()

    def views(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return every target as it looks to a request for the model: the same tuple until something has changed."""
        seen = self.seen(facts, upload_bytes, readings, now)
        if seen is not None:
            return seen
        self.learn_runs()
        self._read_power(readings)
        return self._views.make(facts, upload_bytes, readings, now)

    def hold_until(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], situation: Situation
    ) -> float:
        """Return an instant before which a request sees of this what `situation` does, unless something is learnt or
        read; minus infinity where even now it does not. May be asked as `seen` may."""
        now, share = situation.now, self._known.escalations.get(facts.model)
        holds_until = self._views.hold_until(facts, upload_bytes, readings, now, situation.targets, situation.radio)
        if share is not None and now <= share.forgotten_at:
            holds_until = min(holds_until, share.forgotten_at)
        same = self.escalation_share(facts.model, now) == situation.p_escalate and self.device_w == situation.device_w
        return holds_until if same else -math.inf

    def imagine(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return every target as it would look with such readings; nothing is learnt by it. See Views.imagine."""
        self.learn_runs()
        return self._views.imagine(facts, upload_bytes, readings, now)

    def _read_power(self, readings: Mapping[str, Reading]) -> None:
        reading, power = readings.get("discharge_w"), self._known.power
        if reading is not None and not power.knows(reading.at):
            power.read(reading.value if isinstance(reading.value, float) else None, reading.at)

    def traffic(self, targets: Iterable[str], now: float) -> dict[str, float | None]:
        """Return what the calls tell that a rule may speak of: see traffic.py."""
        return traffic(self._known, targets, now)

    @property
    def device_w(self) -> float | None:
        """What runs on the device were seen to draw, in watts. May be asked as `seen` may."""
        return self._known.power.watts

    def arrived(self, now: float) -> None:
        """A request arrived."""
        if self.note_arrival(now):
            self.learn_arrivals()

    def escalation_share(self, model: str, now: float) -> float | None:
        """Return the share of the model's device answers that were not certain enough lately."""
        share = self._known.escalations.get(model)
        if share is None or now > share.forgotten_at:
            return None
        return self._told_shares.get(model)

    def phase(self, target: str, now: float) -> BreakerPhase:
        """Return the phase of a target's breaker."""
        return breaker.phase(self._known.breaker_of(target), now)

    def again_s(self, closed: Closed, model: str, now: float) -> float | None:
        """Return in how many seconds a closed target is asked again; None where nothing that is known here tells."""
        until = again_at(self._known, closed, model)
        return until - now if now < until < math.inf else None

    # -- what a request may cost beyond one call ----------------------------------------------------------------------

    def covers(self, role: Role, target: str, model: str, now: float) -> bool:
        """Tell whether one more hedge, or retry, is covered and fits in; a hedge that is takes its token."""
        if role is Role.RETRY:
            return self._extras.may_retry(target)
        if role is Role.HEDGE:
            advice = self._known.book(target, model).advice
            asked_away = advice.pushback_s(now) > 0 or advice.stay_local_s(now) > 0
            return self.phase(target, now) is BreakerPhase.CLOSED and not asked_away and self._extras.hedges()
        return True

    def keeps_back(self, target: str, now: float) -> bool:
        """Tell whether a call is kept back, by chance, from a target that fails many. Never one that a breaker lets
        through to see whether its target is well again: those are few, and without them nobody would find out."""
        if self._known.breaker_of(target).open_until is not None:
            return False
        share = self._extras.p_reject(target, now)
        if not share or self._chance() >= share:
            return False
        self._extras.kept_back(target, now)
        return True

    def peace_s(self, target: str, model: str, now: float) -> float:
        """Return for how much longer a target asked not to be called; 0 where it did not."""
        return self._known.book(target, model).advice.peace_s(now)

    # -- a remote call: admitted, then exactly one of succeeded, failed, abandoned ------------------------------------

    def admit(
        self,
        target: str,
        kind: Kind,
        model: str,
        upload_bytes: int,
        readings: Mapping[str, Reading],
        now: float,
        *,
        role: Role = Role.LEG,
    ) -> Admission | None:
        """Announce a call; None where the breaker does not let it through, or the target wants to be left alone."""
        known = self._known
        book = known.book(target, model)
        if book.advice.pushback_s(now) > 0:
            return None
        state = known.breaker_of(target)
        admitted = breaker.admit(state, known.policy.breaker, now)
        if admitted is None:
            return None
        if admitted is not state:
            self._set_breaker(target, admitted)
        link, reading = known.link(readings, now), known.fresh(readings.get(f"rtt_ms.{target}"), now)
        trip_s = known.round_trip_s(target, link, reading)
        way = known.way(target, kind, model, upload_bytes, link, reading is not None, trip_s)
        silence, wakes = known.radios.silence(link, now), known.radios.wakes(link)
        book.recency.asked()
        book.cells.asked((way.measured, link, silence))
        known.path(target, link).asked()
        queue_s = book.advice.queue_wait_s(now) or 0.0
        retried = role is Role.RETRY
        self._extras.began(target, retried=retried)
        return Admission(target, admitted.epoch, way, silence, wakes.medians_s[silence], queue_s, retried)

    def remote_succeeded(
        self,
        call: Admission,
        model: str,
        sent_bytes: int,
        taken_s: float,
        now: float,
        *,
        told: Told = NOTHING_TOLD,
        received_bytes: int = 0,
    ) -> None:
        """A call answered well, after `taken_s`, and its target said of itself what is `told`."""
        known = self._known
        book = known.book(call.target, model)
        taken_s -= explained_s(call, told, taken_s)
        told_otherwise = self._hear(book, told, now)
        otherwise = learn_answer(known, call, book, sent_bytes, received_bytes, taken_s, now)
        if book.ended(False, now) or otherwise or told_otherwise:
            known.changed(call.target)
        self._used_radio(call, now)
        state = breaker.succeeded(known.breaker_of(call.target), known.policy.breaker, now, call.epoch)
        self._set_breaker(call.target, state)
        self._extras.ended(call.target, now, answered=True, blamed=False, retried=call.retried)

    def _used_radio(self, call: Admission, now: float) -> None:
        # At the end of a call and not at its start: until then the radio may still be waking, and whoever comes second
        # waits for that as well.
        self._known.radios.used(call.way.link, now)

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
        known = self._known
        book = known.book(call.target, model)
        otherwise = self._hear(book, told, now)
        if absent:
            book.absent_until = now + _ABSENT_S
            otherwise = True
        elif gave_up_s is not None:
            otherwise = learn_least(known, call, book, gave_up_s - call.queue_s, now) or otherwise
        elif not refused:
            # How long an answer takes is one question, whether there will be one is another.
            otherwise = book.ended(True, now) or otherwise
        if otherwise:
            known.changed(call.target)
        self._used_radio(call, now)
        state = known.breaker_of(call.target)
        if blamed and not told.pushback_s > 0:
            state = breaker.failed(state, known.policy.breaker, now, call.epoch, self._chance())
        else:
            state = breaker.abandoned(state, call.epoch)
        self._set_breaker(call.target, state)
        self._extras.ended(call.target, now, answered=False, blamed=blamed, retried=call.retried)

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
        self._set_breaker(call.target, breaker.abandoned(self._known.breaker_of(call.target), call.epoch))
        self._extras.abandoned(call.target, retried=call.retried)

    def _hear(self, book: Book, told: Told, now: float) -> bool:
        """Hear what a target said of itself. Returns whether that is news."""
        if told is NOTHING_TOLD:
            return False
        settings = self._known.policy.breaker
        # Nothing is drawn where there is no pause to stretch.
        stretch = settings.jitter * self._chance() if told.stay_local_s or told.pushback_s else 0.0
        return book.advice.hear(told, now, longest_s=settings.max_open_s, unsaid_s=settings.open_s, stretch=stretch)

    def radio_used(self, readings: Mapping[str, Reading], now: float) -> None:
        """Something other than an admitted call went over the network: an audit, or a packet sent to wake the radio."""
        self._known.radios.used(self._known.link(readings, now), now)

    def device_rests(self, model: str, state: BreakerState, why: str) -> None:
        """The device's model went out of use, or came back: who keeps it admits its runs."""
        self._known.rests[model] = state, why
        self._known.changed(DEVICE)

    # -- a device run -------------------------------------------------------------------------------------------------

    def device_ran(self, model: str, taken_s: float, now: float, *, failed: bool = False) -> None:
        """A run on the device ended after `taken_s`."""
        if self.note_run(model, taken_s, now, failed):
            self.learn_runs()

    def device_given_up(self, model: str, least_s: float, now: float) -> None:
        """A run on the device was stopped after `least_s`, or never begun."""
        if self.note_given_up(model, least_s, now):
            self.learn_runs()

    def learn_runs(self) -> None:
        """Learn from the runs that were noted."""
        learn_runs(self._known, self._runs)

    def judged(self, model: str, uncertain: bool, now: float) -> bool:
        """A device answer was, or was not, certain enough. Returns whether that changes the share that is told."""
        escalations, policy = self._known.escalations, self._known.policy
        share = escalations.get(model)
        changed = share is None or now > share.forgotten_at
        if share is None:
            terms = policy.escalation
            believed = _BELIEVED_ESCALATIONS if terms is None else terms.share
            share = escalations[model] = Share(policy.estimates, believed=believed)
            self._told_shares.pop(model, None)
        share.observe(uncertain, now)
        known, told = share.value(now) or 0.0, self._told_shares.get(model)
        # In steps: a share that flutters with every answer, or between two of them, would have everything weighed again
        # for nothing.
        if told is None or abs(known - told) > _BEYOND / _STEPS:
            self._told_shares[model] = round(known * _STEPS) / _STEPS
            changed = True
        return changed

    def _set_breaker(self, target: str, state: BreakerState) -> None:
        # A policy with other settings may have come into force since the call began, and cleared the breakers: then
        # `state` is of an epoch that says nothing about them.
        before = self._known.breaker_of(target)
        self._known.breakers[target] = state
        # What it counts while it is closed is nobody else's affair.
        if state.open_until != before.open_until or state.probing != before.probing:
            self._known.changed(target)
