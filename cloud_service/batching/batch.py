"""One run of several calls: stacked along axis 0, run, taken apart again.

Where a run of several fails, each is run alone, so that nobody fails for a mate's input. Whose caller is gone or late
by then is not run. What ended with an error has that error in the place of its outputs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from cloud_service.backend import Array, Backend, Run
from cloud_service.errors import DeadlineExceeded, InvalidInput, RunFailed

__all__ = ["Batch", "Member", "Outcome"]

Outcome = Mapping[str, Array] | Exception


class Member:
    """One call's share of a run. All members of a batch have tensors of like shape, save for axis 0, and `fetched`."""

    __slots__ = ("deadline", "fetched", "gone", "rows", "tensors")

    def __init__(self, tensors: Mapping[str, Array], fetched: Sequence[str], rows: int, deadline: float) -> None:
        self.tensors: Final = tensors
        self.fetched: Final = fetched
        self.rows: Final = rows
        self.deadline: Final = deadline
        self.gone = False


class Batch:
    """`execute` once, in a thread; then `outcomes` are in the members' order, and `seconds` is how long it ran."""

    def __init__(self, backend: Backend, members: Sequence[Member]) -> None:
        self._backend = backend
        self._members = members
        self._run: Run | None = None
        self._alone: Member | None = None
        self._stopped = False
        self.rows: Final = sum(member.rows for member in members)
        self.outcomes: Sequence[Outcome] = ()
        self.seconds = 0.0
        self.whole = False
        """Whether all rows went through one run, so that `seconds` is what such a run takes."""

    def execute(self) -> None:
        """Run, and raise nothing: what went wrong is in the outcomes."""
        started = time.perf_counter()
        self.outcomes = self._outcomes()
        self.seconds = time.perf_counter() - started

    def leave(self, member: Member) -> None:
        """Say that nobody waits for `member` any more; what runs for nobody is stopped."""
        member.gone = True
        if all(other.gone for other in self._members):
            self._stopped = True
        elif self._alone is not member:
            return
        run = self._run
        if run is not None:
            run.stop()

    def _outcomes(self) -> Sequence[Outcome]:
        members = self._members
        try:
            if len(members) == 1:
                outcomes: Sequence[Outcome] = [self._executed(members[0].tensors, members[0].fetched)]
            else:
                outcomes = self._together()
        except (InvalidInput, RunFailed) as error:
            return [error] if len(members) == 1 else [self._by_itself(member) for member in members]
        except Exception as error:  # noqa: BLE001 - the thread goes on, and each caller is told
            return [error] * len(members)
        self.whole = True
        return outcomes

    def _together(self) -> Sequence[Outcome]:
        first = self._members[0]
        stacked = {name: np.concatenate([member.tensors[name] for member in self._members]) for name in first.tensors}
        return self._apart(self._executed(stacked, first.fetched))

    def _apart(self, outputs: Mapping[str, Array]) -> Sequence[Outcome]:
        for output in outputs.values():
            if not output.ndim or output.shape[0] != self.rows:
                # Its rows did stay rows when it was measured; for these inputs they do not.
                raise RunFailed
        parts: list[Outcome] = []
        start = 0
        for member in self._members:
            end = start + member.rows
            parts.append({name: output[start:end] for name, output in outputs.items()})
            start = end
        return parts

    def _by_itself(self, member: Member) -> Outcome:
        if member.gone or self._stopped:
            return RunFailed()
        if time.monotonic() > member.deadline:
            return DeadlineExceeded()
        self._alone = member
        try:
            return self._executed(member.tensors, member.fetched)
        except Exception as error:  # noqa: BLE001 - one member's, and its mates still have their turn
            return error

    def _executed(self, tensors: Mapping[str, Array], fetched: Sequence[str]) -> Mapping[str, Array]:
        run = self._run = self._backend.new_run()
        # Whoever stops from now on finds this run; whoever did before was too early for it.
        if self._stopped or (self._alone is not None and self._alone.gone):
            run.stop()
        return run.execute(tensors, fetched)
