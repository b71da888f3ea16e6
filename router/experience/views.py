"""Every target as it looks to a request, made from what is known. Pure.

A view is made anew only when something about its target has changed, or time alone has: what is forgotten, a breaker
that half-opens, a radio that falls asleep. Two requests in a row mostly see the same tuple."""

from __future__ import annotations

import math
from collections.abc import Mapping

from router.choosing.predict import MEDIAN, Times
from router.experience.book import Book
from router.experience.facts import ModelFacts, TargetFacts
from router.experience.foreseen import Foreseen
from router.experience.known import Known
from router.experience.way import Way
from router.running import breaker
from router.types import Kind, Radio, Reading, TargetView, WakeAfter
from router.values import value

__all__ = ["Views"]


@value
class _Seen:
    """The views last made for a model, and what they hold for."""

    version: int
    readings: Mapping[str, Reading]
    upload_bytes: int
    link: str
    silence: int
    holds_until: float
    views: tuple[TargetView, ...]


@value
class _Made:
    """One view, and what it was made of. `trip_s` is the round trip that was predicted with, `measured` or not."""

    mark: int
    link: str
    upload_bytes: int
    measured: bool
    trip_s: Times | None
    holds_until: float
    view: TargetView


class _Of:
    """What was made for one model. A remote target looks otherwise after another silence, and so do all together."""

    __slots__ = ("facts", "latest", "made", "views")

    def __init__(self, facts: ModelFacts) -> None:
        self.facts = facts
        self.made: dict[tuple[str, int], _Made] = {}
        self.latest: dict[str, _Made] = {}
        self.views: dict[int, tuple[TargetView, ...]] = {}


@value
class _Kept:
    """The radio as it was last seen, and what that holds for."""

    readings: Mapping[str, Reading]
    link: str
    used_at: float | None
    wakes: tuple[WakeAfter, ...]
    holds_until: float
    radio: Radio


