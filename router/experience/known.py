"""All that was learnt, by what it is of, and what it lets one foresee. Pure: holds no clock and no lock.

Whoever changes a part says so with `changed`, so that views of the others need not be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router.choosing.predict import Times
from router.estimates import DevicePower, Gaps, Share, around
from router.experience.book import Book
from router.experience.path import Path
from router.experience.radios import UNKNOWN, Radios, link_kind
from router.experience.way import Way
from router.rules.policy import Policy
from router.running import breaker
from router.running.breaker import BreakerState
from router.types import DEVICE, Kind, Reading
from router.values import value

__all__ = ["Known"]

_AT_WORK: Final = (breaker.CLOSED, "")
_HAIR: Final = 0.03  # of a prediction: ratios are told to a twentieth


@value
class _Seen:
    """The way that a model's calls were last seen to have before them, and what it holds for."""

    mark: int
    upload_bytes: int
    trip_s: Times | None
    way: Way


class Known:
    """See the module."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.books: dict[tuple[str, str], Book] = {}
        self.paths: dict[tuple[str, str], Path] = {}
        """By target and kind of link."""
        self.radios = Radios()
        self.link_now = UNKNOWN
        """As the last request saw it."""
        self.gaps = Gaps()
        self.power = DevicePower()
        self.escalations: dict[str, Share] = {}
        self.breakers: dict[str, BreakerState] = {}
        self.rests: dict[str, tuple[BreakerState, str]] = {}
        self.version = 0
        """Rises with everything that may change a view, but for the silence of a radio and what is read."""
        self._ways: dict[tuple[str, str], _Seen] = {}
        self._stale_after_s: dict[str, float] = {}
        self._marks: dict[str, int] = {}
        self._adopted = 0

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        old, self.policy = self.policy, policy
        if policy.estimates != old.estimates or not policy.believes_the_same_of_targets(old):
            # Ratios are to the old beliefs: under others the same ratio is another time.
            self.books.clear()
            self.paths.clear()
            self.escalations.clear()
        if not policy.escalates_alike(old):
            self.escalations.clear()
        if policy.breaker != old.breaker:
            self.breakers.clear()
        self._ways.clear()
        self._stale_after_s.clear()
        self.all_changed()

    def mark(self, target: str) -> int:
        """Return the version at which something about a target last changed."""
        return self._marks.get(target, self._adopted)

    def changed(self, target: str) -> None:
        """Say that something about a target is not as it was."""
        self.version += 1
        self._marks[target] = self.version

    def all_changed(self) -> None:
        """Say that something about every target is not as it was."""
        self.version += 1
        self._marks.clear()
        self._adopted = self.version

    def book(self, target: str, model: str) -> Book:
        """Return what is known of a model on a target."""
        book = self.books.get((target, model))
        if book is None:
            book = self.books[target, model] = Book(self.policy.estimates, device=target == DEVICE)
        return book

    def path(self, target: str, link: str) -> Path:
        """Return what is known of the way to a target."""
        path = self.paths.get((target, link))
        if path is None:
            path = self.paths[target, link] = Path(self.policy.estimates, link)
        return path

    def breaker_of(self, target: str) -> BreakerState:
        """Return a remote target's breaker."""
        return self.breakers.get(target, breaker.CLOSED)

    def rest_of(self, model: str) -> tuple[BreakerState, str]:
        """Return whether the device's model is out of use, and why."""
        return self.rests.get(model, _AT_WORK)

    def device_prior(self) -> Times:
        """Return what is believed of the device."""
        return self.policy.terms_for(DEVICE, Kind.DEVICE).prior_s

    def link(self, readings: Mapping[str, Reading], now: float) -> str:
        """Return the kind of link that the device has now."""
        return link_kind(readings, self.stale_after("link"), now)

    def stale_after(self, name: str) -> float:
        """See Policy.stale_after: looked up once for each signal."""
        found = self._stale_after_s.get(name)
        if found is None:
            found = self._stale_after_s[name] = self.policy.stale_after(name)
        return found

    def fresh(self, reading: Reading | None, now: float) -> Reading | None:
        """Return a round trip that was measured a moment ago; None where it was not."""
        if reading is None or not isinstance(reading.value, float):
            return None
        return reading if now - reading.at <= self.stale_after(reading.name) else None

    def round_trip_s(self, target: str, link: str, reading: Reading | None) -> Times | None:
        """Learn from a round trip that is fresh, once, and return what is to be predicted with: the same tuple until it
        has changed by more than a hair."""
        path = self.path(target, link)
        if reading is not None and path.hear(reading, self.stale_after(reading.name)):
            self.radios.used(link, reading.at)
        return path.round_trip_s(reading is not None)

    def way(
        self, target: str, kind: Kind, model: str, upload_bytes: int, link: str, measured: bool, trip_s: Times | None
    ) -> Way:
        """Return what a call has before it, with the radio awake and a round trip that was `measured` or not: the same
        one until its prediction has changed by more than a hair. A pace that is twice what it was is no news to a
        request of a few bytes."""
        mark = self.mark(target)
        last = self._ways.get((target, model))
        if last is not None and last.way.measured is measured and last.way.link == link:
            if last.mark == mark and last.upload_bytes == upload_bytes and last.trip_s is trip_s:
                return last.way
            way = self.imagined_way(target, kind, model, upload_bytes, link, measured, trip_s)
            if way.blind is last.way.blind and abs(way.base_s - last.way.base_s) <= _HAIR * last.way.base_s:
                way = last.way
        else:
            way = self.imagined_way(target, kind, model, upload_bytes, link, measured, trip_s)
        self._ways[target, model] = _Seen(mark, upload_bytes, trip_s, way)
        return way

    def imagined_way(
        self, target: str, kind: Kind, model: str, upload_bytes: int, link: str, measured: bool, trip_s: Times | None
    ) -> Way:
        """Return what a call would have before it, to the letter; nothing is kept of it."""
        service_s = self.policy.terms_for(target, kind).prior_s
        up_s, down_s = self.path(target, link).carried_s(upload_bytes, self.book(target, model).reply_bytes)
        return Way(measured, link, service_s, trip_s, up_s + down_s)

    def imagined_s(self, target: str, link: str, reading: Reading | None) -> Times | None:
        """Return the round trip to be predicted with, where one that is imagined is taken at its word."""
        path = self.path(target, link)
        if reading is None or not isinstance(reading.value, float):
            return path.round_trip_s(False)
        return around(reading.value / 1000, path.probed.deviation_s)
