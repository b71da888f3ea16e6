"""Tries what makes sense for a model, measures each candidate, keeps those worth having, and says which one ships."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cloud_service.publish.candidates import Candidate, propose
from cloud_service.publish.class_order import ADVICE, DEVICE_ADVICE, misnumbered
from cloud_service.publish.columns import Array
from cloud_service.publish.errors import PublishError
from cloud_service.publish.inspect import Inspection, inspect
from cloud_service.publish.measure import (
    THIS_MACHINE,
    DeviceClass,
    Measured,
    Subject,
    Yardstick,
    measure_latency,
    measure_quality,
)
from cloud_service.publish.pareto import choose, front
from cloud_service.publish.sandbox import Failed, Sandbox

__all__ = ["PATIENCE_S", "Compression", "Own", "compress"]

Progress = Callable[[str, int, int], None]

PATIENCE_S: Final = 300.0
"""How long a candidate may take to be made, to answer some hundred examples, or all of them to be timed."""
GIVE_UP: Final = 0.02
"""How much quality a faster candidate may cost: what it costs in the end, the certificate bounds."""
# Propose makes about as many; the bar need not be exact.
_ABOUT: Final = 8


@dataclass(frozen=True, slots=True)
class Own:
    """A small model of the user's own, with its own inputs for the same examples, and the output that is its answer."""

    content: bytes
    inputs: Mapping[str, Array]
    output: str


@dataclass(frozen=True, slots=True)
class Compression:
    """What was tried. `measured` has every candidate, in the order of trying; `chosen` is one of them."""

    inspection: Inspection
    measured: tuple[Measured, ...]
    chosen: Measured


def _ignore(stage: str, done: int, total: int) -> None:
    """The progress of nobody who looks."""


def compress(
    content: bytes,
    calibration: Mapping[str, Array],
    *,
    task: str,
    tolerance: float | None,
    output: str,
    labels: Array | None = None,
    own: Own | None = None,
    drop_layers: int = 0,
    device: DeviceClass = THIS_MACHINE,
    ship: str | None = None,
    patience_s: float = PATIENCE_S,
    progress: Progress = _ignore,
) -> Compression:
    """Return what became of the model `content`; `calibration` are its inputs, one row an example, as are `labels`.

    `ship` names the candidate that is chosen whatever it costs; None: the fastest that is good enough.

    Raises PublishError: for a model that is unsafe, cannot be run on these inputs or numbers its classes otherwise than
    the labels do, an `own` that numbers them otherwise than those or the full model, or no candidate to `ship`."""
    inspection = inspect(content)
    measured: list[Measured] = []
    subjects: list[Subject] = []
    sandbox, roomy = device.sandbox(patience_s), Sandbox(limit_s=patience_s)
    yardstick = Yardstick(task, tolerance, None, labels)

    def make(model: bytes, way: str, arguments: Mapping[str, Any]) -> bytes:  # Any: each way has its own
        return roomy.made(model, way, arguments, calibration)

    given = None if own is None else own.content
    for candidate in propose(content, inspection, make, drop_layers=drop_layers, own=given):
        progress("try candidates", len(measured), max(_ABOUT, len(measured) + 1))
        subject = _subject(candidate, calibration, output, own)
        figures, answers = measure_quality(subject, yardstick, sandbox)
        if yardstick.reference is None:
            here = figures
            if answers is None and sandbox != roomy:
                # Too much for the device, perhaps; what answers are held against comes from this machine.
                here, answers = measure_quality(subject, yardstick, roomy)
            if answers is None:
                raise PublishError(f"the model cannot be run on the examples: {here.skipped}", "look at its inputs")
            yardstick = replace(yardstick, reference=answers)
            if labels is not None and task == "classification":
                _require_same_order("the full model", answers, labels.tolist(), ADVICE)
        elif candidate.is_own and answers is not None and task == "classification":
            wanted = _classes(yardstick.reference) if labels is None else labels.tolist()
            _require_same_order("the device model", answers, wanted, DEVICE_ADVICE, agreement=labels is None)
        measured.append(figures)
        subjects.append(subject)
    progress("try candidates", len(measured), len(measured))
    return _chosen(inspection, measured, subjects, sandbox, device.slower, ship, progress)


def _require_same_order(
    file: str, answers: Array, wanted: Sequence[int], advice: str, *, agreement: bool = False
) -> None:
    """Pass `answers`, scores, that number classes as `wanted` does; see misnumbered. Raises PublishError."""
    given = _classes(answers)
    why = misnumbered(given, wanted[: len(given)], answers[0].size, agreement=agreement)
    if why is not None:
        raise PublishError(f"{file}: {why}", advice)


def _classes(answers: Array) -> list[int]:
    found: list[int] = answers.reshape(len(answers), -1).argmax(axis=1).tolist()
    return found


def _named(ship: str, measured: list[Measured]) -> Measured:
    found = next((figures for figures in measured if figures.name == ship), None)
    if found is None or found.content is None:
        there = ", ".join(repr(figures.name) for figures in measured if figures.content is not None)
        why = "was not tried" if found is None else found.skipped
        raise PublishError(f"candidate {ship!r} cannot be shipped: {why}", f"name one of {there}")
    return found


def _subject(candidate: Candidate, calibration: Mapping[str, Array], output: str, own: Own | None) -> Subject:
    if candidate.is_own and own is not None:
        return Subject(candidate, own.inputs, own.output)
    return Subject(candidate, calibration, output)


def _chosen(
    inspection: Inspection,
    measured: list[Measured],
    subjects: list[Subject],
    sandbox: Sandbox,
    slower: float,
    ship: str | None,
    progress: Progress,
) -> Compression:
    running = [index for index, figures in enumerate(measured) if figures.content is not None]
    if not running:
        why = "; ".join(f"{figures.name}: {figures.skipped}" for figures in measured)
        raise PublishError(f"no candidate runs on this device class: {why}", "give it more memory")
    progress("time candidates", 0, 1)
    try:
        timed = measure_latency([subjects[index] for index in running], sandbox, slower=slower)
    except Failed as error:
        raise PublishError(f"the candidates cannot be timed: {error.why}", "give it more time or memory") from error
    progress("time candidates", 1, 1)
    for index, (p50, p95) in zip(running, timed, strict=True):
        measured[index] = replace(measured[index], latency_ms_p50=p50, latency_ms_p95=p95)
    kept = front([measured[index] for index in running])
    best = choose(kept, give_up=GIVE_UP) if ship is None else _named(ship, measured)
    names = {figures.name for figures in kept}
    marked = tuple(replace(figures, on_front=figures.name in names) for figures in measured)
    return Compression(inspection, marked, next(figures for figures in marked if figures.name == best.name))
