"""One model, tried on one choice of providers: does it answer as it is to, and is an accelerator worth having?

Opens and runs the model where it stands, in whichever process that is; the child's process is what bounds a crash and
an appetite for memory. An endless run is halted here too, as far as the runtime can be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from numpy.typing import NDArray

from edge_agent.config import DeviceConfig
from edge_agent.device.blank import blank_inputs
from edge_agent.device.fitness import refuse_disagreement
from edge_agent.runtimes import CPU, CannotLoad, Crashed, LocalRuntime, OutOfMemory, RunFailed, RunHalted
from edge_agent.runtimes.trial.golden import Example, otherwise, read_golden
from edge_agent.runtimes.trial.verdict import Outcome, Verdict
from nearfar_wire.errors import WireError
from nearfar_wire.manifest import DeviceSide, Manifest
from nearfar_wire.prepare import restore
from nearfar_wire.preparer import Preparer

__all__ = ["OpenRuntime", "Subject", "too_slow", "try_out", "without_name"]

OpenRuntime = Callable[[DeviceSide, bytes, DeviceConfig], LocalRuntime]
Array = NDArray[Any]  # Any: each tensor has its own datatype

_TURNS: Final = 15
_TIMING_S: Final = 2.0
# An accelerator has a driver that can fail and memory that can run out, for which it is to give something. And a
# provider that hands every node back to the processor would win each second comparison.
_WORTH_IT: Final = 0.9


@dataclass(frozen=True, slots=True)
class Subject:
    """What is tried. `device.providers` are those to open it on, and it counts only if the first of them runs it."""

    manifest: Manifest
    folder: Path
    content: bytes
    """Of the model file; its digest was verified."""
    preparer: Preparer | None
    device: DeviceConfig

    @property
    def side(self) -> DeviceSide:
        """The manifest's device."""
        assert self.manifest.device is not None
        return self.manifest.device


def try_out(
    subject: Subject, open_runtime: OpenRuntime, clock: Callable[[], float], *, blank: bool
) -> tuple[Verdict, LocalRuntime | None]:
    """Open the model, hold it to its golden examples and, on an accelerator, to the processor's speed.

    Returns the opened model too where the verdict is good. A release without examples has its model opened and, if
    `blank` and where its inputs can be made up, run on blank ones."""
    trial = _Trial(subject, open_runtime, clock, blank)
    try:
        verdict = trial.verdict()
        trial.kept = trial.opened if verdict.good else None
        return verdict, trial.kept
    except (MemoryError, OutOfMemory):
        why = f"it wants more memory than it may have ({subject.device.trial_memory_mb} MB, device.trial_memory_mb)"
        return Verdict(Outcome.OUT_OF_MEMORY, why), None
    except RunHalted:
        return Verdict(Outcome.TOO_SLOW, too_slow(subject.device)), None
    except Crashed as error:
        return Verdict(Outcome.CRASHED, without_name(error, subject.side.file)), None
    except (CannotLoad, WireError) as error:
        return Verdict(Outcome.REFUSED, without_name(error, subject.side.file)), None
    except RunFailed as error:
        return Verdict(Outcome.REFUSED, f"it does not run: {error}"), None
    finally:
        trial.close_others()


def too_slow(device: DeviceConfig) -> str:
    """Say that the time was up."""
    return f"its trial did not end within {device.trial_s:g} s (device.trial_s)"


def without_name(error: Exception, file: str) -> str:
    """Return what an error says of `file`; whoever passes it on names the file."""
    return str(error).removeprefix(f"{file}: ")


