"""What is known of the way to one target over one kind of link: round trip, and pace both ways. Pure."""

from __future__ import annotations

from typing import Final

from router.choosing.predict import Times
from router.estimates import EstimateSettings, Recency, RoundTrip, Throughput
from router.types import Reading

__all__ = ["Path"]


# Seconds per byte each way, before a transfer told. LTE carries 5.64 Mbit/s up and 12.74 down in the median: Huang et
# al., A Close Examination of Performance and Power Characteristics of 4G LTE Networks, MobiSys 2012. Of other links
# nobody can say: a cable or Wi-Fi is as fast as what is behind it.
_PACES: Final = {"cellular": (8 / 5.64e6, 8 / 12.74e6)}


class Path:
    """Shared by all models of the target: what crosses it is theirs, the way is the same."""

    __slots__ = ("_believed", "_read_at", "_settings", "called", "down", "probed", "recency", "up")

    def __init__(self, settings: EstimateSettings, link: str) -> None:
        self._settings = settings
        self._believed = _PACES.get(link, (0.0, 0.0))
        self.recency = Recency()
        self.probed = RoundTrip()
        """What was measured by itself."""
        self.called = RoundTrip()
        """What calls took beyond transfers and what is believed of the service: not the same measure, where the belief
        is off."""
        self.up = Throughput(settings)
        self.down = Throughput(settings)
        self._read_at = float("-inf")

    def hear(self, reading: Reading, holds_s: float) -> bool:
        """Learn from a reading of the round trip, once. Returns whether it was news."""
        if reading.at <= self._read_at or not isinstance(reading.value, float):
            return False
        if reading.at - self._read_at > holds_s:
            self.probed.restart()
        self._read_at = reading.at
        self.probed.observe(reading.value / 1000)
        return True

    def look(self, upload_bytes: int, download_bytes: int, now: float) -> bool:
        """Look at it for a request that may not be sent: see Recency.look."""
        forgotten = self.recency.look(now, self._settings.forget_after_s)
        forgotten = self.up.look(upload_bytes, now) or forgotten
        return self.down.look(download_bytes, now) or forgotten

    def asked(self) -> None:
        """A call is under way."""
        self.recency.asked()
        self.up.asked()
        self.down.asked()

    def seen(self, now: float) -> bool:
        """A call came back: what is learnt of it comes next. Returns whether the path had been forgotten."""
        forgotten = self.recency.seen(now)
        if forgotten:
            self.called.restart()
        return forgotten

    def round_trip_s(self, measured: bool) -> Times | None:
        """Return the round trip: as it was `measured` a moment ago, or else as calls tell."""
        if not measured and self.recency.forgotten:
            return None
        return (self.probed if measured else self.called).times_s

    def carried_s(self, upload_bytes: int, download_bytes: int) -> tuple[float, float]:
        """Return what the bytes take each way; 0 where nothing is known of the pace, and nothing believed."""
        up, down = self.up.seconds_per_byte, self.down.seconds_per_byte
        up, down = self._believed[0] if up is None else up, self._believed[1] if down is None else down
        return up * upload_bytes, down * download_bytes

    def learn_pace(self, sent_bytes: int, received_bytes: int, beyond_s: float, now: float) -> bool:
        """Learn from a call that took `beyond_s` longer than it would have with nothing to carry. Returns whether a
        pace has changed.

        Where both ways were long, each took its part of that: by the paces that are known, or else by its bytes."""
        least = Throughput.MEASURABLE_BYTES
        if sent_bytes < least and received_bytes < least:
            return False
        up_s, down_s = self.carried_s(sent_bytes, received_bytes)
        if sent_bytes < least:
            # The short way took what is known of it, and the long one the rest.
            return self.down.observe(received_bytes, beyond_s - up_s, now)
        if received_bytes < least:
            return self.up.observe(sent_bytes, beyond_s - down_s, now)
        if not (up_s and down_s):
            up_s, down_s = float(sent_bytes), float(received_bytes)
        share = up_s / (up_s + down_s)
        up = self.up.observe(sent_bytes, beyond_s * share, now)
        return self.down.observe(received_bytes, beyond_s * (1 - share), now) or up

    def knows(self, sent_bytes: int, received_bytes: int) -> bool:
        """Tell whether what these bytes take is known, or too little to matter."""
        least = Throughput.MEASURABLE_BYTES
        return (sent_bytes < least or self.up.seconds_per_byte is not None) and (
            received_bytes < least or self.down.seconds_per_byte is not None
        )

    def changes_at(self, now: float) -> float:
        """Return when time alone changes what is known."""
        forgotten_at = self.recency.changes_at(now, self._settings.forget_after_s)
        return min(forgotten_at, self.up.changes_at(now), self.down.changes_at(now))
