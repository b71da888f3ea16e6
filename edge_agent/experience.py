"""What this agent has learnt from its own calls: how long targets take, how often they fail, and their breakers.

Owns the router's pure estimators and breakers and keeps writers apart with one lock; reading an estimate for a decision
takes the same lock for a few microseconds. Holds no clock: `now` is an argument. A new policy keeps what was learnt
where its settings are the same, and starts afresh where they differ."""

from __future__ import annotations

import random
from collections.abc import Mapping
from threading import Lock
from typing import Final

from router import breaker
from router.breaker import BreakerState
from router.estimate import Ratios, Share, Throughput
from router.policy import Policy
from router.types import DEVICE, QUANTILES, BreakerPhase, Kind, Reading, TargetView, TimeEstimate

__all__ = ["Admission", "Experience"]

# The round trip believed in before one was measured: between a home's Wi-Fi and a cellular network.
_BELIEVED_RTT_S: Final = 0.05
_MEDIAN: Final = QUANTILES.index(0.5)


class Admission:
    """A remote call that was let through its breaker: to be given back with what came of it."""

    __slots__ = ("epoch", "predicted_s", "round_trip_s", "target")

    def __init__(self, target: str, epoch: int, predicted_s: float, round_trip_s: float) -> None:
        self.target = target
        self.epoch = epoch
        self.predicted_s = predicted_s
        self.round_trip_s = round_trip_s


