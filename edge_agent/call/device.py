"""The model on the device as an agent's calls run it: watched, charged, learnt from, and looked after when it fails.

What came of a run is a value; what follows for its request is the attempt machine's affair."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edge_agent.device.fitness import leaves_open
from edge_agent.device.keeper import Keeper
from edge_agent.device.watchdog import OVERRUN_S, Watchdog
from edge_agent.experience import Experience
from edge_agent.releases import Release
from edge_agent.runtimes import Halt, NotReady, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.standing import Trouble
from edge_agent.spending import Ledger
from nearfar_wire.errors import TensorError, WireError
from nearfar_wire.prepare import restore
from nearfar_wire.specs import check
from nearfar_wire.status import Code
from router.running.attempt import Failed, Failure
from router.telling.wording import in_ms
from router.types import DEVICE, Situation
from router.values import value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Device", "Ran"]


@value
class Ran:
    """What came of a run: its outputs by the manifest's names, or why there are none; and the joules that it took."""

    outputs: Arrays | None
    failed: Failed | None
    joules: float = 0.0
    ended: float = 0.0


class Device:
    """See the module. One model's; any thread may run it."""

    __slots__ = (
        "_as_they_are",
        "_clock",
        "_experience",
        "_fetches",
        "_keeper",
        "_ledger",
        "_note_run",
        "_outputs",
        "_release",
        "_unsure",
        "_watchdog",
    )

    def __init__(
        self,
        release: Release,
        experience: Experience,
        clock: Callable[[], float],
        *,
        keeper: Keeper | None = None,
        watchdog: Watchdog | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """`keeper` hears what goes wrong, `watchdog` stops what runs in the caller's thread for too long, `ledger` is
        charged."""
        self._release = release
        self._experience = experience
        self._note_run = experience.note_run
        self._clock = clock
        self._keeper = keeper
        self._watchdog = watchdog
        self._ledger = ledger
        side = release.manifest.device
        self._fetches = {} if side is None else side.fetches
        self._outputs = [spec.name for spec in release.outputs]
        given = {} if release.runtime is None else {spec.name: spec for spec in release.runtime.outputs}
        self._unsure = [
            spec
            for spec in release.outputs
            if (told := given.get(self._fetches.get(spec.name, spec.name))) and leaves_open(told, spec.shape)
        ]
        self._as_they_are = not self._fetches and not self._unsure

    def new_halt(self) -> Halt | None:
        """Return a handle to stop a run, or None where there is no runtime."""
        runtime = self._release.runtime
        return None if runtime is None else runtime.new_halt()

    def run_here(self, inputs: Arrays, situation: Situation, halt: Halt | None = None) -> Ran:
        """Run the model in the caller's thread, which is kept for little longer than until the deadline."""
        keeper, watchdog = self._keeper, self._watchdog
        if keeper is None or watchdog is None:
            return self.run(inputs, situation, halt)
        halts = keeper.halts
        if halt is None:
            try:
                halt = halts.pop()
            except IndexError:  # not asked before: another thread may take the last one meanwhile
                halt = keeper.runtime.new_halt()
        deadline = situation.request.deadline
        watchdog.watch(halt, deadline + OVERRUN_S)
        try:
            if keeper.out:
                ran = self.run(inputs, situation, halt, None, deadline)
            else:
                ran = self._run(inputs, situation, halt, None, deadline)
        finally:
            ended_by_itself = watchdog.forget(halt)
        if ended_by_itself and ran.failed is None:
            halts.append(halt)
        return ran

    def run(
        self,
        inputs: Arrays,
        situation: Situation,
        halt: Halt | None = None,
        since: float | None = None,
        until: float = math.inf,
    ) -> Ran:
        """Run the model in this thread. It was asked for at `since`, if not now; no use after `until`."""
        keeper = self._keeper
        if keeper is None or not keeper.out:
            return self._run(inputs, situation, halt, since, until)
        if not keeper.admit():
            return Ran(None, Failed(Failure(DEVICE, Code.UNAVAILABLE.value, keeper.why)))
        try:
            return self._run(inputs, situation, halt, since, until)
        finally:
            keeper.let_go()

    def _run(self, inputs: Arrays, situation: Situation, halt: Halt | None, since: float | None, until: float) -> Ran:
        release, keeper, clock = self._release, self._keeper, self._clock
        runtime, preparer = release.runtime, release.device_preparer
        if runtime is None:
            return Ran(None, Failed(Failure(DEVICE, Code.MODEL_NOT_READY.value, release.why_no_runtime)))
        epoch = 0 if keeper is None else keeper.standing.epoch
        began = clock()
        started = began if since is None else since
        try:
            if preparer is not None:
                try:
                    inputs = preparer.prepare(inputs)
                except TensorError as error:
                    # The input's fault: nothing is learnt of the device, which would answer the next.
                    return Ran(None, Failed(Failure(DEVICE, Code.INVALID_INPUT.value, str(error))))
            outputs = runtime.run(inputs, halt)
            if not self._as_they_are or len(outputs) != len(self._outputs):
                outputs = restore(outputs, self._fetches, self._outputs)
                check(self._unsure, {spec.name: outputs[spec.name] for spec in self._unsure})
        except RunHalted:
            joules = self._charged(clock() - began, situation)
            return Ran(None, self._halted(began, started, until, epoch), joules)
        except NotReady as error:
            return Ran(None, Failed(Failure(DEVICE, Code.UNAVAILABLE.value, str(error))))
        except (RunFailed, WireError) as error:
            now = clock()
            joules = self._charged(now - began, situation)
            self._experience.device_ran(release.name, now - started, now, failed=True)
            if keeper is not None and isinstance(error, OutOfMemory):
                keeper.troubled(Trouble.OUT_OF_MEMORY, epoch)
            return Ran(None, Failed(Failure(DEVICE, Code.INTERNAL.value, str(error))), joules)
        now = clock()
        ran_s = now - began
        joules = 0.0 if self._ledger is None else self._ledger.device_ran(ran_s, situation.device_w)
        if self._note_run(release.name, now - started, now, False):
            self._experience.learn_runs()
        if keeper is not None and ran_s > keeper.notable_s:
            keeper.ended(epoch, ran_s)
        return Ran(outputs, None, joules, now)

    def _charged(self, seconds: float, situation: Situation) -> float:
        """Charge a run, whatever came of it, and return its joules."""
        return 0.0 if self._ledger is None else self._ledger.device_ran(seconds, situation.device_w)

    def _halted(self, began: float, started: float, until: float, epoch: int) -> Failed:
        self.given_up(started)
        now = self._clock()
        if now < until:
            return Failed(Failure(DEVICE, Code.CANCELLED.value))
        detail = f"stopped after {in_ms(now - began)}, as past use"
        if self._keeper is not None and self._keeper.stopped(epoch, now - began):
            detail = f"{detail}; the model is held to run away"
        return Failed(Failure(DEVICE, Code.DEADLINE_EXCEEDED.value, detail))

    def given_up(self, since: float) -> None:
        """Learn from a run that was stopped, or never begun: because its time was over, or another answer was there. So
        long it would have taken at the least."""
        now = self._clock()
        self._experience.device_given_up(self._release.name, now - since, now)
