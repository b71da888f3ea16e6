"""What a candidate costs and what it is worth, measured: latency, size, memory, agreement, accuracy.

Candidates run in processes of their own, bounded in time and memory; see trial.py. Latency is of one example at a time,
on the threads that the described device has; another processor's latency is this machine's times `slower`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloud_service.publish.candidates.candidate import Candidate
from nearfar_wire.disagreement import disagree, right
from router.cascade.binomial import interval

__all__ = ["THIS_MACHINE", "DeviceClass", "Measured", "Subject", "Yardstick", "measure_latency", "measure_quality"]

Array = NDArray[Any]  # Any: each tensor has its own datatype

_ROWS: Final = 256
_TIMED_ROWS: Final = 16
_TURNS: Final = 200
_TIMING_S: Final = 20.0
_ANSWERING_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A device to measure for. `slower`: how many times as long as this machine it takes, as its user measured."""

    name: str = "this-machine"
    threads: int = 1
    slower: float = 1.0
    memory_limit_bytes: int | None = 8 << 30


THIS_MACHINE: Final = DeviceClass()


@dataclass(frozen=True, slots=True)
class Subject:
    """A candidate with its own inputs, one row an example, and the output that is its answer."""

    candidate: Candidate
    inputs: Mapping[str, Array]
    output: str


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What answers are held against: the full model's, and labels where there are some."""

    task: str
    tolerance: float | None
    reference: Array | None
    labels: Array | None


@dataclass(frozen=True, slots=True)
class Measured:
    """A candidate's figures; those that could not be had have `skipped` and no `content`."""

    name: str
    how: str
    content: bytes | None
    latency_ms_p50: float
    latency_ms_p95: float
    size_bytes: int
    memory_bytes: int | None
    agreement: tuple[float, float, float]
    accuracy: tuple[float, float, float] | None
    on_front: bool = False
    skipped: str = ""
    is_own: bool = False


def measure_quality(subject: Subject, yardstick: Yardstick, device: DeviceClass) -> tuple[Measured, Array | None]:
    """Run a candidate on its rows; return its figures but for latency, and its answers. Never raises."""
    candidate = subject.candidate
    if candidate.content is None:
        return skipped(candidate, candidate.skipped), None
    rows = {name: column[:_ROWS] for name, column in subject.inputs.items()}
    with tempfile.TemporaryDirectory(prefix="nearfar-") as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(candidate.content)
        _save(folder / "inputs.npz", rows)
        job = {"kind": "answer", "model": "model.onnx", "inputs": "inputs.npz", "output": subject.output}
        done = _run(folder, job, device, _ANSWERING_S)
        if isinstance(done, str):
            return skipped(candidate, done), None
        answers = np.load(folder / "answers.npy", allow_pickle=False)
    if answers.dtype.kind == "f" and not np.isfinite(answers).all():
        return skipped(candidate, "some of its answers are not numbers"), None
    reference = answers if yardstick.reference is None else yardstick.reference
    if answers.shape != reference.shape:
        return skipped(candidate, f"its answers have shape {list(answers.shape[1:])}, not the full model's"), None
    alike = ~disagree(yardstick.task, answers, reference, yardstick.tolerance)
    accuracy = None
    if yardstick.labels is not None:
        labels = yardstick.labels[: len(answers)]
        accuracy = _share(right(yardstick.task, answers, labels, yardstick.tolerance))
    figures = Measured(
        candidate.name,
        candidate.how,
        candidate.content,
        0.0,
        0.0,
        len(candidate.content),
        done["memory_bytes"],
        _share(alike),
        accuracy,
        is_own=candidate.is_own,
    )
    return figures, answers


def measure_latency(subjects: Sequence[Subject], device: DeviceClass) -> list[tuple[float, float]] | str:
    """Return median and 95 % quantile in milliseconds of each, taken in turns; or why that could not be done."""
    with tempfile.TemporaryDirectory(prefix="nearfar-") as name:
        folder = Path(name)
        models: list[dict[str, str]] = []
        for index, subject in enumerate(subjects):
            assert subject.candidate.content is not None
            (folder / f"{index}.onnx").write_bytes(subject.candidate.content)
            _save(folder / f"{index}.npz", {name: column[:_TIMED_ROWS] for name, column in subject.inputs.items()})
            models.append({"model": f"{index}.onnx", "inputs": f"{index}.npz", "output": subject.output})
        job = {"kind": "time", "models": models, "turns": _TURNS, "seconds": _TIMING_S}
        done = _run(folder, job, device, _ANSWERING_S)
    if isinstance(done, str):
        return done
    scale = 1000 * device.slower
    return [(float(np.median(taken)) * scale, float(np.quantile(taken, 0.95)) * scale) for taken in done["seconds"]]


def skipped(candidate: Candidate, why: str) -> Measured:
    """Return the figures of a candidate that has none."""
    nothing = (0.0, 0.0, 1.0)
    return Measured(
        candidate.name, candidate.how, None, 0.0, 0.0, 0, None, nothing, None, skipped=why, is_own=candidate.is_own
    )


def _share(hits: Array) -> tuple[float, float, float]:
    count, n = int(hits.sum()), len(hits)
    return (count / n, *interval(count, n))


def _save(path: Path, columns: Mapping[str, Array]) -> None:
    plain = {name: column.astype(bytes) if column.dtype.kind == "O" else column for name, column in columns.items()}
    np.savez(path, allow_pickle=False, **plain)


def _run(
    folder: Path, job: Mapping[str, Any], device: DeviceClass, limit_s: float
) -> dict[str, Any] | str:  # Any: JSON
    """Return what the process says, or in words why it said nothing."""
    whole = {**job, "threads": device.threads, "memory_limit_bytes": device.memory_limit_bytes}
    (folder / "job.json").write_text(json.dumps(whole), "utf-8")
    command = [sys.executable, "-m", "cloud_service.publish.trial", str(folder)]
    try:
        ended = subprocess.run(command, capture_output=True, timeout=limit_s, check=False)  # noqa: S603  our own module
    except subprocess.TimeoutExpired:
        return f"it did not end within {limit_s:g} s"
    if ended.returncode < 0:
        return f"the runtime crashed on it (signal {-ended.returncode})"
    try:
        done: dict[str, Any] = json.loads((folder / "done.json").read_text("utf-8"))
    except (OSError, ValueError):
        last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        # The type of the error alone: what the runtime says may quote the model's author.
        return f"it does not run here ({last.partition(':')[0].rpartition('.')[2] or 'no reason given'})"
    return done
