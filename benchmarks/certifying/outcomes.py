"""Both ends' answers to every example, through the product's own path, and the confidences of the device.

Computed once a pair; a redraw is made of these numbers alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.certify import Kind
from cloud_service.publish.data import Array, Examples
from cloud_service.publish.ends import Ends, File
from cloud_service.publish.outcomes import Outcomes, answers, judge
from nearfar_wire.confidence import confidences
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import DeviceSide, Manifest, OutputSpec, RemoteSide, Score
from nearfar_wire.preparer import Preparer

__all__ = ["KINDS", "Pair", "ask", "run_model"]

KINDS: tuple[Kind, ...] = ("margin", "max_probability", "energy")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Pair:
    """What two models make of the same examples. `strange` are the device's confidences for inputs out of scope, and
    whether the two disagree on them."""

    name: str
    about: str
    outcomes: Outcomes
    confidences: Mapping[Kind, Array]
    strange: Mapping[Kind, Array] | None = None
    strange_outcomes: Outcomes | None = None

    def __len__(self) -> int:
        return len(self.outcomes.answers)

    def without_labels(self) -> Outcomes:
        """Return what would be known of the same examples if nobody had labelled them."""
        apart = self.outcomes.disagree
        return Outcomes(self.outcomes.answers, apart, apart.astype(int), None, None)


def ask(
    name: str, ends: Ends, device: bytes, remote: bytes, examples: Examples, progress: Progress
) -> tuple[Outcomes, dict[Kind, Array]]:
    """Return what both ends make of `examples`, as a release would be prepared of them; the score is of logits."""
    opened = [OnnxBackend(device), OnnxBackend(remote)]
    near = File("the device model", "own", device, opened[0].inputs, "logits")
    far = File("the full model", "full", remote, opened[1].inputs, "logits")
    few = examples.rows(np.arange(0, len(examples), max(1, len(examples) // 64)))
    for file in (near, far):
        ends.tensors(file, few, None)
    joined = ends.join(near, far, few)
    spec = next(output for output in opened[1].outputs if output.name == "logits")
    manifest = Manifest(
        schema=1,  # type: ignore[call-arg]  # mypy knows no alias within Annotated
        name=name,
        version=1,
        inputs=list(joined.inputs),
        outputs=[OutputSpec(name="logits", datatype=spec.datatype, shape=[-1, spec.shape[-1]])],
        device=DeviceSide(
            file=f"{name}.onnx", digest=digest_of(joined.device.content), feeds=dict(joined.device.feeds)
        ),
        remote=RemoteSide(model=name, send=joined.send, feeds=dict(joined.remote.feeds)),
    )
    made = []
    for said, end in (("device", joined.device), ("cloud", joined.remote)):
        preparer = Preparer(manifest.inputs, end.feeds, lambda file: joined.files[file])
        total, stage = len(examples), f"{name}: the {said}'s answers"
        made.append(
            answers(
                OnnxBackend(end.content),
                preparer,
                {},
                manifest,
                examples,
                alone=said == "device",
                progress=lambda done, stage=stage, total=total: progress(stage, done, total),  # type: ignore[misc]  # bound by default
            )
        )
    outcomes = judge(manifest, "logits", made[0], made[1], examples.labels)
    logits = made[0].outputs["logits"]
    return outcomes, {kind: confidences(logits, Score(output="logits", kind=kind, values="logits")) for kind in KINDS}


def run_model(content: bytes, tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Run a model file on its own inputs, one row at a time: see recipes.joined.Run."""
    backend = OnnxBackend(content)
    names = [spec.name for spec in backend.outputs]
    rows = [
        backend.new_run().execute({name: tensor[index : index + 1] for name, tensor in tensors.items()}, names)
        for index in range(len(next(iter(tensors.values()))))
    ]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}
