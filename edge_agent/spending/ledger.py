"""What was really spent: the router's Purse for many threads, written down so that a restart gives nothing again.

Runs and calls are charged when they end, or when they begin where that settles what they cost, whoever lost and
whatever was cancelled. One lock over everything; a policy without budgets takes none on the way of a request."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from edge_agent.spending.kept import load, save
from router.rules.policy import Policy
from router.spending.purse import Purse
from router.spending.radio import WakeLog
from router.types import BudgetView, Kind, Reading, Resource, Situation

__all__ = ["Ledger"]

FILE_NAME: Final = "budgets.json"
# What a process that is killed without a word may forget to have spent.
_SAVE_EVERY_S: Final = 5.0
_STOP_S: Final = 1.0
_LOOK_S: Final = 1.0
"""How often it is seen whether a charger is connected, whatever is read."""


class Ledger:
    """See the module. `clock` is the agent's own, `utc` the wall's; `folder` None: begun anew each time."""

    def __init__(
        self, policy: Policy, *, clock: Callable[[], float], utc: Callable[[], float], folder: Path | None = None
    ) -> None:
        self._lock = threading.Lock()
        self._policy = policy
        self._clock = clock
        self._utc = utc
        self._path = None if folder is None else folder / FILE_NAME
        kept, self.problem = ((), "") if self._path is None else load(self._path)
        """What is wrong with what was written down; empty where nothing is."""
        self.purse: Final = Purse(policy, now=clock(), utc_s=utc(), kept=kept)
        self._saved = self.purse.states
        self._readings: Mapping[str, Reading] | None = None
        self._looked_at = clock()
        self.wakes = WakeLog()
        """Of late; replaced whole."""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def adopt(self, policy: Policy) -> None:
        """Go on under a new policy."""
        with self._lock:
            self.purse.adopt(policy, now=self._clock(), utc_s=self._utc())
            self._policy = policy
            self._readings = None

    # -- for a decision ------------------------------------------------------------------------------------------------

    def views(self, readings: Mapping[str, Reading], now: float) -> tuple[BudgetView, ...]:
        """Return how the budgets stand: the same tuple until something has changed."""
        if not self._policy.budgets:
            return ()
        if readings is self._readings and now - self._looked_at < _LOOK_S:
            seen = self.purse.seen(now)
            if seen is not None:
                return seen
        with self._lock:
            if readings is not self._readings or now - self._looked_at >= _LOOK_S:
                self._look(readings, now)
            return self.purse.views(now=now, utc_s=self._utc())

    def exact_views(self, readings: Mapping[str, Reading], now: float) -> tuple[BudgetView, ...]:
        """Return how the budgets stand, for whoever reports it: a decision may know of the last few runs later."""
        with self._lock:
            self.purse.settle()
        return self.views(readings, now)

    def _look(self, readings: Mapping[str, Reading], now: float) -> None:
        """See whether external power is connected."""
        self._readings, self._looked_at = readings, now
        reading = readings.get("charging")
        fresh = reading is not None and now - reading.at <= self._policy.stale_after("charging")
        self.purse.charging(fresh and reading is not None and reading.value is True, now=now, utc_s=self._utc())

    def hold_until(self, readings: Mapping[str, Reading], situation: Situation) -> float:
        """Return an instant before which a request sees of this what `situation` does, while `purse.stands` and `wakes`
        are what they are and nothing else is read; minus infinity where even now it does not."""
        # A wake that a call may still follow is silent once it was too long ago for that.
        if self.purse.stands is not situation.budgets or self.wakes.pending_at is not None:
            return -math.inf
        if not self._policy.budgets:
            return math.inf
        return min(self.purse.stands_until, self._looked_at + _LOOK_S) if readings is self._readings else -math.inf

    def renews_in_s(self, resources: Iterable[Resource]) -> float:
        """Return in how many seconds the whole of all of these budgets is there again."""
        with self._lock:
            return max((self.purse.renews_in_s(resource, self._utc()) for resource in resources), default=0.0)

    def silent_wakes(self, link: str | None, now: float) -> int:
        """Return how many wakes of the radio in a row no call followed."""
        log = self.wakes
        return 0 if log.pending_at is None else log.silent_at(now, self._policy.energy.power_of(link).tail_s)

    # -- what was spent ------------------------------------------------------------------------------------------------

    def device_ran(self, seconds: float, device_w: float | None) -> float:
        """Charge a run on the device, whatever came of it. Return its joules."""
        if not self._policy.budgets:
            return self.purse.device_ran(seconds, device_w)
        with self._lock:
            return self.purse.device_ran(seconds, device_w)

    def begin(self, target: str, kind: Kind, link: str | None, sent_bytes: int) -> bool:
        """Charge what a call costs that is about to begin, and tell whether it may: another one may have used up a
        budget since it was decided, and then nothing is charged."""
        with self._lock:
            if not self.purse.admits(target, kind, link):
                return False
            self.wakes = self.wakes.called()
            self.purse.call_began(target, kind, sent_bytes)
        return True

    def corrected(self, target: str, kind: Kind, more_bytes: int, *, sent: bool = True) -> None:
        """Put right what a call that began was charged: see Purse.call_corrected."""
        if more_bytes or not sent:
            with self._lock:
                self.purse.call_corrected(target, kind, more_bytes, sent=sent)

    def call_ended(
        self, link: str | None, seconds: float, sent_bytes: int, received_bytes: int, idle_s: float
    ) -> float:
        """Charge the radio's energy for a call. Return its joules."""
        with self._lock:
            return self.purse.call_ended(link, seconds, sent_bytes, received_bytes, idle_s)

    def woke(self, link: str | None, seconds: float, moved_bytes: int, idle_s: float) -> float:
        """Charge a wake of the radio. Return its joules."""
        with self._lock:
            self.wakes = self.wakes.woke(self._clock())
            return self.purse.call_ended(link, seconds, moved_bytes, moved_bytes, idle_s)

    # -- its life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Write down what was spent now and then, from a thread that ends with `stop`."""
        if self._path is None:
            return
        self._thread = threading.Thread(target=self._run, name="nearfar-ledger", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and write for the last time; safe twice."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        thread.join(_STOP_S)
        self.save()

    def save(self) -> None:
        """Write down what was spent, if that has changed."""
        with self._lock:
            states = self.purse.states
        if self._path is None or states == self._saved:
            return
        if save(self._path, states):
            self._saved = states

    def _run(self) -> None:
        while not self._stopping.wait(_SAVE_EVERY_S):
            self.save()
