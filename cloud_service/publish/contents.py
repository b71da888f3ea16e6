"""The files of a release but for its certificate and report, and the manifest that names them.

Golden examples are of the evaluation set: each end's first answers to them, by which a device and a server check that
they run what was certified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from cloud_service.publish.certify import Certified
from cloud_service.publish.data import Array, Examples
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.outcomes import Answers, Outcomes
from cloud_service.publish.recipes.joined import Joined
from cloud_service.publish.refusals import require_named
from cloud_service.publish.release import CERTIFICATE, MANIFEST, golden_npz, manifest_toml
from cloud_service.publish.scores import values_of
from cloud_service.publish.splits import Split, shuffled
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import EvaluatedThreshold, Evaluation, Manifest, Score, SidecarFile
from nearfar_wire.preparer import Preparer
from router.rules.thresholds import measured

__all__ = ["contents", "golden_of"]

_GOLDEN: Final = "golden.npz"
# A device loads it with the model, and a server reads no more than twice as much.
_MAX_GOLDEN_BYTES: Final = 32 << 20


def contents(
    options: PrepareOptions,
    manifest: Manifest,
    joined: Joined,
    examples: Examples,
    near: Answers,
    far: Answers,
    golden: Array,
    certified: Certified,
    outcomes: Outcomes,
    apart: Split,
) -> tuple[Manifest, dict[str, bytes]]:
    """Return the whole manifest, and every file but the certificate and the report."""
    assert manifest.device is not None and manifest.remote is not None
    inputs = examples.rows(golden)
    files: dict[str, bytes] = dict(joined.files)
    files[manifest.device.file] = joined.device.content
    answer = options.answer_name
    score_output = answer if certified.kind != "value" else options.score_name
    update: dict[str, Any] = {
        "score": Score(
            output=score_output, kind=certified.kind, values=values_of(near.outputs[score_output][apart.fit])
        ),
        "certificate": CERTIFICATE,
    }
    if len(golden):
        files[_GOLDEN] = golden_npz(inputs, {name: output[golden] for name, output in near.outputs.items()})
        update["golden"] = SidecarFile(file=_GOLDEN, digest=digest_of(files[_GOLDEN]))
    if options.label_names is not None:
        require_named(options.label_names, near.outputs[answer].shape, "--labels-file")
        files["labels.txt"] = "".join(name + "\n" for name in options.label_names).encode()
        update["labels"] = SidecarFile(file="labels.txt", digest=digest_of(files["labels.txt"]))
    if outcomes.device_right is not None and outcomes.remote_right is not None:
        rows = apart.evaluate
        update["evaluation"] = Evaluation(
            n=len(rows),
            device_wrong=float(1 - outcomes.device_right[rows].mean()),
            remote_wrong=float(1 - outcomes.remote_right[rows].mean()),
            thresholds=_thresholds(
                certified.confidences[rows], outcomes.device_right[rows], outcomes.remote_right[rows]
            ),
        )
    whole = manifest.model_copy(update=update)
    files[MANIFEST] = manifest_toml(whole)
    cloud = f"cloud/{options.name}/{options.version}"
    files[f"{cloud}/model.onnx"] = joined.remote.content
    files[f"{cloud}/{MANIFEST}"] = files[MANIFEST]
    for name, content in joined.files.items():
        files[f"{cloud}/{name}"] = content
    for number, rows in enumerate(_calls(golden, far), start=1):
        sent, fetched = _as_called(manifest, joined, examples.rows(rows), far, rows)
        files[f"{cloud}/golden.npz" if number == 1 else f"{cloud}/golden-{number}.npz"] = golden_npz(sent, fetched)
    return whole, files


def _thresholds(confidences: Array, device_right: Array, remote_right: Array) -> list[EvaluatedThreshold]:
    """Return what thresholds on the device's confidence do; none where it cannot be read of every example."""
    if not np.isfinite(confidences).all():
        return []
    # In the float type that the device reads its score in.
    scores = confidences.astype(np.float64).tolist()
    examples = zip(scores, device_right.tolist(), remote_right.tolist(), strict=True)
    return [EvaluatedThreshold(below=found.below, share=found.share, gain=found.gain) for found in measured(examples)]


def golden_of(options: PrepareOptions, examples: Examples, apart: Split) -> Array:
    """Return the examples that go into the release, by index: of the evaluation set, and small enough to go."""
    chosen: list[int] = []
    left = _MAX_GOLDEN_BYTES
    for place in shuffled(len(apart.evaluate), options.seed):
        index = int(apart.evaluate[place])
        content = [column[index] for column in examples.inputs.values()]
        # An .npz cannot keep bytes that end in NUL.
        if any(isinstance(part, bytes) and part.endswith(b"\0") for part in content):
            continue
        left -= sum(len(part) if isinstance(part, bytes) else np.asarray(part).nbytes for part in content)
        if left < 0 or len(chosen) == options.golden:
            break
        chosen.append(index)
    return np.array(sorted(chosen), dtype=np.int64)


def _calls(golden: Array, far: Answers) -> list[Array]:
    """Return the golden examples by call: one each where the full model was asked one at a time, or else together."""
    if far.alone:
        return [golden[place : place + 1] for place in range(len(golden))]
    return [golden] if len(golden) else []


def _as_called(
    manifest: Manifest, joined: Joined, inputs: Mapping[str, Array], far: Answers, golden: Array
) -> tuple[Mapping[str, Array], Mapping[str, Array]]:
    """Return examples for the server as callers make them: the app's tensors, or those that the full model takes."""
    assert manifest.remote is not None
    outputs = {name: output[golden] for name, output in far.outputs.items()}
    if manifest.remote.send == "app":
        return inputs, outputs
    preparer = Preparer(manifest.inputs, manifest.remote.feeds, lambda file: joined.files[file])
    return preparer.prepare(inputs), {manifest.remote.fetches[name]: output for name, output in outputs.items()}
