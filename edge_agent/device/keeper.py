"""Keeps one model of the device fit for use: hears what went wrong, and has done about it what standing.py says.

Requests go on meanwhile: a model is closed and opened anew by a thread of its own, and what is out of use is told to
those who decide, who leave it alone."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import Final

from edge_agent.runtimes import CannotLoad, Crashed, Halt, LocalRuntime
from edge_agent.runtimes.renewable import Renewable
from edge_agent.runtimes.standing import FRESH, Remedy, Standing, Trouble, admit, ended, is_runaway, let_go, troubled
from edge_agent.telemetry.metrics import Metrics
from nearfar_wire.errors import WireError
from router.running.breaker import BreakerState

__all__ = ["Keeper"]

_LOG: Final = logging.getLogger("nearfar.agent")

_SAYS: Final = {
    Trouble.OUT_OF_MEMORY: "ran out of memory",
    Trouble.RUNAWAY: "had to be stopped",
    Trouble.CRASH: "crashed",
    Trouble.CANNOT_OPEN: "could not be opened anew",
}
_DOES: Final = {
    Remedy.NOTHING: "it stays in use",
    Remedy.OPEN_ANEW: "it is opened anew",
    Remedy.OPEN_ON_CPU: "it is opened anew, from now on on the CPU",
}

Rested = Callable[[str, BreakerState, str], None]
"""Told of a model that went out of use or came back: its name, until when, and why."""


class Keeper:
    """See the module. Used from any thread."""

    def __init__(
        self,
        name: str,
        runtime: LocalRuntime,
        *,
        clock: Callable[[], float],
        chance: random.Random,
        metrics: Metrics,
        on_rest: Rested,
    ) -> None:
        self._name = name
        self.runtime = runtime
        self.halts: list[Halt] = []
        """Of runs that have ended, to stop others: making one costs as much as the rest of watching a run."""
        self._clock = clock
        self._chance = chance
        self._metrics = metrics
        self._on_rest = on_rest
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._opening = 0
        self._closed = False
        self._may_use_cpu = isinstance(runtime, Renewable) and runtime.accelerated
        self.why = ""
        """Why it is out of use; empty where it is not."""
        self.standing: Standing = FRESH
        self.out = False
        """Whether it is out of use, or on trial: a run is to be admitted first."""
        self.notable_s = 0.0
        """A run that ends after no more than so long is not worth telling: see `ended`."""

    def watch(self) -> None:
        """Hear from now on when the model's process ends."""
        if isinstance(self.runtime, Renewable):
            self.runtime.on_end(self._ended_by_itself)

    # -- a run --------------------------------------------------------------------------------------------------------

    def admit(self) -> bool:
        """Tell whether a run of a model that is, or was, out of use may begin; it ends with `let_go`."""
        with self._lock:
            admitted = admit(self.standing, self._clock())
            if admitted is None:
                return False
            if isinstance(self.runtime, Renewable) and self.runtime.runtime is None:
                if not self._opening:
                    self._begin_renewal()
                return False
            self._put(admitted)
        return True

    def let_go(self) -> None:
        """The run is over, whatever came of it."""
        with self._lock:
            self._put(let_go(self.standing))

    def ended(self, epoch: int, taken_s: float) -> None:
        """A run that began in `epoch` answered; told where something was the matter before, or it took long."""
        with self._lock:
            was_out = self.standing.rest.open_until is not None
            self._put(ended(self.standing, taken_s, self._clock(), epoch))
            is_back = was_out and self.standing.rest.open_until is None
            if is_back:
                self.why = ""
                self._on_rest(self._name, self.standing.rest, "")
        if is_back:
            _LOG.warning("model %s answers on the device again", self._name)

    def stopped(self, epoch: int, taken_s: float) -> bool:
        """A run was stopped after `taken_s`, when its time was over. Tells whether that is held against the model."""
        if not is_runaway(self.standing, taken_s):
            return False
        self.troubled(Trouble.RUNAWAY, epoch)
        return True

    def troubled(self, trouble: Trouble, epoch: int, detail: str = "") -> None:
        """Something went wrong in `epoch`."""
        with self._lock:
            before, now = self.standing, self._clock()
            drawn = self._chance.random()
            state, remedy = troubled(before, trouble, now, epoch, drawn, may_use_cpu=self._may_use_cpu)
            if self._closed or state is before:
                return
            self._put(state)
            out_s = (state.rest.open_until or now) - now
            if remedy is Remedy.PUT_OUT:
                self.why = f"its model {_SAYS[trouble]} and is out of use for a while"
                self._on_rest(self._name, state.rest, self.why)
                self._begin(self._retire)
            elif remedy is not Remedy.NOTHING:
                self._begin_renewal()
        self._metrics.device_trouble(self._name, trouble.value, remedy.value)
        does = _DOES.get(remedy) or f"it is out of use for {out_s:.0f} s"
        _LOG.warning("model %s %s%s; %s", self._name, _SAYS[trouble], f" ({detail})" if detail else "", does)

    # -- its life -----------------------------------------------------------------------------------------------------

    def out_s(self) -> float:
        """Return for how long it is out of use; 0 where it may be tried."""
        open_until = self.standing.rest.open_until
        return 0.0 if open_until is None else max(0.0, open_until - self._clock())

    def close(self) -> None:
        """Close the model; safe twice, bounded in time."""
        with self._lock:
            self._closed = True
        self.runtime.close()

    def _put(self, state: Standing) -> None:
        self.standing = state
        self.out = state.rest.open_until is not None
        self.notable_s = state.longest_s if state.untroubled else -1.0

    def _ended_by_itself(self, why: str) -> None:
        self.troubled(Trouble.CRASH, self.standing.epoch, why)

    def _begin(self, work: Callable[[], None]) -> None:
        def in_turn() -> None:
            with self._working:
                work()

        threading.Thread(target=in_turn, name="nearfar-keeper", daemon=True).start()

    def _begin_renewal(self) -> None:
        """The lock is held."""
        epoch, on_cpu = self.standing.epoch, self.standing.on_cpu
        self._opening += 1
        self._begin(lambda: self._renew(epoch, on_cpu=on_cpu))

    def _renew(self, epoch: int, *, on_cpu: bool) -> None:
        runtime, trouble, detail = self.runtime, None, ""
        try:
            if isinstance(runtime, Renewable):
                runtime.renew(on_cpu=on_cpu)
                self.halts = []  # those of what was closed stop nothing here
        except Crashed as error:
            trouble, detail = Trouble.CRASH, str(error)
        except (CannotLoad, MemoryError, OSError, WireError) as error:
            trouble, detail = Trouble.CANNOT_OPEN, str(error) or type(error).__name__
        finally:
            with self._lock:
                self._opening -= 1
        if trouble is not None:
            self.troubled(trouble, epoch, detail)

    def _retire(self) -> None:
        if isinstance(self.runtime, Renewable):
            self.runtime.retire()
