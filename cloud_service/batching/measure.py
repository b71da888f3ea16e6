"""Measures a model when it loads: may its calls run together, how many, and how long does that take.

Calls run together where each row of a batch of unlike rows gives what it gives alone, at every place in it, in a batch
of every size that is timed, and also where the rows are far apart: a model that puts its rows in another order would
hand one caller's answer to another. That is tried and not inferred, with one exception: a model that is quantized while
it runs takes its scales from the whole batch, so that an answer depends on its mates by amounts that a few rows may not
show. It runs alone unless the operator says otherwise.

A batch grows for as long as that makes a row cheaper, and never so long that whoever comes next has to wait for it
longer than `_LONGEST_BATCH_S`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from cloud_service.backend import Array, Backend
from cloud_service.batching.profile import Profile
from cloud_service.batching.rows import Tensors, far_apart, is_equal, movable, stacked, unlike_rows
from cloud_service.errors import CloudError, InvalidInput, RunFailed
from cloud_service.repository.serving import Serving

__all__ = ["measure"]

# An urgent call waits for the batch that is running and for nothing else; people notice a tenth of a second.
_LONGEST_BATCH_S: Final = 0.1
_SIZES: Final = (1, 2, 4, 8, 16, 32)
# A larger batch that makes a row cheaper by less is within what two measurements differ by.
_GAIN: Final = 0.04
# What a row of calls that can wait may cost more, so that urgent ones wait for less. Measured at twice the load that
# fits, two runs each: a text encoder answered 176 calls a second in batches of 4 and 178 in batches of 8, in which a
# row is a tenth cheaper; the p99 of urgent calls was 75 and 122 ms, and 119 and 130.
_GAIN_BESIDE_URGENT: Final = 0.12
# Handing a run to a thread and back costs about so much, whatever it computes.
_HAND_OVER_S: Final = 0.0001
# What is over sooner is sooner done in the event loop.
_QUICK_S: Final = 0.0002
_BUDGET_S: Final = 1.5
_FAR_BUDGET_S: Final = 0.5
_LEAST_RUNS: Final = 3
_MOST_RUNS: Final = 20
_ENOUGH_S: Final = 0.03
# How often the sizes are timed once more. A machine that stood still for a moment made the size that was timed just
# then look dear: two starts of one service chose 4 rows and 8 of one model, a tenth of its throughput apart.
_MORE_ROUNDS: Final = 3
# Kernels for other sizes round otherwise; a mate that has a say changes an answer by more.
_RELATIVE: Final = {"f2": 1e-2, "f4": 1e-3, "f8": 1e-6}
# Far from what a model was made for, roundings grow; and a mate's say with them, which is what is looked for there.
_RELATIVE_FAR: Final = {"f2": 0.25, "f4": 0.25, "f8": 0.25}


class _Unlike(CloudError):
    """A batch does not give what its rows give alone; the message is why not."""


def measure(
    backend: Backend, serving: Serving, sample: Tensors | None, *, clock: Callable[[], float] = time.perf_counter
) -> Profile:
    """Measure a model on `sample`, tensors that it takes (None: nobody knows any); blocks for two seconds or so at
    most, or for the dozen runs that it needs at least."""
    if sample is None:
        return Profile(why_not="no inputs are known that it takes; give it a golden.npz")
    probe, forced = _Probe(backend, sample, clock), serving.batching.enabled is True
    try:
        alone_s = probe.seconds(sample)
        why_not = _why_not(backend, serving, alone_s) or probe.why_rows_differ(forced=forced)
        if not why_not:
            run_s_of, why_not = probe.by_rows(serving.batching.max_batch, forced=forced)
        if why_not:
            return Profile(why_not=why_not, run_s_of={1: alone_s}, rows_here=_rows_here(backend, {1: alone_s}))
    except (InvalidInput, RunFailed):
        return Profile(why_not="it failed when it was measured")
    return Profile(
        batches=True,
        why_not="",
        max_batch=serving.batching.max_batch or _best(run_s_of),
        max_beside_urgent=_best(run_s_of, _GAIN_BESIDE_URGENT),
        run_s_of=run_s_of,
        rows_here=_rows_here(backend, run_s_of),
    )


def _why_not(backend: Backend, serving: Serving, alone_s: float) -> str:
    """Return what speaks against batches before any was run; empty where nothing does."""
    if serving.batching.enabled is False:
        return "its serving.toml says so"
    for spec in (*backend.inputs, *backend.outputs):
        if not spec.shape or spec.shape[0] >= 0:
            return f"the first axis of {spec.name!r} is not free"
    if serving.batching.enabled is None and backend.traits.scales_by_batch:
        return "it is quantized while it runs, so an answer would depend on the calls beside it"
    if serving.batching.max_batch is None and alone_s > _LONGEST_BATCH_S / 2:
        return f"a run takes {alone_s * 1000:.0f} ms alone, and others would wait for longer ones"
    return ""


class _Probe:
    def __init__(self, backend: Backend, sample: Tensors, clock: Callable[[], float]) -> None:
        self._backend = backend
        self._clock = clock
        self._rows = unlike_rows(backend.inputs, sample)
        self._alone: list[Tensors] = []
        self._outputs = [spec.name for spec in backend.outputs]
        self._until = 0.0

    def seconds(self, tensors: Tensors) -> float:
        """Return the least that a run of `tensors` took: what else the machine does only ever adds."""
        least_s, began = float("inf"), self._clock()
        for run in range(_MOST_RUNS):
            started = self._clock()
            self._run(tensors)
            ended = self._clock()
            least_s = min(least_s, ended - started)
            if run + 1 >= _LEAST_RUNS and ended - began > _ENOUGH_S:
                break
        return least_s

    def why_rows_differ(self, *, forced: bool) -> str:
        """Return in what a batch differs from its rows alone. Where batches are `forced` only its shape counts."""
        if not self._rows:
            return "the inputs that it was measured with have no rows in common"
        try:
            alone = self._alone = [self._run(row) for row in self._rows]
            # No other order of unlike rows, be it fixed or by their values, is the same as theirs both times.
            for shift in (0, 1):
                order = [(place + shift) % len(alone) for place in range(len(alone))]
                self._hold(self._rows, alone, order, None if forced else _RELATIVE)
            if not forced:
                self._hold_far()
        except _Unlike as difference:
            return str(difference)
        except (InvalidInput, RunFailed):
            return "it refuses or fails on a batch"
        if not forced and all(is_equal(alone[0][name], row[name]) for row in alone for name in row):
            return "it answers alike whatever it was measured with, which shows nothing; give it a golden.npz"
        return ""

    def by_rows(self, most: int | None, *, forced: bool) -> tuple[dict[int, float], str]:
        """Return seconds by rows, up to where more rows gain nothing, or to `most` where somebody chose that; and in
        what a batch of one of these sizes differs from its rows alone."""
        self._until = self._clock() + _BUDGET_S
        run_s_of: dict[int, float] = {}
        batches: dict[int, Tensors] = {}
        try:
            for size in _SIZES if most is None else sorted({1, (most + 1) // 2, most}):
                if most is None and run_s_of and self._is_late(size, run_s_of):
                    break
                self._time(size, batches, run_s_of, forced=forced)
                if most is None and _tired(run_s_of):
                    break
            # Between the best and half of it another is often as good, and over sooner.
            between = _best(run_s_of) * 3 // 4
            if most is None and between > 1 and between not in run_s_of and not self._is_late(between, run_s_of):
                self._time(between, batches, run_s_of, forced=forced)
        except _Unlike as difference:
            return run_s_of, f"{difference}, in a batch of {max(batches)}"
        self._time_again(batches, run_s_of)
        return run_s_of, ""

    def _time(self, size: int, batches: dict[int, Tensors], run_s_of: dict[int, float], *, forced: bool) -> None:
        """Time a batch of `size` rows, and hold it to what they give alone. Raises _Unlike."""
        order = [place % len(self._rows) for place in range(size)]
        batches[size] = stacked([self._rows[index] for index in order])
        run_s_of[size] = self.seconds(batches[size])
        self._hold(self._rows, self._alone, order, None if forced else _RELATIVE)

    def _time_again(self, batches: Mapping[int, Tensors], run_s_of: dict[int, float]) -> None:
        """Time all sizes in turns, so that what disturbs the machine now disturbs each of them."""
        for _ in range(_MORE_ROUNDS):
            if self._clock() + sum(run_s_of.values()) > self._until:
                return
            for size, tensors in batches.items():
                started = self._clock()
                self._run(tensors)
                run_s_of[size] = min(run_s_of[size], self._clock() - started)

    def _hold(
        self,
        rows: Sequence[Tensors],
        alone: Sequence[Tensors],
        order: Sequence[int],
        relative: Mapping[str, float] | None,
    ) -> None:
        """Hold the batch of `rows` in that `order` to what they were `alone`. Raises _Unlike."""
        together = self._run(stacked([rows[index] for index in order]))
        for place, index in enumerate(order):
            for name, output in alone[index].items():
                _compare(name, together[name], place, len(order), output, relative)

    def _hold_far(self) -> None:
        """Hold a batch of rows that are far apart to what they are alone. Raises _Unlike."""
        until = self._clock() + _FAR_BUDGET_S
        names = movable(self._rows)
        if self._holds_far(names):
            return
        # What looks rows up has no rows for some; the other inputs show what they can.
        for name in names:
            if self._clock() > until:
                break
            self._holds_far([name])

    def _holds_far(self, names: Sequence[str]) -> bool:
        """See _hold_far; False where the model refuses such numbers."""
        rows = far_apart(self._rows, names)
        try:
            alone = [self._run(row) for row in rows]
        except (InvalidInput, RunFailed):
            return False
        self._hold(rows, alone, range(len(rows)), _RELATIVE_FAR)
        return True

    def _is_late(self, size: int, run_s_of: Mapping[int, float]) -> bool:
        last = max(run_s_of)
        expected_s = run_s_of[last] * size / last
        # The last one may have gained: what is expected without any gain would be refused too soon.
        too_long = expected_s * 0.7 > _LONGEST_BATCH_S
        return too_long or self._clock() + _LEAST_RUNS * expected_s > self._until

    def _run(self, tensors: Tensors) -> dict[str, Array]:
        return self._backend.new_run().execute(tensors, self._outputs)


def _tired(run_s_of: Mapping[int, float]) -> bool:
    """Tell whether two larger sizes in a row made no row cheaper: one may have been bad luck."""
    best = _best(run_s_of)
    return sum(size > best for size in run_s_of) >= 2


def _best(run_s_of: Mapping[int, float], gain: float = _GAIN) -> int:
    """Return the least rows at which a row costs, to within the `gain` that counts, the least there is."""
    short = {
        rows: (seconds + _HAND_OVER_S) / rows
        for rows, seconds in run_s_of.items()
        if rows == 1 or seconds <= _LONGEST_BATCH_S
    }
    least = min(short.values())
    return min(rows for rows, row_s in short.items() if row_s * (1 - gain) <= least)


def _rows_here(backend: Backend, run_s_of: Mapping[int, float]) -> int:
    if backend.traits.time_by_value or any(size < 0 for spec in backend.inputs for size in spec.shape[1:]):
        return 0
    quick = max((rows for rows, seconds in run_s_of.items() if seconds <= _QUICK_S), default=0)
    # A first axis that is not free is the size that was measured, whatever it is.
    fixed = max((spec.shape[0] for spec in backend.inputs if spec.shape), default=0)
    return max(quick, fixed) if quick else 0


def _compare(
    name: str, together: Array, index: int, rows: int, alone: Array, relative: Mapping[str, float] | None
) -> None:
    """Hold row `index` of a batch's output to what it was alone, in its shape and within `relative`. Raises _Unlike."""
    if together.ndim == 0 or together.shape[0] != rows or together.shape[1:] != alone.shape[1:] or alone.shape[0] != 1:
        raise _Unlike(f"the rows of a batch are not the rows of its output {name!r}")
    if relative is not None and not _same(together[index : index + 1], alone, relative):
        raise _Unlike(f"a row's {name!r} depends on the rows beside it")


def _same(one: Array, other: Array, relative: Mapping[str, float]) -> bool:
    if one.dtype.kind != "f":
        return is_equal(one, other)
    tolerance = relative[f"f{one.dtype.itemsize}"]
    largest = float(np.max(np.abs(other), initial=0.0, where=np.isfinite(other)))
    return bool(np.allclose(one, other, rtol=0.0, atol=tolerance * max(largest, tolerance), equal_nan=True))