class _Book:
    """What is known of one model on one target."""

    __slots__ = ("failures", "ratios")

    def __init__(self, policy: Policy) -> None:
        self.ratios = Ratios(policy.estimates)
        self.failures = Share(policy.estimates)


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

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        with self._lock:
            if policy.estimates != self._policy.estimates:
                self._books.clear()
                self._escalations.clear()
                self._uplinks.clear()
            if policy.breaker != self._policy.breaker:
                self._breakers.clear()
            self._policy = policy

    def device_view(self, model: str, serves: bool, why_not: str, p_wrong: float | None, now: float) -> TargetView:
        """Return the device as it looks to a request for `model`."""
        policy = self._policy
        prior = policy.terms_for(DEVICE, Kind.DEVICE).prior_s
        with self._lock:
            book = self._book(DEVICE, model)
            time = book.ratios.estimate(prior[_MEDIAN], prior, now)
            p_fail = book.failures.value(now) or 0.0
        return TargetView(DEVICE, Kind.DEVICE, serves, why_not, 0, 0, time, p_fail, p_wrong, BreakerPhase.CLOSED, True)

    def remote_view(
        self,
        name: str,
        kind: Kind,
        model: str,
        serves: bool,
        why_not: str,
        p_wrong: float | None,
        upload_bytes: int,
        upload_limit_bytes: int,
        readings: Mapping[str, Reading],
        now: float,
    ) -> TargetView:
        """Return a remote target as it looks to a request for `model`."""
        policy = self._policy
        with self._lock:
            book = self._book(name, model)
            time = self._remote_time(book, name, kind, upload_bytes, readings, now)
            p_fail = book.failures.value(now) or 0.0
            state = self._breakers.get(name, breaker.CLOSED)
        return TargetView(
            name,
            kind,
            serves,
            why_not,
            upload_bytes,
            upload_limit_bytes,
            time,
            p_fail,
            p_wrong,
            breaker.phase(state, now),
            breaker.admits(state, policy.breaker, now),
        )

    def escalation_share(self, model: str, now: float) -> float | None:
        """Return the share of the model's device answers that were not certain enough lately."""
        with self._lock:
            share = self._escalations.get(model)
            return None if share is None else share.value(now)

    def phase(self, target: str, now: float) -> BreakerPhase:
        """Return the phase of a target's breaker."""
        with self._lock:
            return breaker.phase(self._breakers.get(target, breaker.CLOSED), now)

    # -- a remote call: admitted, then exactly one of succeeded, failed, abandoned ------------------------------------

    def admit(
        self, target: str, kind: Kind, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> Admission | None:
        """Announce a call; None where the breaker does not let it through."""
        with self._lock:
            state = self._breakers.get(target, breaker.CLOSED)
            admitted = breaker.admit(state, self._policy.breaker, now)
            if admitted is None:
                return None
            self._breakers[target] = admitted
            round_trip_s = _round_trip_s(target, readings)
            predicted_s = self._predicted_s(target, kind, upload_bytes, round_trip_s, now)
            return Admission(target, admitted.epoch, predicted_s, round_trip_s)

    def remote_succeeded(self, call: Admission, model: str, sent_bytes: int, taken_s: float, now: float) -> None:
        """A call answered well, after `taken_s`."""
        with self._lock:
            book = self._book(call.target, model)
            book.ratios.observe(taken_s, call.predicted_s, now)
            book.failures.observe(False, now)
            uplink = self._uplinks.setdefault(call.target, Throughput(self._policy.estimates))
            uplink.observe(sent_bytes, taken_s - call.round_trip_s, now)
            state = self._state(call)
            self._breakers[call.target] = breaker.succeeded(state, self._policy.breaker, now, call.epoch)

    def remote_failed(self, call: Admission, model: str, *, blamed: bool, gave_up_s: float | None, now: float) -> None:
        """A call failed. `gave_up_s`: it was still running after so long, the least that it would have taken."""
        with self._lock:
            book = self._book(call.target, model)
            if gave_up_s is not None:
                book.ratios.observe(gave_up_s, call.predicted_s, now)
            else:
                # How long an answer takes is one question, whether there will be one is another.
                book.failures.observe(True, now)
            state = self._state(call)
            if blamed:
                drawn = self._chance.random()
                state = breaker.failed(state, self._policy.breaker, now, call.epoch, drawn)
            else:
                state = breaker.abandoned(state, call.epoch)
            self._breakers[call.target] = state

    def remote_abandoned(self, call: Admission) -> None:
        """A call ended without telling anything about its target."""
        with self._lock:
            state = self._state(call)
            self._breakers[call.target] = breaker.abandoned(state, call.epoch)

    # -- a device run -------------------------------------------------------------------------------------------------

    def device_ran(self, model: str, taken_s: float, now: float, *, failed: bool = False) -> None:
        """A run on the device ended after `taken_s`."""
        predicted_s = self._policy.terms_for(DEVICE, Kind.DEVICE).prior_s[_MEDIAN]
        with self._lock:
            book = self._book(DEVICE, model)
            book.failures.observe(failed, now)
            if not failed:
                book.ratios.observe(taken_s, predicted_s, now)

    def judged(self, model: str, uncertain: bool, now: float) -> None:
        """A device answer was, or was not, certain enough."""
        with self._lock:
            share = self._escalations.get(model)
            if share is None:
                share = self._escalations[model] = Share(self._policy.estimates)
            share.observe(uncertain, now)

    def _state(self, call: Admission) -> BreakerState:
        # A policy with other settings may have come into force since, and cleared the breakers.
        return self._breakers.get(call.target, breaker.CLOSED)

    def _book(self, target: str, model: str) -> _Book:
        book = self._books.get((target, model))
        if book is None:
            book = self._books[target, model] = _Book(self._policy)
        return book

    def _remote_time(
        self, book: _Book, name: str, kind: Kind, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> TimeEstimate:
        round_trip_s = _round_trip_s(name, readings)
        predicted_s = self._predicted_s(name, kind, upload_bytes, round_trip_s, now)
        service = self._policy.terms_for(name, kind).prior_s
        beyond_s = predicted_s - service[_MEDIAN]
        q05, q25, q50, q75, q95 = service
        prior = (q05 + beyond_s, q25 + beyond_s, q50 + beyond_s, q75 + beyond_s, q95 + beyond_s)
        return book.ratios.estimate(predicted_s, prior, now)

    def _predicted_s(self, name: str, kind: Kind, upload_bytes: int, round_trip_s: float, now: float) -> float:
        """Return the point prediction: round trip, upload and service."""
        uplink = self._uplinks.get(name)
        pace = uplink.seconds_per_byte(now) if uplink is not None else None
        upload_s = 0.0 if pace is None else pace * upload_bytes
        return round_trip_s + upload_s + self._policy.terms_for(name, kind).prior_s[_MEDIAN]


def _round_trip_s(name: str, readings: Mapping[str, Reading]) -> float:
    reading = readings.get(f"rtt_ms.{name}")
    if reading is None or not isinstance(reading.value, float):
        return _BELIEVED_RTT_S
    return reading.value / 1000