class Views:
    """See the module."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._seen: dict[str, _Seen] = {}
        self._of: dict[str, _Of] = {}
        self._foreseen = Foreseen(known)
        self._radio: _Kept | None = None

    def seen(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...] | None:
        """Return the views that were last made for the model, where they still hold. May be asked at any moment, by any
        thread, whatever others are learning."""
        seen = self._seen.get(facts.model)
        if (
            seen is not None
            and seen.version == self._known.version
            and seen.readings is readings
            and seen.upload_bytes == upload_bytes
            and now < seen.holds_until
            and seen.silence == self._known.radios.silence(seen.link, now)
        ):
            return seen.views
        return None

    def hold_until(
        self,
        facts: ModelFacts,
        upload_bytes: int,
        readings: Mapping[str, Reading],
        now: float,
        views: tuple[TargetView, ...],
        radio: Radio | None,
    ) -> float:
        """Return an instant before which `seen` returns `views` and `radio` returns `radio`, as at `now`, unless
        something is learnt or read; minus infinity where they do not even now. May be asked as `seen` may."""
        seen, kept = self._seen.get(facts.model), self._radio
        if (
            seen is None
            or seen.views is not views
            or seen.readings is not readings
            or self.seen(facts, upload_bytes, readings, now) is not views
        ):
            return -math.inf
        holds_until = min(seen.holds_until, self._known.radios.next_silence_at(seen.link, now))
        if radio is None:
            return holds_until
        if (
            kept is None
            or kept.radio is not radio
            or kept.readings is not readings
            or self.radio(readings, now) is not radio
        ):
            return -math.inf
        return min(holds_until, kept.holds_until)

    def make(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return the views for a request."""
        known = self._known
        of = self._of.get(facts.model)
        if of is None or of.facts is not facts:
            of = self._of[facts.model] = _Of(facts)
        version, link = known.version, known.link(readings, now)
        known.link_now = link
        holds_until = _expires(known, readings.get("link"), now)
        # All round trips first: whatever was measured has used the radio, which the targets share.
        trips: dict[str, tuple[bool, Times | None]] = {}
        for target in facts.targets:
            if target.kind is not Kind.DEVICE:
                reading = known.fresh(readings.get(target.reads), now)
                trips[target.name] = reading is not None, known.round_trip_s(target.name, link, reading)
                holds_until = min(holds_until, _expires(known, reading, now))
        silence = known.radios.silence(link, now)
        views = []
        for target in facts.targets:
            one = self._view(of, target, upload_bytes, link, silence, trips.get(target.name), now)
            holds_until = min(holds_until, one.holds_until)
            views.append(one.view)
        before = of.views.get(silence)
        if before is None or any(one is not other for one, other in zip(views, before, strict=True)):
            last = self._seen.get(facts.model)
            if last is not None and all(one is other for one, other in zip(views, last.views, strict=True)):
                before = last.views  # after another silence, which makes no difference
            else:
                before = tuple(views)
            of.views[silence] = before
        self._seen[facts.model] = _Seen(version, readings, upload_bytes, link, silence, holds_until, before)
        return before

    def imagine(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return the views as they would be with other readings: nothing is learnt from those, and nothing of what is
        known was passed over for a request that nobody made."""
        known = self._known
        link = known.link(readings, now)
        silence = known.radios.silence(link, now)
        views: list[TargetView] = []
        for target in facts.targets:
            book = known.book(target.name, facts.model)
            if target.kind is Kind.DEVICE:
                views.append(self._device(facts.model, target, book, now)[0])
                continue
            reading = known.fresh(readings.get(target.reads), now)
            trip_s = known.imagined_s(target.name, link, reading)
            way = known.imagined_way(
                target.name, target.kind, facts.model, upload_bytes, link, reading is not None, trip_s
            )
            views.append(self._remote(facts.model, target, book, way, trip_s, silence, now, upload_bytes)[0])
        return tuple(views)

    def radio(self, readings: Mapping[str, Reading], now: float) -> Radio:
        """Return the radio as a decision sees it: the same object until something has changed. May be asked as `seen`
        may."""
        known, kept = self._known, self._radio
        radios, gaps_s = known.radios, known.gaps.quantiles_s
        if (
            kept is not None
            and kept.readings is readings
            and now < kept.holds_until
            and kept.radio.gaps_s is gaps_s
            and kept.used_at == radios.used_at(kept.link)
            and kept.wakes is radios.wakes(kept.link).after
        ):
            return kept.radio
        link, holds_until = known.link(readings, now), _expires(known, readings.get("link"), now)
        used_at, wakes = radios.used_at(link), radios.wakes(link).after
        if (
            kept is not None
            and kept.link == link
            and kept.used_at == used_at
            and kept.wakes is wakes
            and kept.radio.gaps_s is gaps_s
        ):
            radio = kept.radio
        else:
            radio = radios.seen(link, gaps_s)
        self._radio = _Kept(readings, link, used_at, wakes, holds_until, radio)
        return radio

    def _view(
        self,
        of: _Of,
        target: TargetFacts,
        upload_bytes: int,
        link: str,
        silence: int,
        trip: tuple[bool, Times | None] | None,
        now: float,
    ) -> _Made:
        """Return a view, the one that was made before where that still holds. `trip` is None for the device."""
        known, model = self._known, of.facts.model
        key = (target.name, silence if trip is not None else 0)
        one = of.made.get(key)
        measured, trip_s = trip or (False, None)
        if (
            one is not None
            and one.mark == known.mark(target.name)
            and now < one.holds_until
            and (
                trip is None
                or (
                    one.trip_s is trip_s
                    and one.measured is measured
                    and one.link == link
                    and one.upload_bytes == upload_bytes
                )
            )
        ):
            return one
        book = known.book(target.name, model)
        book.recency.look(now, known.policy.estimates.forget_after_s)
        if trip is None:
            view, holds_until = self._device(model, target, book, now)
        else:
            path = known.path(target.name, link)
            if path.look(upload_bytes, book.reply_bytes, now):
                known.changed(target.name)
                trip_s = path.round_trip_s(measured)
            if book.cells.look((measured, link, silence), now):
                known.changed(target.name)
            way = known.way(target.name, target.kind, model, upload_bytes, link, measured, trip_s)
            view, holds_until = self._remote(model, target, book, way, trip_s, silence, now, upload_bytes)
        like = one or of.latest.get(target.name)
        if like is not None and like.view == view:
            view = like.view
        made = _Made(known.mark(target.name), link, upload_bytes, measured, trip_s, holds_until, view)
        of.made[key] = of.latest[target.name] = made
        return made

    def _device(self, model: str, target: TargetFacts, book: Book, now: float) -> tuple[TargetView, float]:
        """Return a view, and until when it holds."""
        known = self._known
        serves, why_not = _serves(target, book, now)
        prior_s = known.device_prior()
        time = book.run_time(prior_s)
        state, why_out = known.rest_of(model)
        admits = breaker.admits(state, known.policy.breaker, now)
        if serves and not admits:
            why_not = why_out
        view = TargetView(
            target.name,
            target.kind,
            serves,
            why_not,
            0,
            target.upload_limit_bytes,
            time,
            book.p_fail(now),
            target.p_wrong,
            breaker.phase(state, now),
            admits,
        )
        return view, min(book.changes_at(now), _or_never(state.open_until, now))

    def _remote(
        self,
        model: str,
        target: TargetFacts,
        book: Book,
        way: Way,
        trip_s: Times | None,
        silence: int,
        now: float,
        upload_bytes: int,
    ) -> tuple[TargetView, float]:
        """Return a view, and until when it holds as long as the radio is as silent as it is."""
        known, link = self._known, way.link
        serves, why_not = _serves(target, book, now)
        path = known.path(target.name, link)
        up, down = path.up.seconds_per_byte, path.down.seconds_per_byte
        queue_s = book.advice.queue_wait_s(now)
        time, times_after = self._foreseen.times(target.name, model, book, way, silence, queue_s)
        state = known.breaker_of(target.name)
        view = TargetView(
            target.name,
            target.kind,
            serves,
            why_not,
            upload_bytes,
            target.upload_limit_bytes,
            time,
            book.p_fail(now),
            target.p_wrong,
            breaker.phase(state, now),
            breaker.admits(state, known.policy.breaker, now),
            queue_s,
            book.advice.stay_local_s(now),
            book.advice.pushback_s(now),
            None if book.replies_bytes is None else book.reply_bytes,
            None if trip_s is None else trip_s[MEDIAN],
            None if up is None else 1 / up,
            None if down is None else 1 / down,
            times_after,
        )
        forgotten_at = min(
            book.changes_at(now), path.changes_at(now), book.cells.changes_at((way.measured, link, silence), now)
        )
        return view, min(forgotten_at, _or_never(state.open_until, now))


def _serves(target: TargetFacts, book: Book, now: float) -> tuple[bool, str]:
    if target.serves and now < book.absent_until:
        return False, "the model was not there, or not ready, a moment ago"
    return target.serves, target.why_not


def _expires(known: Known, reading: Reading | None, now: float) -> float:
    return math.inf if reading is None else _or_never(reading.at + known.stale_after(reading.name), now)


def _or_never(instant: float | None, now: float) -> float:
    return math.inf if instant is None or instant < now else instant
