"""All that was learnt, by what it is of, and what it lets one foresee. Pure: holds no clock and no lock.

Whoever changes a part says so with `changed`, so that views of the others need not be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from router import breaker
from router.breaker import BreakerState
from router.estimates import DevicePower, Gaps, Share, around
from router.experience.book import Book
from router.experience.path import Path
from router.experience.radios import UNKNOWN, Radios, link_kind
from router.experience.way import Way
from router.policy import Policy
from router.predict import Times
from router.types import DEVICE, Kind, Reading

__all__ = ["Known"]

_AT_WORK: Final = (breaker.CLOSED, "")


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
        """Rises with everything that may change a view."""
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
        self._marks.clear()
        self.version += 1
        self._adopted = self.version

    def mark(self, target: str) -> int:
        """Return the version at which something about a target last changed."""
        return self._marks.get(target, self._adopted)

    def changed(self, target: str) -> None:
        """Say that something about a target is not as it was."""
        self.version += 1
        self._marks[target] = self.version

    def radio_used(self, link: str, now: float) -> None:
        """Note that remote traffic went over a link: to every target it is not as silent as it was."""
        before = self.radios.silence(link, now)
        self.radios.used(link, now)
        self.version += 1
        if self.radios.silence(link, now) != before:
            self._marks.clear()
            self._adopted = self.version

    def book(self, target: str, model: str) -> Book:
        """Return what is known of a model on a target."""
        book = self.books.get((target, model))
        if book is None:
            book = self.books[target, model] = Book(self.policy.estimates)
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
        return link_kind(readings, self.policy.stale_after("link"), now)

    def fresh(self, reading: Reading | None, now: float) -> Reading | None:
        """Return a round trip that was measured a moment ago; None where it was not."""
        if reading is None or not isinstance(reading.value, float):
            return None
        return reading if now - reading.at <= self.policy.stale_after(reading.name) else None

    def way(
        self,
        target: str,
        kind: Kind,
        model: str,
        upload_bytes: int,
        link: str,
        reading: Reading | None,
        *,
        imagined: bool = False,
    ) -> Way:
        """Return what a call has before it, with the radio awake. `reading` is a round trip that is fresh, or None; one
        that is `imagined` is taken at its word, and nothing is learnt from it."""
        path = self.path(target, link)
        if reading is not None and not imagined and path.hear(reading, self.policy.stale_after(reading.name)):
            self.radios.used(link, reading.at)
        service_s = self.policy.terms_for(target, kind).prior_s
        if imagined and reading is not None and isinstance(reading.value, float):
            trip_s: Times | None = around(reading.value / 1000, path.probed.deviation_s)
        else:
            trip_s = path.round_trip_s(reading is not None)
        up_s, down_s = path.carried_s(upload_bytes, self.book(target, model).reply_bytes)
        return Way(reading is not None, link, service_s, trip_s, up_s + down_s)
