"""Decides again what was decided, under a policy that does not act, on a thread of its own.

A request pays an append to a bounded queue; what comes while many wait is not looked at, and counted. Records leave in
the order in which requests ended, whether they were looked at or not: whoever reads them takes neighbours in a log for
neighbours in time. Nothing here holds a
payload, a permit, a ledger or a transport, so nothing that this policy wants can be done; and whatever goes wrong in
its decision is counted and logged, and is over."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from edge_agent.shadow.file import ShadowFile
from edge_agent.shadow.summary import ShadowCounts, ShadowSummary
from edge_agent.telemetry.metrics import Metrics
from edge_agent.telemetry.record_log import RecordLog
from router.choosing.engine import Decision
from router.choosing.memo import Memo
from router.rules.policy import Policy
from router.running.attempt import Outcome
from router.spending.expense import Expense
from router.telling.shadow import ShadowChoice, beside, blind_spots
from router.types import Situation

__all__ = ["Shadow"]

_LOG: Final = logging.getLogger("nearfar.agent")

_INTERVAL_S: Final = 0.25
_WAITING: Final = 2048
"""More than come in an interval, at some kilobyte each."""
_PASSED: Final = 10_000
"""So many wait at the most, where those that are not looked at wait for the ones before them: as many as the log holds
itself."""
# So long it decides at a time, and then lets others run: a request whose model has just ended waits for the interpreter
# no longer than this and one decision, and all of it takes a sixth of a core at the most.
_SLICE_S: Final = 0.0001
_BREATH_S: Final = 0.0005
_STOP_S: Final = 5.0

Decide = Callable[[Policy, Situation], Decision]


class _Ended(NamedTuple):
    """A request that ended: what the journal was told of it, and when that was. `passed` over: it is only recorded."""

    decision: Decision
    outcome: Outcome | None
    taken_s: float
    expense: Expense | None
    ended_utc: float
    passed: bool = False


class Shadow:
    """See the module. `acting` gives the policy in force, `kept` is how many choices are remembered by request.

    `records` are handed each request once it was looked at, or could not be."""

    def __init__(
        self,
        file: ShadowFile,
        acting: Callable[[], Policy],
        *,
        metrics: Metrics,
        kept: int,
        records: RecordLog | None = None,
        utc: Callable[[], float] = time.time,
        decide: Decide | None = None,
        clock: Callable[[], float] = time.perf_counter,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self.file = file
        self._acting = acting
        self._metrics = metrics
        self._kept = kept
        self._records = records
        self._utc = utc
        self._decide = decide or Memo().decide
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._turn = threading.Lock()  # of whoever looks: two at a time would record in another order
        self._waiting: deque[_Ended] = deque()
        self._dropped = 0
        self._choices: dict[str, ShadowChoice] = {}
        self._counts = ShadowCounts("", "")
        self._failing = ""
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def add(
        self, decision: Decision, outcome: Outcome | None, taken_s: float = 0.0, expense: Expense | None = None
    ) -> None:
        """Have one request looked at soon that has just ended; from any thread."""
        ended = _Ended(decision, outcome, taken_s, expense, self._utc())
        waiting = len(self._waiting)
        if waiting >= _WAITING:
            self._dropped += 1  # two threads may count one for two: it tells that there were some
            if self._records is None:
                return
            if waiting >= _PASSED:
                self._records.lose()
                return
            ended = ended._replace(passed=True)
        self._waiting.append(ended)

    def choice_of(self, request_id: str) -> ShadowChoice | None:
        """Return what would have been done for a recent request, once it was looked at."""
        return self._choices.get(request_id)

    def summary(self) -> ShadowSummary:
        """Return what came of it so far; what still waits is looked at first."""
        self.settle()
        policy = self.file.current
        with self._lock:
            self._note_dropped()
            counts = self._of_pair(policy)
            spots = () if policy is None else blind_spots(policy, self._acting())
            return counts.summary(self.file.status, self.file.problem, spots)

    # -- its life -----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to look on."""
        self._thread = threading.Thread(target=self._run, name="nearfar-shadow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look at what waits, and end the thread; safe twice."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stopping.wait(_INTERVAL_S):
            while not self._stopping.is_set() and self._slice():
                self._pause(_BREATH_S)
            with self._lock:
                self._note_dropped()
        self.settle()

    def _slice(self) -> bool:
        """Look at what waits for a moment; False where nothing waits any more."""
        until = self._clock() + _SLICE_S
        while self._one():
            if self._clock() >= until:
                return True
        return False

    def settle(self) -> None:
        """Look at all that waits, in the caller's thread."""
        for _ in range(len(self._waiting)):
            self._one()

    # -- one request --------------------------------------------------------------------------------------------------

    def _one(self) -> bool:
        """Look at the request that has waited longest; False where none waits."""
        with self._turn:
            try:
                ended = self._waiting.popleft()
            except IndexError:
                return False
            self._record(ended, None if ended.passed else self._look(ended.decision, ended.outcome))
        return True

    def _record(self, ended: _Ended, choice: ShadowChoice | None) -> None:
        if self._records is not None:
            decision, outcome, taken_s, expense, ended_utc, _ = ended
            self._records.add(decision, outcome, taken_s, expense, choice, ended_utc=ended_utc)

    def _look(self, acted: Decision, outcome: Outcome | None) -> ShadowChoice | None:
        policy = self.file.current
        if policy is None:
            return None
        try:
            decided = self._decide(policy, acted.situation)
            choice = beside(policy, decided, acted, outcome)
        except Exception as error:  # noqa: BLE001  a boundary: nothing that looks on may hurt what acts
            self._failed(policy, acted, error)
            return None
        request = acted.situation.request
        with self._lock:
            self._metrics.shadowed(request.model, acted.choice, choice.choice, choice.why)
            counts = self._of_pair(policy)
            # A request that began under the policy before is no news of this one.
            if acted.policy_digest == counts.pair[0]:
                counts.count(acted, decided, choice)
            while len(self._choices) >= self._kept:
                del self._choices[next(iter(self._choices))]
            self._choices[request.id] = choice
        return choice

    def _failed(self, policy: Policy, acted: Decision, error: Exception) -> None:
        with self._lock:
            self._metrics.shadow_missed("failed", 1)
            self._of_pair(policy).failed += 1
            # Its kind, and not what it says: that may quote something.
            kind = f"{policy.digest} {type(error).__name__}"
            told, self._failing = self._failing == kind, kind
        if not told:
            _LOG.warning(
                "shadow policy %s could not decide request %s (%s, a fault of nearfar's); nothing was hurt by it",
                policy.name,
                acted.situation.request.id,
                type(error).__name__,
            )

    def _note_dropped(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            self._metrics.shadow_missed("dropped", dropped)
            self._of_pair(self.file.current).dropped += dropped

    def _of_pair(self, policy: Policy | None) -> ShadowCounts:
        """Return the counts of the two policies as they are, begun anew where one was replaced. The lock is held."""
        pair = (self._acting().digest, "" if policy is None else policy.digest)
        if self._counts.pair != pair:
            self._counts = ShadowCounts(*pair)
        return self._counts
