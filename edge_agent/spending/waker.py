"""Wakes the radio for the requests to come, once one was answered on the device: off its thread, one at a time.

Two small calls that ask a target for its life; nothing of the request is sent, and nobody waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from edge_agent.experience import Experience
from edge_agent.spending.ledger import Ledger
from edge_agent.telemetry.metrics import Metrics
from router.choosing.options import WAKE_BYTES
from router.types import Radio, Reading

if TYPE_CHECKING:
    from edge_agent.egress.remote import Remote

__all__ = ["Waker"]


class Waker:
    """See the module."""

    def __init__(self, *, experience: Experience, ledger: Ledger, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._experience = experience
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._busy = threading.Lock()

    def wake(self, remote: Remote, radio: Radio | None, readings: Mapping[str, Reading]) -> None:
        """Begin to wake the radio, unless that is under way already."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            thread = threading.Thread(
                target=self._wake, args=(remote, radio, readings), name="nearfar-waker", daemon=True
            )
            thread.start()
        except BaseException:
            self._busy.release()
            raise

    def _wake(self, remote: Remote, radio: Radio | None, readings: Mapping[str, Reading]) -> None:
        from edge_agent.egress.failure import RemoteFailure

        began = self._clock()
        idle_s = float("inf") if radio is None or radio.used_at is None else max(0.0, began - radio.used_at)
        outcome = "woken"
        try:
            remote.round_trip_s()
        except RemoteFailure:
            outcome = "failed"
        finally:
            now = self._clock()
            self._experience.radio_used(readings, now)
            self._ledger.woke(None if radio is None else radio.kind, now - began, WAKE_BYTES, idle_s)
            self._metrics.woke(outcome)
            self._busy.release()
