"""On which of the wanted providers a device's model runs, and whether it runs at all: who loads a release asks here.

Providers are tried in their order of preference, and the processor last. A choice that was never tried is tried in a
process of its own, where verdicts can be remembered or an accelerator is wanted; what passed before is opened at once,
and what failed before is not opened again until something that its verdict depends on has changed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_agent.config import DeviceConfig
from edge_agent.device.fitness import installed, read_beside, refuse_disagreement
from edge_agent.runtimes import CPU, CannotLoad, LocalRuntime
from edge_agent.runtimes.opening import library, offered, open_runtime
from edge_agent.runtimes.trial.canary import OpenRuntime, Subject, try_out, without_name
from edge_agent.runtimes.trial.golden import verify_golden
from edge_agent.runtimes.trial.machine import describe
from edge_agent.runtimes.trial.verdict import Tried, Verdict
from nearfar_wire.digest import verify
from nearfar_wire.manifest import DeviceSide, Manifest
from nearfar_wire.preparer import Preparer, preprocessing_digest

if TYPE_CHECKING:
    from edge_agent.runtimes.trial.book import VerdictBook

__all__ = ["Admitted", "Offered", "Trials"]

_LOG: Final = logging.getLogger("nearfar.agent")

Offered = Callable[[DeviceSide, Sequence[str]], Sequence[str]]
"""Which of these providers this machine has. Raises CannotLoad: for one that must not be used at all."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A model that may be used. `why` tells how its provider was chosen, empty where there was no choice."""

    runtime: LocalRuntime
    device: DeviceConfig
    """Opens it again as it was opened: with the providers that passed, and no others."""
    fell_back: bool
    """Whether another provider was preferred."""
    why: str


class Trials:
    """See the module."""

    def __init__(
        self,
        state: Path | None = None,
        *,
        open_runtime: OpenRuntime = open_runtime,
        offered: Offered = offered,
        command: Sequence[str] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`state` is the agent's folder for what is remembered; `command` starts a trial's process, None: as usual."""
        self._book = None if state is None else _open_book(state)
        self._open_runtime = open_runtime
        self._offered = offered
        self._command = command
        self._clock = clock

    def admit(self, manifest: Manifest, folder: Path, preparer: Preparer | None, device: DeviceConfig) -> Admitted:
        """Return the release's device model on the first of `device.providers` that passes.

        Raises DigestMismatch: before anything is parsed or a process is started. Raises CannotLoad: for a model that
        passes on none, with the reason."""
        side = manifest.device
        assert side is not None
        content = read_beside(folder, side.file)
        verify(side.file, content, side.digest)
        verify_golden(folder, manifest)  # also where the verdict is known: a release is whole, or is not used
        there = self._offered(side, device.providers)
        passed_over: dict[str, str] = {}
        why = "device.providers names no accelerator, and one is required"
        for choice in _choices(device, there):
            wanted = choice.providers[0]
            runtime = None
            if wanted not in there:
                why = f"this machine offers {', '.join(there)}"
            else:
                runtime, why = self._admit_on(Subject(manifest, folder, content, preparer, choice))
            if runtime is not None:
                told = "; ".join(f"not on {provider}: {reason}" for provider, reason in passed_over.items())
                return Admitted(runtime, choice, bool(passed_over), told or why)
            passed_over[wanted] = why
        if device.require_accelerator and passed_over:
            wanted, why = next(iter(passed_over.items()))
            why = f"provider {wanted} is required: {why}"
        raise CannotLoad(f"{side.file}: {why}")

    def _admit_on(self, subject: Subject) -> tuple[LocalRuntime | None, str]:
        """Return the model on one choice of providers, and what there is to tell about that; None where it is bad."""
        verdict, runtime, kept_in = self._verdict(subject)
        if not verdict.good:
            until = f"; not tried again until it, its provider or a version changes, or {kept_in} is deleted"
            return None, verdict.why + ("" if kept_in is None else until)
        if runtime is None:
            side = subject.side
            try:
                runtime = self._open_runtime(side, subject.content, subject.device)
                refuse_disagreement(side.file, subject.manifest, side, runtime)
            except CannotLoad as error:  # it passed before, or in another process: something has changed since
                if runtime is not None:
                    runtime.close()
                return None, without_name(error, side.file)
        return runtime, verdict.why

    def _verdict(self, subject: Subject) -> tuple[Verdict, LocalRuntime | None, Path | None]:
        """Return what is known or found out, the model where that opened it, and the file that remembers it."""
        book, tried = self._book, _tried(subject)
        known = None if book is None else book.find(tried)
        if book is not None and known is not None:
            return known, None, book.path
        apart = self._apart(subject)
        if apart is not None:
            verdict, runtime = apart, None
        else:
            verdict, runtime = try_out(subject, self._open_runtime, self._clock, blank=False)
        # A model that was opened here, and is held to nothing, was not tried.
        kept = apart is not None or subject.manifest.golden is not None
        return verdict, runtime, book.path if book is not None and kept and book.add(tried, verdict) else None

    def _apart(self, subject: Subject) -> Verdict | None:
        """Try it in a process of its own; None where there is to be none, or can be none."""
        wanted = self._book is not None or subject.device.providers[0] != CPU
        if not wanted or subject.device.trial == "never":
            return None
        from edge_agent.runtimes.trial.child import NoChild, try_in_child  # most starts need none

        try:
            return try_in_child(subject, self._command)
        except NoChild as error:
            _LOG.warning("model %s is tried in this process: %s", subject.manifest.name, error)
            return None


def _open_book(state: Path) -> VerdictBook:
    from edge_agent.runtimes.trial.book import BOOK_NAME, VerdictBook  # costs milliseconds that most apps need not pay

    return VerdictBook(state / BOOK_NAME)


def _choices(device: DeviceConfig, there: Sequence[str]) -> Iterator[DeviceConfig]:
    """Yield what to try, in order: each accelerator together with those after it, then the processor alone."""
    preferred = device.providers[: device.providers.index(CPU)] if CPU in device.providers else device.providers
    for place, wanted in enumerate(preferred):
        others = [provider for provider in preferred[place + 1 :] if provider in there]
        yield device.model_copy(update={"providers": [wanted, *others, CPU], "require_accelerator": True})
    if not device.require_accelerator:
        yield device.model_copy(update={"providers": [CPU]})


def _tried(subject: Subject) -> Tried:
    manifest, device = subject.manifest, subject.device
    return Tried(
        model=subject.side.digest,
        golden="" if manifest.golden is None else manifest.golden.digest,
        preparation=preprocessing_digest(manifest),
        providers=tuple(device.providers),
        threads=device.threads,
        limits=(device.trial_s, device.trial_memory_mb),
        library=library(subject.side),
        nearfar=installed(),
        machine=describe(),
    )
