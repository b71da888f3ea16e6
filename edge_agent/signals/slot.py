"""One source and what came of it: its readings, what of them is doubted, and how it fared.

Holds no clock and starts no thread: a sampler reads it, one reading at a time, and keeps its fields under its lock."""

from __future__ import annotations

import math
import threading
from collections import Counter

from edge_agent.signals.doubt import RECHECK_S, UNHEARD, History, Trouble, judge
from edge_agent.signals.intake import take, unknown
from edge_agent.signals.schedule import is_due, pause_s
from edge_agent.signals.scripted import Scripted
from edge_agent.signals.source import Source
from edge_agent.signals.status import SourceHealth
from router.signals import signal
from router.types import Reading

__all__ = ["Slot", "Taken"]


class Taken:
    """What one reading of a source came to."""

    __slots__ = ("error", "histories", "readings", "troubles")

    def __init__(self, readings: dict[str, Reading], error: Exception | None) -> None:
        self.readings = readings
        self.error = error
        self.histories: dict[str, History] = {}
        self.troubles: list[tuple[str, Trouble]] = []


class Slot:
    """See the module. `busy` is held while the source is read. `believes` without a doubt what is set by hand: a "what
    if" is no measurement, and may jump."""

    __slots__ = (
        "_doubting",
        "_histories",
        "believes",
        "busy",
        "cost_s",
        "failing",
        "failures",
        "last_at",
        "read_once",
        "readings",
        "reads",
        "refusing",
        "source",
        "troubles",
    )

    def __init__(self, source: Source, *, believes: bool = False) -> None:
        self.source = source
        self.believes = believes or isinstance(source, Scripted)
        self.last_at = -math.inf
        self.cost_s: float | None = None
        self.reads = 0
        self.failures = 0
        self.troubles: Counter[tuple[str, Trouble]] = Counter()
        self.failing = False
        self.refusing: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """Drop the readings, and the locks with them: after a fork they may be held by a thread that is no more."""
        self.readings: dict[str, Reading] = {}
        self.busy = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """Be due at once, except where a demand is waited for: the last one was answered. What was told before the
        pause says nothing of how fast things change."""
        self.read_once = threading.Event()
        self._histories: dict[str, History] = {}
        self._doubting = False
        if self.source.demand is None:
            self.last_at = -math.inf

    # -- when to read it -----------------------------------------------------------------------------------------------

    @property
    def _interval_s(self) -> float:
        return min(self.source.interval_s, RECHECK_S) if self._doubting else self.source.interval_s

    @property
    def _wanted_at(self) -> float | None:
        demand = self.source.demand
        return None if demand is None else demand.at

    def is_due(self, now: float) -> bool:
        """Tell whether to read it at `now`."""
        return is_due(now, self._interval_s, self.last_at, self._wanted_at)

    def pause_s(self, now: float) -> float:
        """Return how long to wait before asking `is_due` again."""
        return pause_s(now, self._interval_s, self.last_at, self._wanted_at)

    # -- what it tells -------------------------------------------------------------------------------------------------

    def take(self, at: float) -> Taken:
        """Read the source, at `at`, and return what is to be believed of it. Changes nothing here yet."""
        source = self.source
        names = source.names
        try:
            readings, refused = take(source.read(), names, source.describe, at)
        except Exception as raised:  # noqa: BLE001  a sensor may fail in any way; here that becomes "unknown"
            taken = Taken(unknown(names, source.describe, raised, at), raised)
            taken.troubles = [(name, "failed") for name in names]
            return taken
        taken = Taken(readings, None)
        taken.troubles = [(name, "value") for name in refused]
        if not self.believes:
            for name, reading in readings.items():
                self._weigh(name, reading, taken)
        return taken

    def _weigh(self, name: str, reading: Reading, taken: Taken) -> None:
        described = signal(name)
        assert described is not None, "check_names ran"
        if math.isinf(described.rate_per_s) and not described.settles_s and not described.must_vary:
            return  # it may be anything at any time
        history = self._histories.get(name, UNHEARD)
        taken.histories[name], judged = judge(history, described, reading.value, reading.at)
        if judged.stuck:
            taken.readings[name] = Reading(name, None, f"{self.source.describe} (stuck)", judged.at)
        elif judged.doubted:
            told = f"{self.source.describe} (a change is doubted)"
            taken.readings[name] = Reading(name, judged.value, told, judged.at)
        if judged.trouble is not None:
            taken.troubles.append((name, judged.trouble))

    def keep(self, taken: Taken, at: float, cost_s: float) -> None:
        """Hold on to what was read."""
        self.reads += 1
        self.failures += taken.error is not None
        self.troubles.update(taken.troubles)
        self.cost_s = cost_s
        self.last_at = at
        self.readings = taken.readings
        if taken.error is None:
            self._histories = taken.histories
        self._doubting = any(history.doubted is not None for history in self._histories.values())

    def health(self) -> SourceHealth:
        """Return how the source has fared."""
        s = self.source
        rejected = sum(count for (_, trouble), count in self.troubles.items() if trouble != "failed")
        return SourceHealth(
            s.describe,
            s.names,
            s.interval_s,
            self.reads,
            self.failures,
            rejected,
            self.cost_s,
            dict(self.troubles),
        )
