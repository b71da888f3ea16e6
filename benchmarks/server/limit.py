"""What the machine can do: onnxruntime in a loop, with nothing before and nothing after it.

The best of batch sizes, threads and processes with at most as many rows under way as the servers' callers have. Each
way is run in fresh processes, which start together."""

from __future__ import annotations

import multiprocessing
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import onnxruntime

from benchmarks.server.models import Model

__all__ = ["Way", "lone_ms", "rows_per_second", "ways"]

_WARM_UP_RUNS: Final = 5


@dataclass(frozen=True, slots=True)
class Way:
    """`processes` of `threads` that each run batches of `rows`, on sessions of `intra` threads."""

    processes: int
    threads: int
    intra: int
    rows: int

    def __str__(self) -> str:
        return f"{self.processes} processes, {self.threads} runs at once of {self.intra} threads, {self.rows} rows each"


def ways(cores: int, most_rows: int) -> list[Way]:
    """Return what is tried: each core by a thread, by a process, or all of them for one run."""
    shapes = {(1, cores, 1), (1, 1, cores), (cores, 1, 1)}
    return [
        Way(processes, threads, intra, rows)
        for processes, threads, intra in sorted(shapes)
        for rows in (1, 2, 4, 8, 16, 32)
        if processes * threads * rows <= most_rows
    ]


def rows_per_second(file: Path, model: Model, way: Way, seconds: float) -> float:
    """Run the model that way for `seconds` and return how many rows a second came out."""
    context = multiprocessing.get_context("spawn")
    pipes = [context.Pipe() for _ in range(way.processes)]
    processes = [context.Process(target=_work, args=(theirs, file, model, way, seconds)) for _, theirs in pipes]
    for process in processes:
        process.start()
    for ours, _ in pipes:
        ours.recv()  # it is ready
    for ours, _ in pipes:
        ours.send(None)
    total = sum(ours.recv() for ours, _ in pipes)
    for process in processes:
        process.join()
    return float(total)


def lone_ms(file: Path, model: Model, seconds: float) -> float:
    """Return the median of runs of one row, one after the other, on one thread."""
    session, inputs = _session(file, 1), model.rows(1)
    times = []
    end = time.perf_counter() + seconds
    while (started := time.perf_counter()) < end:
        session.run(None, inputs)
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1e3


def _work(connection: Connection, file: Path, model: Model, way: Way, seconds: float) -> None:
    session, inputs = _session(file, way.intra), model.rows(way.rows)
    counts = [0] * way.threads
    go = threading.Event()

    def loop(index: int) -> None:
        for _ in range(_WARM_UP_RUNS):
            session.run(None, inputs)
        go.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            session.run(None, inputs)
            counts[index] += 1

    threads = [threading.Thread(target=loop, args=(index,)) for index in range(way.threads)]
    for thread in threads:
        thread.start()
    connection.send(None)
    connection.recv()
    started = time.perf_counter()
    go.set()
    for thread in threads:
        thread.join()
    connection.send(sum(counts) * way.rows / (time.perf_counter() - started))


def _session(file: Path, threads: int) -> Any:  # Any: onnxruntime publishes no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
