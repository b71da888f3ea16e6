"""Reads the sources in the background and keeps one immutable snapshot of what they said.

The snapshot is replaced, never changed: a request takes it with one attribute load and no lock, and sees one state of
it however long it looks. The machine's own sensors share a thread; every other source has one of its own, because it
may take its time. One that hangs holds up nobody else: its last readings stay and grow old, and an old reading is
unknown to a decision. A reading's `at` is the sampler's clock before the source was asked, so an age is never
understated.

After a fork the child has no threads, and knows nothing until it calls `start`. Does not judge freshness, but to let
the app's claims fill in for what is no longer known: what is too old is the policy's to say."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from edge_agent.signals.intake import check_names
from edge_agent.signals.merge import merge
from edge_agent.signals.slot import Slot, Taken
from edge_agent.signals.source import Pushed, Source
from edge_agent.signals.status import SignalStatus, SourceHealth, signal_statuses, usual_stale_after_s
from edge_agent.signals.together import Together
from router.types import Reading

__all__ = ["Sampler"]

_log = logging.getLogger("nearfar.signals")

# Long enough for every healthy source's first reading (some 30 ms, most of it the import of psutil), and short enough
# that a hanging one does not make an app's start feel stuck.
SETTLE_S: Final = 0.25
STOP_S: Final = 1.0
"""How long `stop` waits for readings under way, all together."""

_NOTHING: Final[Mapping[str, Reading]] = MappingProxyType({})


class Sampler:
    """Where two sources tell the same signal, the later one in `sources` wins, also when it knows nothing; until it
    was read for the first time, the earlier one shows."""

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        together: Sequence[Source] = (),
        claims: Sequence[Source] = (),
        pushed: Sequence[Pushed] = (),
        clock: Callable[[], float] = time.monotonic,
        stale_after_s: Callable[[str], float] = usual_stale_after_s,
    ) -> None:
        """`together` are read by one thread, after `sources` in order. What the app says fills in for what neither
        knows: what it is asked for in `claims`, each by a thread of its own, and what it has `pushed`.

        Raises ConfigError: a source tells something that is no signal."""
        for source in (*sources, *together, *claims, *pushed):
            check_names(source.names, source.describe)
        alone = [Slot(source) for source in sources]
        shared = [Slot(source) for source in together]
        asked = [Slot(source) for source in claims]
        # What the app says of its own accord its system has told it, once: there is no second sample to wait for.
        told = [Slot(source, believes=True) for source in pushed]
        self._alone = (*alone, *asked)
        self._together = (*shared, *told)
        self._measured = (*alone, *shared)
        self._claimed = (*told, *asked)
        self._slots = (*self._measured, *self._claimed)
        self._pushed = tuple(zip(pushed, told, strict=True))
        self._clock = clock
        self._stale_after_s = stale_after_s
        self._forget()
        if hasattr(os, "register_at_fork"):
            # A registration lasts as long as the process; the weak reference lets the sampler go before that.
            weak = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: None if (alive := weak()) is None else alive._forget())

    def _forget(self) -> None:
        self._snapshot = _NOTHING
        self._holds_until = math.inf
        self._lock = threading.Lock()  # over the slots' fields and the swap of the snapshot; never while reading
        self._lifecycle = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._relay: Together | None = None
        for slot in self._slots:
            slot.forget()

    # -- the request's side --------------------------------------------------------------------------------------------

    def snapshot(self) -> Mapping[str, Reading]:
        """Return the latest readings by name: the same object until one of them is replaced, or what the app said has
        ceased to hold."""
        if self._holds_until != math.inf and self._clock() > self._holds_until:
            for _, slot in self._pushed:
                self._read(slot, None)
        return self._snapshot

    # -- the life of the threads ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start sampling, and wait a moment for the first readings; does nothing where it is running already."""
        with self._lifecycle:
            if self._threads or self._relay is not None:
                return
            stopping = self._stopping = threading.Event()
            for slot in self._slots:
                slot.restart()
            for slot in self._alone:
                name = f"nearfar-signal {slot.source.describe}"
                thread = threading.Thread(target=self._sample, args=(slot, stopping), name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
            if self._together:
                self._relay = Together(self._together, self._read, clock=self._clock, stopping=stopping)
                self._relay.start()
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
            relay = [] if self._relay is None else self._relay.threads
            for thread in [*self._threads, *relay]:
                thread.join(max(0.0, stopped_at - time.monotonic()))
            self._threads, self._relay = [], None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _sample(self, slot: Slot, stopping: threading.Event) -> None:
        wait_s = 0.0
        while not stopping.wait(wait_s):
            if slot.is_due(self._clock()):
                self._read(slot, stopping)
            wait_s = slot.pause_s(self._clock())

    # -- reading -------------------------------------------------------------------------------------------------------

    def sample_due(self) -> None:
        """Read in the calling thread what is due now: what the threads do, for whoever drives the clock itself."""
        now = self._clock()
        for slot in self._slots:
            if slot.is_due(now):
                self._read(slot, None)

    def sample_now(self, *sources: Source) -> None:
        """Read the given sources in the calling thread, due or not; none given: all that wait for no demand.

        Takes as long as they do."""
        for slot in self._slots:
            if slot.source in sources if sources else slot.source.demand is None:
                self._read(slot, None)

    def _read(self, slot: Slot, stopping: threading.Event | None) -> None:
        # Whoever finds it being read waits for that to end, but not for ever, and then reads for itself or gives up.
        if not slot.busy.acquire(timeout=SETTLE_S):
            return
        try:
            at = self._clock()
            taken = slot.take(at)
            cost_s = self._clock() - at
            with self._lock:
                if stopping is not None and stopping.is_set():
                    return
                slot.keep(taken, at, cost_s)
                self._publish()
            self._log_change(slot, taken)
            slot.read_once.set()
        finally:
            slot.busy.release()

    def _publish(self) -> None:
        readings = merge(
            [slot.readings for slot in self._measured],
            [slot.readings for slot in self._claimed],
            self._clock(),
            self._stale_after_s,
        )
        # Seen at the moment, and not at the next reading: what is said to hold for a second would hold for two.
        self._holds_until = min((source.holds_until for source, _ in self._pushed), default=math.inf)
        self._snapshot = MappingProxyType(readings)

    def _log_change(self, slot: Slot, taken: Taken) -> None:
        error, refusing = taken.error, {name for name, trouble in taken.troubles if trouble == "value"}
        if error is not None and not slot.failing:
            told = slot.source.describe, type(error).__name__, ", ".join(slot.source.names)
            _log.warning("%s failed with %s; until it recovers these signals are unknown: %s", *told)
        elif error is None and slot.failing:
            _log.info("%s can be read again", slot.source.describe)
        if refusing - slot.refusing:
            names = ", ".join(sorted(refusing - slot.refusing))
            problem = "%s told a value that the signal cannot have; until it tells another it is unknown: %s"
            _log.warning(problem, slot.source.describe, names)
        slot.failing, slot.refusing = error is not None, refusing

    # -- what it can say about itself ----------------------------------------------------------------------------------

    def health(self) -> list[SourceHealth]:
        """Return how each source has fared, in their order."""
        with self._lock:
            return [slot.health() for slot in self._slots]

    def troubles(self) -> dict[tuple[str, str], int]:
        """Return how often a value was not taken as it was told, by signal and what was wrong, over all sources."""
        counted: Counter[tuple[str, str]] = Counter()
        for health in self.health():
            counted.update(health.troubles)
        return dict(counted)

    def statuses(self, stale_after_s: Callable[[str], float] | None = None) -> list[SignalStatus]:
        """Return each signal with value, source, age and cost; `stale_after_s` as the policy in force has it."""
        with self._lock:
            self._publish()  # what has grown old since the last reading gives way
            sources = [(slot.health(), slot.readings) for slot in self._slots]
            return signal_statuses(sources, self._snapshot, self._clock(), stale_after_s or self._stale_after_s)
