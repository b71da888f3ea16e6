"""Reads the sources in the background and keeps one immutable snapshot of what they said.

The snapshot is replaced, never changed: a request takes it with one attribute load and no lock, and sees one state of
it however long it looks. Each source has a thread of its own, so that one that hangs holds up nobody else: its last
readings stay and grow old, and an old reading is unknown to a decision. A reading's `at` is the sampler's clock before
the source was asked, so an age is never understated.

After a fork the child has no threads, and knows nothing until it calls `start`. Does not judge freshness: what is too
old is the policy's to say. A monotonic clock may stand still while the machine sleeps; after it wakes, a reading from
before looks as young as it did then, until the source's next turn."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from edge_agent.signals.intake import check_names, take, unknown
from edge_agent.signals.schedule import is_due, pause_s
from edge_agent.signals.source import Source
from edge_agent.signals.status import SignalStatus, SourceHealth, signal_statuses, usual_stale_after_s
from router.types import Reading

__all__ = ["Sampler"]

_log = logging.getLogger("nearfar.signals")

# Long enough for every healthy source's first reading (some 30 ms, most of it the import of psutil), and short enough
# that a hanging one does not make an app's start feel stuck.
SETTLE_S: Final = 0.25
STOP_S: Final = 1.0
"""How long `stop` waits for readings under way, all together."""

_NOTHING: Final[Mapping[str, Reading]] = MappingProxyType({})


class _Slot:
    """One source and what came of it. `busy` is held while it is read, the rest is written under the sampler's lock."""

    __slots__ = (
        "busy",
        "cost_s",
        "failing",
        "failures",
        "last_at",
        "read_once",
        "readings",
        "reads",
        "rejected",
        "source",
    )

    def __init__(self, source: Source) -> None:
        self.source = source
        self.last_at = -math.inf
        self.cost_s: float | None = None
        self.reads = 0
        self.failures = 0
        self.rejected = 0
        self.failing = False
        self.forget()

    def forget(self) -> None:
        """Drop the readings, and the locks with them: after a fork they may be held by a thread that is no more."""
        self.readings: dict[str, Reading] = {}
        self.busy = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """Be due at once, except where a demand is waited for: the last one was answered."""
        self.read_once = threading.Event()
        if self.source.demand is None:
            self.last_at = -math.inf

    @property
    def wanted_at(self) -> float | None:
        demand = self.source.demand
        return None if demand is None else demand.at

    def health(self) -> SourceHealth:
        s = self.source
        return SourceHealth(s.describe, s.names, s.interval_s, self.reads, self.failures, self.rejected, self.cost_s)


