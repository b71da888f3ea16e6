"""What a candidate costs and what it is worth, measured: latency, size, memory, agreement, accuracy.

Candidates run in processes of their own, bounded in time and memory; see sandbox.py. Latency is of one example at a
time, on the threads that the described device has; another processor's latency is this machine's times `slower`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud_service.publish.candidates.candidate import Candidate
from cloud_service.publish.columns import Array
from cloud_service.publish.sandbox import Failed, Sandbox, Timed
from nearfar_wire.disagreement import disagree, right
from router.cascade.binomial import interval

__all__ = ["THIS_MACHINE", "DeviceClass", "Measured", "Subject", "Yardstick", "measure_latency", "measure_quality"]

_ROWS: Final = 256
_TIMED_ROWS: Final = 16
_TURNS: Final = 200
_TIMING_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class DeviceClass:
    """A device to measure for. `slower`: how many times as long as this machine it takes, as its user measured."""

    name: str = "this-machine"
    threads: int = 1
    slower: float = 1.0
    memory_limit_bytes: int | None = 8 << 30
    """What one model may take; what the runtime has without one comes on top."""

    def sandbox(self, limit_s: float) -> Sandbox:
        """Return where candidates for it are run; each job there ends within `limit_s`."""
        return Sandbox(self.threads, self.memory_limit_bytes, limit_s)


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


def measure_quality(subject: Subject, yardstick: Yardstick, sandbox: Sandbox) -> tuple[Measured, Array | None]:
    """Run a candidate on its rows; return its figures but for latency, and its answers. Never raises."""
    candidate = subject.candidate
    if candidate.content is None:
        return skipped(candidate, candidate.skipped), None
    rows = {name: column[:_ROWS] for name, column in subject.inputs.items()}
    try:
        answered = sandbox.answers(candidate.content, rows, [subject.output])
    except Failed as error:
        return skipped(candidate, error.why), None
    answers = answered.outputs[subject.output]
    # A logit may be -inf: the class is ruled out.
    if answers.dtype.kind == "f" and (np.isnan(answers).any() or np.isposinf(answers).any()):
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
        answered.memory_bytes,
        _share(alike),
        accuracy,
        is_own=candidate.is_own,
    )
    return figures, answers


def measure_latency(subjects: Sequence[Subject], sandbox: Sandbox, *, slower: float) -> list[tuple[float, float]]:
    """Return median and 95 % quantile in milliseconds of each, taken in turns. Raises Failed.

    `slower`: see DeviceClass."""
    models: list[Timed] = []
    for subject in subjects:
        assert subject.candidate.content is not None
        few = {name: column[:_TIMED_ROWS] for name, column in subject.inputs.items()}
        models.append(Timed(subject.candidate.content, few, subject.output))
    seconds = sandbox.times(models, turns=_TURNS, seconds=_TIMING_S)
    scale = 1000 * slower
    return [(float(np.median(taken)) * scale, float(np.quantile(taken, 0.95)) * scale) for taken in seconds]


def skipped(candidate: Candidate, why: str) -> Measured:
    """Return the figures of a candidate that has none."""
    nothing = (0.0, 0.0, 1.0)
    return Measured(
        candidate.name, candidate.how, None, 0.0, 0.0, 0, None, nothing, None, skipped=why, is_own=candidate.is_own
    )


def _share(hits: Array) -> tuple[float, float, float]:
    count, n = int(hits.sum()), len(hits)
    return (count / n, *interval(count, n))
