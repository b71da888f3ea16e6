"""One thread that reads several sources in turn, because a thread that wakes costs more than most of them.

Where one of them hangs, another thread goes on with the others: whoever hangs keeps the thread that it hangs in, and
holds up the rest for no longer than it takes to notice. There are never more threads than sources that hang, and
two."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from edge_agent.signals.slot import Slot

__all__ = ["HANGS_S", "Together"]

HANGS_S: Final = 1.0
"""A file of the kernel's is read in microseconds, and the slowest sensors, behind an embedded controller, in a tenth of
a second. The others miss two turns at most, and no reading counts for less than five; looking more often would cost as
much as all of the reading (benchmarks/sampling.py)."""

_UNDER_WAY: Final = "nearfar-signals"
# What is due so soon after another is read with it: one waking for both.
_WITH_S: Final = 0.05


class Together:
    """See the module. `read` reads one slot, in the calling thread."""

    def __init__(
        self,
        slots: Sequence[Slot],
        read: Callable[[Slot, threading.Event], None],
        *,
        clock: Callable[[], float],
        stopping: threading.Event,
        hangs_s: float = HANGS_S,
    ) -> None:
        self._slots = slots
        self._read = read
        self._clock = clock
        self._stopping = stopping
        self._hangs_s = hangs_s
        self._turn = 0
        self._began: dict[int, float] = {}
        """By turn, when the reading under way began, by the clock of waits."""
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start reading."""
        self._start(self._take_turn, 0)
        self._start(self._watch)

    def _start(self, target: Callable[..., None], *given: int) -> None:
        self.threads = [thread for thread in self.threads if thread.is_alive()]
        thread = threading.Thread(target=target, args=given, name=_UNDER_WAY, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _take_turn(self, turn: int) -> None:
        wait_s = 0.0
        while not self._stopping.wait(wait_s):
            for slot in self._slots:
                if self._stopping.is_set():
                    return
                if slot.is_due(self._clock() + _WITH_S) and not slot.busy.locked():
                    self._began[turn] = time.monotonic()
                    self._read(slot, self._stopping)
                    del self._began[turn]
                    if self._turn != turn:
                        return  # it took so long that another thread goes on
            now = self._clock()
            # One that hangs elsewhere is due for ever, and not waited for.
            wait_s = min((slot.pause_s(now) for slot in self._slots if not slot.busy.locked()), default=self._hangs_s)

    def _watch(self) -> None:
        while not self._stopping.wait(self._hangs_s):
            began = self._began.get(self._turn)
            if began is not None and time.monotonic() - began > self._hangs_s:
                self._turn += 1
                self._start(self._take_turn, self._turn)
