"""What was done for the callers of one version since it was loaded, as Triton's statistics extension counts it.

Calls are told of in the event loop, runs in the threads that they were in, so that runs alone need a lock. What is kept
is bounded, though a caller may make a batch of any length: all lengths up to `largest` are told apart, and of longer
ones the first so many."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cloud_service.backend import Array, Backend, Run, Traits
from nearfar_wire.specs import TensorSpec

__all__ = ["Account", "BatchStatistics", "Duration", "Observed", "Statistics"]

# The service makes batches of at most `largest` rows; longer ones are single calls, which mostly have one length.
_LARGEST: Final = 256
_LONGER: Final = 256


@dataclass(frozen=True, slots=True)
class Duration:
    """How often something was done, and how long it took in all."""

    count: int = 0
    seconds: float = 0.0

    @property
    def ns(self) -> int:
        return round(self.seconds * 1e9)


@dataclass(frozen=True, slots=True)
class BatchStatistics:
    """The runs of so many rows that succeeded, and what reading and writing took of the calls that were in them."""

    rows: int
    read: Duration
    run: Duration
    written: Duration


@dataclass(frozen=True, slots=True)
class Statistics:
    """`last_utc_ms` is when a run last succeeded, in milliseconds since 1970, 0 for never.

    `rows` were answered in `success.count` calls by `runs`. A call's `run` is all that it was in a thread for: putting
    its batch together, the run, and taking it apart."""

    model: str
    version: str
    last_utc_ms: int
    rows: int
    runs: int
    success: Duration
    fail: Duration
    queue: Duration
    read: Duration
    run: Duration
    written: Duration
    batches: Sequence[BatchStatistics]


class _Batches:
    """The runs of one length."""

    __slots__ = ("count", "read_s", "run_s", "written_s")

    def __init__(self) -> None:
        self.count = 0
        self.read_s = self.run_s = self.written_s = 0.0


class Account:
    """See the module. `rows_of` names the model's input whose axis 0 is the batch; without one a call is one row."""

    __slots__ = (
        "_answered",
        "_batches",
        "_fail_s",
        "_failed",
        "_largest",
        "_last_utc",
        "_lock",
        "_longer",
        "_queue_s",
        "_read_s",
        "_rows",
        "_run_s",
        "_runs",
        "_success_s",
        "_utc",
        "_written_s",
        "rows_of",
    )

    def __init__(self, *, rows_of: str | None = None, largest: int = 1, utc: Callable[[], float] = time.time) -> None:
        self.rows_of: Final = rows_of
        self._largest = max(largest, _LARGEST)
        self._utc = utc
        self._lock = threading.Lock()
        self._batches: dict[int, _Batches] = {}
        self._longer = 0
        self._last_utc = 0.0
        self._runs = 0
        self._rows = 0
        self._answered = self._failed = 0
        self._success_s = self._fail_s = self._queue_s = self._read_s = self._run_s = self._written_s = 0.0

    def rows(self, tensors: Mapping[str, Array]) -> int:
        """Return how many rows a call's, or a batch's, tensors for the model have."""
        rows: int = 1 if self.rows_of is None else tensors[self.rows_of].shape[0]
        return rows or 1

    def ran(self, rows: int, seconds: float) -> None:
        """A run succeeded; from any thread."""
        utc = self._utc()
        with self._lock:
            self._runs += 1
            if utc > self._last_utc:
                self._last_utc = utc
            batches = self._batches.get(rows)
            if batches is None:
                if rows > self._largest:
                    if self._longer >= _LONGER:
                        return
                    self._longer += 1
                batches = self._batches[rows] = _Batches()
            batches.count += 1
            batches.run_s += seconds

    def answered(
        self, rows: int, among: int, total_s: float, queue_s: float, read_s: float, run_s: float, written_s: float
    ) -> None:
        """A call of so many rows was answered, out of a run of `among`: its time, and what of it was spent on what."""
        self._answered += 1
        self._rows += rows
        self._success_s += total_s
        self._queue_s += queue_s
        self._read_s += read_s
        self._run_s += run_s
        self._written_s += written_s
        # A batch that failed was run again, call by call.
        batches = self._batches.get(among) or self._batches.get(rows)
        if batches is not None:
            batches.read_s += read_s
            batches.written_s += written_s

    def failed(self, total_s: float) -> None:
        """A call ended without an answer, whatever the reason."""
        self._failed += 1
        self._fail_s += total_s

    def statistics(self, model: str, version: str) -> Statistics:
        """Return what was counted."""
        with self._lock:
            last_utc, runs = self._last_utc, self._runs
            batches = [
                BatchStatistics(
                    rows, Duration(b.count, b.read_s), Duration(b.count, b.run_s), Duration(b.count, b.written_s)
                )
                for rows, b in sorted(self._batches.items())
            ]
        each = self._answered
        return Statistics(
            model=model,
            version=version,
            last_utc_ms=int(last_utc * 1e3),
            rows=self._rows,
            runs=runs,
            success=Duration(each, self._success_s),
            fail=Duration(self._failed, self._fail_s),
            queue=Duration(each, self._queue_s),
            read=Duration(each, self._read_s),
            run=Duration(each, self._run_s),
            written=Duration(each, self._written_s),
            batches=batches,
        )


class Observed:
    """A backend whose runs are told to an account."""

    def __init__(self, backend: Backend, account: Account) -> None:
        self._backend = backend
        self._account = account
        self.inputs: Final[Sequence[TensorSpec]] = backend.inputs
        self.outputs: Final[Sequence[TensorSpec]] = backend.outputs
        self.traits: Final[Traits] = backend.traits

    def new_run(self) -> Run:
        """See backend.Backend."""
        return _ObservedRun(self._backend.new_run(), self._account)

    def tidy(self, tensors: Mapping[str, Array]) -> None:
        """See backend.Backend."""
        self._backend.tidy(tensors)


class _ObservedRun:
    """See backend.Run."""

    __slots__ = ("_account", "_execute", "_run")

    def __init__(self, run: Run, account: Account) -> None:
        self._run = run
        self._execute = run.execute
        self._account = account

    def execute(self, tensors: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """See backend.Run."""
        account, started = self._account, time.perf_counter()
        results = self._execute(tensors, outputs)
        account.ran(account.rows(tensors), time.perf_counter() - started)
        return results

    def stop(self) -> None:
        """See backend.Run."""
        self._run.stop()
