"""The files of a release but for its certificate and report, and the manifest that names them.

Golden examples are of the evaluation set: each end's first answers to them, by which a device and a server check that
they run what was certified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloud_service.publish.certify import Certified
from cloud_service.publish.data import Array, Examples
from cloud_service.publish.errors import PublishError
from cloud_service.publish.options import PrepareOptions
from cloud_service.publish.outcomes import Answers, Outcomes
from cloud_service.publish.recipes.joined import Joined
from cloud_service.publish.release import MANIFEST, golden_npz, manifest_toml
from cloud_service.publish.scores import values_of
from cloud_service.publish.splits import Split
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import Evaluation, Manifest, Score, SidecarFile
from nearfar_wire.preparer import Preparer

__all__ = ["contents"]


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
    of_device = golden_npz(inputs, {name: output[golden] for name, output in near.outputs.items()})
    files: dict[str, bytes] = dict(joined.files)
    files[manifest.device.file] = joined.device.content
    files["golden.npz"] = of_device
    answer = options.answer_name
    score_output = answer if certified.kind != "value" else options.score_name
    update: dict[str, Any] = {
        "score": Score(output=score_output, kind=certified.kind, values=values_of(near.outputs[score_output])),
        "certificate": "certificate.json",
        "golden": SidecarFile(file="golden.npz", digest=digest_of(of_device)),
    }
    if options.label_names is not None:
        files["labels.txt"] = _labels(options.label_names, near.outputs[answer])
        update["labels"] = SidecarFile(file="labels.txt", digest=digest_of(files["labels.txt"]))
    if outcomes.device_right is not None and outcomes.remote_right is not None:
        rows = apart.evaluate
        update["evaluation"] = Evaluation(
            n=len(rows),
            device_wrong=float(1 - outcomes.device_right[rows].mean()),
            remote_wrong=float(1 - outcomes.remote_right[rows].mean()),
        )
    whole = manifest.model_copy(update=update)
    files[MANIFEST] = manifest_toml(whole)
    cloud = f"cloud/{options.name}/{options.version}"
    files[f"{cloud}/model.onnx"] = joined.remote.content
    files[f"{cloud}/{MANIFEST}"] = files[MANIFEST]
    for name, content in joined.files.items():
        files[f"{cloud}/{name}"] = content
    sent, fetched = _as_called(manifest, joined, inputs, far, golden)
    files[f"{cloud}/golden.npz"] = golden_npz(sent, fetched)
    return whole, files


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


def _labels(names: Sequence[str], output: Array) -> bytes:
    if len(names) != output.shape[-1]:
        problem = f"{len(names)} labels for {output.shape[-1]} classes"
        raise PublishError(problem, "one label a line, in the order of the model's output")
    if any(not name.strip() or len(name.splitlines()) > 1 for name in names):
        raise PublishError("a label is empty, or longer than a line", "one label a line")
    return "".join(name + "\n" for name in names).encode()