class Sampler:
    """Where two sources tell the same signal, the later one in `sources` wins, also when it knows nothing; until it
    was read for the first time, the earlier one shows."""

    def __init__(self, sources: Sequence[Source], *, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError: a source tells something that is no signal."""
        for source in sources:
            check_names(source.names, source.describe)
        self._slots = tuple(_Slot(source) for source in sources)
        self._clock = clock
        self._forget()
        if hasattr(os, "register_at_fork"):
            # A registration lasts as long as the process; the weak reference lets the sampler go before that.
            weak = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: None if (alive := weak()) is None else alive._forget())

    def _forget(self) -> None:
        self._snapshot = _NOTHING
        self._lock = threading.Lock()  # over the slots' fields and the swap of the snapshot; never while reading
        self._lifecycle = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        for slot in self._slots:
            slot.forget()

    # -- the request's side --------------------------------------------------------------------------------------------

    def snapshot(self) -> Mapping[str, Reading]:
        """Return the latest readings by name: the same object until one of them is replaced."""
        return self._snapshot

    # -- the life of the threads ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start sampling, and wait a moment for the first readings; does nothing where it is running already."""
        with self._lifecycle:
            if self._threads:
                return
            stopping = self._stopping = threading.Event()
            for slot in self._slots:
                slot.restart()
                name = f"nearfar-signal {slot.source.describe}"
                thread = threading.Thread(target=self._sample, args=(slot, stopping), name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
            settled_at = time.monotonic() + SETTLE_S
            for slot in self._slots:
                if slot.source.demand is None:
                    slot.read_once.wait(max(0.0, settled_at - time.monotonic()))

    def stop(self) -> None:
        """End the threads; a reading that is under way for longer than a second is left to itself and its result
        dropped. Safe to call twice. The snapshot stays, and grows old."""
        with self._lifecycle:
            self._stopping.set()
            stopped_at = time.monotonic() + STOP_S
            for thread in self._threads:
                thread.join(max(0.0, stopped_at - time.monotonic()))
            self._threads = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _sample(self, slot: _Slot, stopping: threading.Event) -> None:
        wait_s = 0.0
        while not stopping.wait(wait_s):
            now = self._clock()
            if is_due(now, slot.source.interval_s, slot.last_at, slot.wanted_at):
                self._read(slot, stopping)
                now = self._clock()
            wait_s = pause_s(now, slot.source.interval_s, slot.last_at, slot.wanted_at)

    # -- reading -------------------------------------------------------------------------------------------------------

    def sample_due(self) -> None:
        """Read in the calling thread what is due now: what the threads do, for whoever drives the clock itself."""
        now = self._clock()
        for slot in self._slots:
            if is_due(now, slot.source.interval_s, slot.last_at, slot.wanted_at):
                self._read(slot, None)

    def sample_now(self, *sources: Source) -> None:
        """Read the given sources in the calling thread, due or not; none given: all that wait for no demand.

        Takes as long as they do."""
        for slot in self._slots:
            if slot.source in sources if sources else slot.source.demand is None:
                self._read(slot, None)

    def _read(self, slot: _Slot, stopping: threading.Event | None) -> None:
        # Whoever finds it being read waits for that to end, but not for ever, and then reads for itself or gives up.
        if not slot.busy.acquire(timeout=SETTLE_S):
            return
        try:
            source = slot.source
            names = source.names
            at = self._clock()
            error: Exception | None = None
            rejected = 0
            try:
                readings, rejected = take(source.read(), names, source.describe, at)
            except Exception as raised:  # noqa: BLE001  a sensor may fail in any way; here that becomes "unknown"
                error = raised
                readings = unknown(names, source.describe, raised, at)
            cost_s = self._clock() - at
            with self._lock:
                if stopping is not None and stopping.is_set():
                    return
                slot.reads += 1
                slot.failures += error is not None
                slot.rejected += rejected
                slot.cost_s = cost_s
                slot.last_at = at
                slot.readings = readings
                self._publish()
            self._log_change(slot, error)
            slot.read_once.set()
        finally:
            slot.busy.release()

    def _publish(self) -> None:
        merged: dict[str, Reading] = {}
        for slot in self._slots:
            merged.update(slot.readings)
        self._snapshot = MappingProxyType(merged)

    def _log_change(self, slot: _Slot, error: Exception | None) -> None:
        if error is not None and not slot.failing:
            told = slot.source.describe, type(error).__name__, ", ".join(slot.source.names)
            _log.warning("%s failed with %s; until it recovers these signals are unknown: %s", *told)
        elif error is None and slot.failing:
            _log.info("%s can be read again", slot.source.describe)
        slot.failing = error is not None

    # -- what it can say about itself ----------------------------------------------------------------------------------

    def health(self) -> list[SourceHealth]:
        """Return how each source has fared, in their order."""
        with self._lock:
            return [slot.health() for slot in self._slots]

    def statuses(self, stale_after_s: Callable[[str], float] = usual_stale_after_s) -> list[SignalStatus]:
        """Return each signal with value, source, age and cost; `stale_after_s` as the policy in force has it."""
        with self._lock:
            sources = [(slot.health(), slot.readings) for slot in self._slots]
        return signal_statuses(sources, self._clock(), stale_after_s)
