"""Every target as it looks to a request, made from what is known. Pure.

A view is made anew only when something about its target has changed, or time alone has: what is forgotten, a breaker
that half-opens, a radio that falls asleep. Two requests in a row mostly see the same tuple."""

from __future__ import annotations

import math
from collections.abc import Mapping

from router import breaker
from router.estimates import SILENCES_S
from router.experience.book import Book
from router.experience.facts import ModelFacts, TargetFacts
from router.experience.known import Known
from router.predict import MEDIAN, after_queue
from router.types import Kind, Radio, Reading, TargetView, TimeAfter, TimeEstimate
from router.values import value

__all__ = ["Views"]


@value
class _Seen:
    """The views last made for a model, and what they hold for."""

    version: int
    readings: Mapping[str, Reading]
    upload_bytes: int
    holds_until: float
    views: tuple[TargetView, ...]


@value
class _Made:
    """One view, and what it was made of: `raw` is the reading of its round trip, fresh or not."""

    mark: int
    raw: Reading | None
    link: str
    upload_bytes: int
    holds_until: float
    view: TargetView


@value
class _Kept:
    """The radio as it was last seen, and what that holds for."""

    version: int
    readings: Mapping[str, Reading]
    gaps_s: tuple[float, ...]
    holds_until: float
    radio: Radio


class Views:
    """See the module."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._seen: dict[str, _Seen] = {}
        self._made: dict[str, tuple[ModelFacts, list[_Made | None]]] = {}
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
        ):
            return seen.views
        return None

    def make(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return the views for a request."""
        known = self._known
        version, link = known.version, known.link(readings, now)
        known.link_now = link
        before = self._made.get(facts.model)
        if before is None or before[0] is not facts:
            before = self._made[facts.model] = facts, [None] * len(facts.targets)
        made, same, holds_until = before[1], True, math.inf
        for i, target in enumerate(facts.targets):
            one, remote = made[i], target.kind is not Kind.DEVICE
            raw = readings.get(target.reads) if remote else None
            if (
                one is None
                or one.mark != known.mark(target.name)
                or now >= one.holds_until
                or (remote and (one.raw is not raw or one.link != link or one.upload_bytes != upload_bytes))
            ):
                view, until = self._one(facts.model, target, upload_bytes, link, raw, readings, now)
                if one is not None and one.view == view:
                    view = one.view
                else:
                    same = False
                one = made[i] = _Made(known.mark(target.name), raw, link, upload_bytes, until, view)
            holds_until = min(holds_until, one.holds_until)
        seen = self._seen.get(facts.model)
        views = seen.views if same and seen is not None else tuple(one.view for one in made if one is not None)
        self._seen[facts.model] = _Seen(version, readings, upload_bytes, holds_until, views)
        return views

    def imagine(
        self, facts: ModelFacts, upload_bytes: int, readings: Mapping[str, Reading], now: float
    ) -> tuple[TargetView, ...]:
        """Return the views as they would be with other readings: nothing is learnt from those, and nothing of what is
        known was passed over for a request that nobody made."""
        link = self._known.link(readings, now)
        return tuple(
            self._one(
                facts.model, target, upload_bytes, link, readings.get(target.reads), readings, now, imagined=True
            )[0]
            for target in facts.targets
        )

    def radio(self, readings: Mapping[str, Reading], now: float) -> Radio:
        """Return the radio as a decision sees it: the same object until something has changed. May be asked as `seen`
        may."""
        known, kept = self._known, self._radio
        gaps_s = known.gaps.quantiles_s
        if (
            kept is not None
            and kept.readings is readings
            and kept.version == known.version
            and kept.gaps_s is gaps_s
            and now < kept.holds_until
        ):
            return kept.radio
        version, holds_until = known.version, math.inf
        link = readings.get("link")
        if link is not None:
            holds_until = _or_never(link.at + known.policy.stale_after("link"), now)
        radio = known.radios.seen(known.link(readings, now), gaps_s)
        if kept is not None and kept.radio == radio:
            radio = kept.radio
        self._radio = _Kept(version, readings, gaps_s, holds_until, radio)
        return radio

    def _one(
        self,
        model: str,
        target: TargetFacts,
        upload_bytes: int,
        link: str,
        raw: Reading | None,
        readings: Mapping[str, Reading],
        now: float,
        *,
        imagined: bool = False,
    ) -> tuple[TargetView, float]:
        """Return a view, and until when it holds."""
        known = self._known
        book = known.book(target.name, model)
        if not imagined:
            book.recency.look(now, known.policy.estimates.forget_after_s)
        if target.kind is Kind.DEVICE:
            return self._device(model, target, book, now)
        view, holds_until = self._remote(model, target, book, upload_bytes, link, known.fresh(raw, now), now, imagined)
        linked = readings.get("link")
        if linked is not None:
            holds_until = min(holds_until, _or_never(linked.at + known.policy.stale_after("link"), now))
        return view, holds_until

    def _device(self, model: str, target: TargetFacts, book: Book, now: float) -> tuple[TargetView, float]:
        known = self._known
        serves, why_not = _serves(target, book, now)
        prior_s = known.device_prior()
        time = TimeEstimate(prior_s, 0)
        if not book.recency.forgotten:
            time = book.runs.estimate(prior_s[MEDIAN], time)
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
            book.failures.value(now) or 0.0,
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
        upload_bytes: int,
        link: str,
        reading: Reading | None,
        now: float,
        imagined: bool,
    ) -> tuple[TargetView, float]:
        known = self._known
        serves, why_not = _serves(target, book, now)
        path, radios = known.path(target.name, link), known.radios
        if not imagined:
            path.look(upload_bytes, book.reply_bytes, now)
        up, down = path.up.seconds_per_byte, path.down.seconds_per_byte
        queue_s = book.advice.queue_wait_s(now)

        way = known.way(target.name, target.kind, model, upload_bytes, link, reading, imagined=imagined)
        index, wakes, base_s = radios.silence(link, now), radios.wakes(link), way.base_s

        def time_after(silence: int) -> TimeEstimate:
            if book.recency.forgotten:
                return after_queue(way.prior(wakes, silence), queue_s)
            key = (way.measured, link, silence)
            time = book.cells.estimate(
                key, base_s, wakes.medians_s[silence], way.blind, lambda: way.prior(wakes, silence)
            )
            return after_queue(time, queue_s)

        time = time_after(index)
        times_after: tuple[TimeAfter, ...] = ()
        if radios.sleeps(link) and wakes.after:
            before: TimeEstimate | None = None
            for at, idle_s in enumerate(SILENCES_S):
                after = time if at == index else time_after(at)
                if after != before:
                    times_after += (TimeAfter(idle_s, after),)
                    before = after
        state = known.breaker_of(target.name)
        trip_s = way.round_trip_s
        view = TargetView(
            target.name,
            target.kind,
            serves,
            why_not,
            upload_bytes,
            target.upload_limit_bytes,
            time,
            book.failures.value(now) or 0.0,
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
        holds_until = min(
            book.changes_at(now),
            path.changes_at(now),
            radios.changes_at(link, now),
            _or_never(state.open_until, now),
            math.inf if reading is None else _or_never(reading.at + known.policy.stale_after(reading.name), now),
        )
        return view, holds_until


def _serves(target: TargetFacts, book: Book, now: float) -> tuple[bool, str]:
    if target.serves and now < book.absent_until:
        return False, "the model was not there, or not ready, a moment ago"
    return target.serves, target.why_not


def _or_never(instant: float | None, now: float) -> float:
    return math.inf if instant is None or instant < now else instant