class _Trial:
    def __init__(self, subject: Subject, open_runtime: OpenRuntime, clock: Callable[[], float], blank: bool) -> None:
        self._blank = blank
        self._subject = subject
        self._open_runtime = open_runtime
        self._clock = clock
        self._until = clock() + subject.device.trial_s
        self._examples: list[Example] = []
        self._all: list[LocalRuntime] = []
        self.opened: LocalRuntime | None = None
        self.kept: LocalRuntime | None = None
        """What is handed on; everything else that was opened is closed."""

    def verdict(self) -> Verdict:
        self._examples = read_golden(self._subject.folder, self._subject.manifest)
        device = self._subject.device
        wanted = device.providers[0]
        if not self._examples:
            self.opened = self._open(device)
            self._run_on_blanks(self.opened)
            return Verdict(Outcome.GOOD, "" if wanted == CPU else "not compared: the release has no golden examples")
        if wanted == CPU:
            return self._compared(self._open(device))[0]
        # The processor first: if the model itself is at fault, that is no fault of the accelerator's.
        processor = self._open(device.model_copy(update={"providers": [CPU], "require_accelerator": False}))
        verdict, fed = self._compared(processor)
        if not verdict.good:
            return verdict
        accelerator = self._open(device)
        verdict, _ = self._compared(accelerator)
        return verdict if not verdict.good else self._faster(accelerator, processor, fed)

    def close_others(self) -> None:
        """Give back what nobody gets."""
        for runtime in self._all:
            if runtime is not self.kept:
                runtime.close()

    def _open(self, device: DeviceConfig) -> LocalRuntime:
        side = self._subject.side
        runtime = self._open_runtime(side, self._subject.content, device)
        self._all.append(runtime)
        refuse_disagreement(side.file, self._subject.manifest, side, runtime)
        return runtime

    def _compared(self, runtime: LocalRuntime) -> tuple[Verdict, list[Mapping[str, Array]]]:
        """Hold a model to the examples; return the inputs that it was given, as it takes them, too."""
        side, fed, answered = self._subject.side, [], []
        for example in self._examples:
            prepared = self._prepared(example.inputs)
            fed.append(prepared)
            outputs = self._run(runtime, prepared)
            answered.append(restore(outputs, side.fetches, list(example.outputs)))
        problem = otherwise(self._subject.manifest, self._examples, answered)
        if problem:
            return Verdict(Outcome.WRONG, f"it answers otherwise than its golden examples: {problem}"), fed
        self.opened = runtime
        return Verdict(Outcome.GOOD), fed

    def _faster(self, one: LocalRuntime, processor: LocalRuntime, fed: Sequence[Mapping[str, Array]]) -> Verdict:
        """Time both in turns, so that whatever else the machine does hits both alike."""
        taken_s: dict[bool, list[float]] = {True: [], False: []}
        until = self._clock() + _TIMING_S
        for turn in range(_TURNS):
            for is_one, runtime in ((True, one), (False, processor)):
                began = self._clock()
                self._run(runtime, fed[turn % len(fed)])
                taken_s[is_one].append(self._clock() - began)
            if self._clock() > until:
                break
        ours_ms, theirs_ms = median(taken_s[True]) * 1000, median(taken_s[False]) * 1000
        told = f"{ours_ms:.3g} ms a run, {theirs_ms:.3g} on {CPU}"
        if ours_ms > _WORTH_IT * theirs_ms:
            self.opened = None
            return Verdict(Outcome.SLOWER, f"it is not clearly faster: {told}")
        return Verdict(Outcome.GOOD, told)

    def _run_on_blanks(self, runtime: LocalRuntime) -> None:
        manifest = self._subject.manifest
        if not self._blank or any(described.encoding for described in manifest.inputs):
            return
        # Nothing says that a model has to like zeros. What it must not do with them is take everything, or for ever.
        with suppress(WireError):
            blank = self._prepared(blank_inputs(tuple(described.spec() for described in manifest.inputs)))
            try:
                self._run(runtime, blank)
            except OutOfMemory:
                raise
            except RunFailed:
                pass

    def _prepared(self, inputs: Mapping[str, Array]) -> Mapping[str, Array]:
        preparer = self._subject.preparer
        return inputs if preparer is None else preparer.prepare(inputs)

    def _run(self, runtime: LocalRuntime, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Run, for no longer than is left. Raises RunFailed; RunHalted: the time was up."""
        left_s = self._until - self._clock()
        if left_s <= 0:
            raise RunHalted("the time was up")
        halt = runtime.new_halt()
        late = threading.Timer(left_s, halt.halt)
        late.daemon = True
        late.start()
        try:
            return runtime.run(inputs, halt)
        finally:
            late.cancel()
