"""What both models make of every example, asked as an app would ask: the raw material of a promise.

The files that ship are run, not their twins. The device's model gets one example at a time, since the answer of a
quantized model may depend on its batch mates, and an app has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cloud_service.backend import Backend
from cloud_service.publish.data import Array, Examples
from cloud_service.publish.labels import require_answerable
from nearfar_wire.disagreement import classes, disagree, right
from nearfar_wire.manifest import Manifest
from nearfar_wire.prepare import restore
from nearfar_wire.preparer import Preparer

__all__ = ["Answers", "Outcomes", "answers", "judge"]

_REMOTE_ROWS: Final = 16


@dataclass(frozen=True, slots=True)
class Answers:
    """Every output of one end, by the app's names, one row an example."""

    outputs: Mapping[str, Array]
    alone: bool
    """Whether each example was asked by itself."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is compared, one row an example. `gains` is S: in {-1, 0, 1} with labels, in {0, 1} without."""

    answers: Array
    """The device's class."""
    disagree: Array
    gains: Array
    device_right: Array | None
    remote_right: Array | None


def answers(
    backend: Backend,
    preparer: Preparer,
    fetches: Mapping[str, str],
    manifest: Manifest,
    examples: Examples,
    *,
    alone: bool,
    progress: Callable[[int], None],
) -> Answers:
    """Run one end over all examples; `progress` is told how many are done.

    Raises TensorError, RunFailed: see Preparer.prepare and Run.execute."""
    wanted = [output.name for output in manifest.outputs]
    fetched = tuple(dict.fromkeys(fetches.get(name, name) for name in wanted))
    free = all(spec.shape and spec.shape[0] < 0 for spec in backend.inputs)
    varying = any(spec.encoding == "text" for spec in manifest.inputs)
    rows = 1 if alone or varying or not free or backend.traits.scales_by_batch else _REMOTE_ROWS
    parts: dict[str, list[Array]] = {name: [] for name in wanted}
    for start in range(0, len(examples), rows):
        chosen = np.arange(start, min(start + rows, len(examples)))
        # Prepared one at a time: what may be decoded for one request is bounded, and sixteen photographs are more.
        prepared = [preparer.prepare(examples.rows(chosen[at : at + 1])) for at in range(len(chosen))]
        tensors = {name: np.concatenate([one[name] for one in prepared]) for name in prepared[0]}
        made = backend.new_run().execute(tensors, fetched)
        for name, output in restore(made, fetches, wanted).items():
            parts[name].append(output)
        progress(int(chosen[-1]) + 1)
    return Answers({name: np.concatenate(part) for name, part in parts.items()}, rows == 1)


def judge(manifest: Manifest, output: str, device: Answers, remote: Answers, labels: Array | None) -> Outcomes:
    """Compare both ends' `output`; with `labels` also with what is right.

    Raises PublishError: labels that no such answer can be right with."""
    near, far = device.outputs[output], remote.outputs[output]
    apart = disagree(manifest.task, near, far, manifest.tolerance)
    if labels is None:
        return Outcomes(classes(manifest.task, near), apart, apart.astype(int), None, None)
    require_answerable(manifest.task, labels, far.shape)
    near_right = right(manifest.task, near, labels, manifest.tolerance)
    far_right = right(manifest.task, far, labels, manifest.tolerance)
    gains = far_right.astype(int) - near_right.astype(int)
    return Outcomes(classes(manifest.task, near), apart, gains, near_right, far_right)
