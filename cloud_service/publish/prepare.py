"""From one trained model and some data to a release: inspect, compress, join, certify, write.

The order keeps the sets apart: what is chosen (normalisation, candidate, score, gain table) is chosen on the fit set,
thresholds pass or fail on the calibration set, and what people are told was measured on the evaluation set."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np

from cloud_service.backends.onnx import OnnxBackend
from cloud_service.publish.certify import Certified, Kind, certify_outcomes
from cloud_service.publish.compress import Compression, Own, compress
from cloud_service.publish.data import Array, Examples, checked
from cloud_service.publish.ends import Ends, File, Plain
from cloud_service.publish.errors import PublishError
from cloud_service.publish.inspect import inspect
from cloud_service.publish.options import PrepareOptions, Task
from cloud_service.publish.outcomes import Answers, Outcomes, answers, judge
from cloud_service.publish.prepared import Prepared
from cloud_service.publish.recipes.joined import Joined
from cloud_service.publish.release import MANIFEST, golden_npz, manifest_toml, write_files
from cloud_service.publish.report import write_report
from cloud_service.publish.splits import Split, split
from cloud_service.publish.telling import report_facts
from nearfar_wire.confidence import confidences
from nearfar_wire.digest import digest_of
from nearfar_wire.manifest import (
    DeviceSide,
    Evaluation,
    Manifest,
    Measured,
    OutputSpec,
    RemoteSide,
    Requires,
    Score,
    SidecarFile,
)
from nearfar_wire.preparer import Preparer, preprocessing_digest
from router.cascade.certificate import Certificate, Gains, to_json

__all__ = ["PrepareOptions", "Prepared", "Task", "prepare"]

Progress = Callable[[str, int, int], None]

_GOLDEN: Final = 8
# The first that reads certificates and what this writes into a manifest.
_RELEASED_WITH: Final = "0.1"
_CALIBRATION_ROWS: Final = 512
_KINDS: Final[Sequence[Kind]] = ("margin", "max_probability", "energy")
_NOT_COVERED: Final = (
    "inputs unlike those calibrated on: other users, cameras, seasons or subjects",
    "any sub-group by itself: the promise is about the average over all requests",
    "requests whose privacy label forbids the cloud: they can be neither escalated nor audited",
    "a device or full model with another digest than those of this certificate",
)


def ignore(stage: str, done: int, total: int) -> None:
    """The progress of nobody who looks."""


def prepare(options: PrepareOptions, *, progress: Progress = ignore) -> Prepared:
    """Make and write a release.

    Raises PublishError: with what is wrong and what to do; then nothing was written."""
    examples = checked(options.examples, classes=options.task == "classification")
    inspect(options.model)
    backend = OnnxBackend(options.model)
    full = File("the full model", "full", options.model, backend, _answer(backend, options.output, "--output"))
    ends = Plain(backend.inputs) if options.ends is None else options.ends(backend)
    apart = split(examples.keys(), _listed(examples.groups), _listed(examples.times), seed=options.seed)

    compression, device = _compress(options, examples, apart, ends, full, progress)
    joined = ends.join(device, full, examples.rows(apart.fit[:_CALIBRATION_ROWS]))
    manifest = _manifest(options, joined, device, full, compression)
    near = _run(manifest, joined, examples, "device", progress)
    far = _run(manifest, joined, examples, "remote", progress)
    answer = options.answer_name
    outcomes = judge(manifest, answer, near, far, examples.labels)
    score_output = answer if options.score != "value" else options.score_name
    read = _confidences(options, near.outputs[score_output])
    certified = certify_outcomes(outcomes, read, apart, options.alphas, options.delta, seed=options.seed)

    golden = apart.evaluate[:_GOLDEN]
    manifest, files = _complete(options, manifest, joined, examples, near, far, golden, certified, outcomes, apart)
    certificate = _certificate(options, manifest, certified, apart)
    files["certificate.json"] = to_json(certificate)
    notes = (*ends.notes, *joined.notes)
    made = Prepared(options.out, manifest, certificate, certified, compression, apart, outcomes, notes)
    if options.report:
        files["report.html"] = write_report(report_facts(made))
    progress("write", 0, 1)
    write_files(options.out, options.name, files)
    progress("write", 1, 1)
    return made


def _compress(
    options: PrepareOptions, examples: Examples, apart: Split, ends: Ends, full: File, progress: Progress
) -> tuple[Compression, File]:
    chosen = apart.fit[:: max(1, len(apart.fit) // _CALIBRATION_ROWS)][:_CALIBRATION_ROWS]
    rows = examples.rows(chosen)
    labels = None if examples.labels is None else examples.labels[chosen]
    classes = None if labels is None or options.task != "classification" else labels.tolist()
    tensors = ends.tensors(full, rows, classes)
    own: Own | None = None
    if options.device_model is not None:
        inspect(options.device_model)
        backend = OnnxBackend(options.device_model)
        output = _answer(backend, options.device_output or _same(backend, full.output), "--device-output")
        file = File("the device model", "own", options.device_model, backend, output)
        if classes is None and options.task == "classification":
            # Whoever has no labels wants the device to answer as the full model does.
            classes = [int(answer.argmax()) for answer in _one_by_one(full, tensors)]
        own = Own(options.device_model, ends.tensors(file, rows, classes), output)
    compression = compress(
        options.model,
        tensors,
        task=options.task,
        tolerance=options.tolerance,
        output=full.output,
        labels=labels,
        own=own,
        drop_layers=options.drop_layers,
        device=options.device,
        ship=options.ship,
        progress=progress,
    )
    best = compression.chosen
    assert best.content is not None
    output = own.output if own is not None and best.is_own else full.output
    origin: Literal["full", "own"] = "own" if best.is_own else "full"
    return compression, File("the device's model", origin, best.content, OnnxBackend(best.content), output)


def _one_by_one(file: File, tensors: Mapping[str, Array]) -> Iterator[Array]:
    for index in range(len(next(iter(tensors.values())))):
        one = {name: tensor[index : index + 1] for name, tensor in tensors.items()}
        yield file.backend.new_run().execute(one, [file.output])[file.output]


def _answer(backend: OnnxBackend, named: str | None, flag: str) -> str:
    offered = [spec.name for spec in backend.outputs]
    if named is None:
        named = next((spec.name for spec in backend.outputs if spec.datatype.startswith("FP")), None)
        if named is None:
            raise PublishError(f"no output has numbers with a point: {', '.join(offered)}", f"see {flag}")
    if named not in offered:
        raise PublishError(f"the model gives {', '.join(offered)}, and no {named!r}", f"name one with {flag}")
    return named


def _same(backend: OnnxBackend, output: str) -> str | None:
    return output if any(spec.name == output for spec in backend.outputs) else None


def _listed(column: Array | None) -> list[Any] | None:  # Any: whatever names a group or a time
    return None if column is None else column.tolist()


def _manifest(options: PrepareOptions, joined: Joined, device: File, full: File, compression: Compression) -> Manifest:
    """Return all of the manifest that is known before anything is measured on the joined models."""
    near, far = OnnxBackend(joined.device.content), OnnxBackend(joined.remote.content)
    answer = options.answer_name
    shapes = [next(s for s in b.outputs if s.name == f.output) for b, f in ((near, device), (far, full))]
    if len(shapes[0].shape) != len(shapes[1].shape) or any(
        -1 not in pair and pair[0] != pair[1] for pair in zip(shapes[0].shape[1:], shapes[1].shape[1:], strict=True)
    ):
        raise PublishError(
            f"the device's answer has shape {list(shapes[0].shape)}, the full model's {list(shapes[1].shape)}",
            "both models have to answer the same question",
        )
    if shapes[0].datatype != shapes[1].datatype:
        raise PublishError(
            f"the device's answer is {shapes[0].datatype}, the full model's {shapes[1].datatype}",
            "give both the same type of output",
        )
    outputs = [OutputSpec(name=answer, datatype=shapes[1].datatype, shape=[-1, *shapes[1].shape[1:]])]
    fetches = ({answer: device.output}, {answer: full.output})
    if options.score == "value":
        named = options.score_name
        for side, backend in zip(fetches, (near, far), strict=True):
            if all(spec.name != options.score_output for spec in backend.outputs):
                problem = f"a model has no output {options.score_output!r} for the confidence"
                raise PublishError(problem, "both ends give it, as both give every output; name it with --score-output")
            side[named] = options.score_output or named
        spec = next(spec for spec in near.outputs if spec.name == options.score_output)
        outputs.append(OutputSpec(name=named, datatype=spec.datatype, shape=[-1, *spec.shape[1:]]))
    best = compression.chosen
    measured = Measured(
        latency_ms_p50=best.latency_ms_p50,
        latency_ms_p95=max(best.latency_ms_p50, best.latency_ms_p95),
        memory_bytes=best.memory_bytes,
        size_bytes=len(joined.device.content),
    )
    return Manifest.model_validate(
        {
            "schema": 1,
            "name": options.name,
            "version": options.version,
            "inputs": [part.model_dump() for part in joined.inputs],
            "outputs": [part.model_dump() for part in outputs],
            "device": DeviceSide(
                file=f"{options.name}.onnx",
                digest=digest_of(joined.device.content),
                feeds=dict(joined.device.feeds),
                fetches=fetches[0],
            ),
            "remote": RemoteSide(
                model=options.name,
                version=str(options.version),
                digest=digest_of(joined.remote.content),
                send=joined.send,
                feeds=dict(joined.remote.feeds),
                fetches=fetches[1],
            ),
            "task": options.task,
            "tolerance": options.tolerance,
            "requires": Requires(nearfar=_RELEASED_WITH),
            "measured": {options.device.name: measured},
        }
    )


def _run(
    manifest: Manifest, joined: Joined, examples: Examples, which: Literal["device", "remote"], progress: Progress
) -> Answers:
    side = manifest.device if which == "device" else manifest.remote
    end = joined.device if which == "device" else joined.remote
    assert side is not None
    preparer = Preparer(manifest.inputs, side.feeds, lambda file: joined.files[file])
    backend = OnnxBackend(end.content)
    total = len(examples)
    return answers(
        backend,
        preparer,
        side.fetches,
        manifest,
        examples,
        alone=which == "device",
        progress=lambda done: progress(f"run the {which}'s model", done, total),
    )


def _values(output: Array) -> Literal["probabilities", "logits"]:
    rows = output.reshape(len(output), -1)
    shares = bool(((rows >= 0) & (rows <= 1)).all()) and bool(np.allclose(rows.sum(axis=1), 1, atol=1e-3))
    return "probabilities" if shares else "logits"


def _confidences(options: PrepareOptions, output: Array) -> dict[Kind, Array]:
    values = _values(output)
    kinds: Sequence[Kind] = _KINDS if options.score is None else (options.score,)
    if options.score is None and options.task in ("regression", "embedding"):
        raise PublishError(
            f"task {options.task} has no confidence of its own",
            "let the device's model give one as a second output and name it: --score value --score-output NAME",
        )
    read: dict[Kind, Array] = {}
    for kind in kinds:
        if kind == "energy" and values != "logits":
            continue
        score = Score(output="o", kind=kind, values=values)
        found = confidences(output, score)
        if len(found) != len(output):
            raise PublishError("an answer has several rows for one example", "one row an example is certified")
        read[kind] = found
    if not read:
        raise PublishError(f"score {options.score!r} cannot be read from probabilities", "name margin or leave it out")
    return read


def _complete(
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
        "score": Score(output=score_output, kind=certified.kind, values=_values(near.outputs[score_output])),
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


def _certificate(options: PrepareOptions, manifest: Manifest, certified: Certified, apart: Split) -> Certificate:
    assert manifest.device is not None and manifest.remote is not None and manifest.remote.digest is not None
    table = certified.table
    return Certificate(
        model=options.name,
        method=certified.method,
        task=options.task,
        tolerance=options.tolerance,
        score=certified.kind,
        device_digest=manifest.device.digest,
        remote_digest=manifest.remote.digest,
        preprocessing_digest=preprocessing_digest(manifest),
        gains=Gains(
            score_type=table.score_type,
            knots=list(table.knots),
            default=list(table.default),
            classes={answer: list(row) for answer, row in table.rows.items()},
            grid=list(certified.grid),
        ),
        promises=list(certified.promises),
        reference=certified.reference,
        n_fit=len(apart.fit),
        n_calibrate=len(apart.calibrate),
        n_evaluate=len(apart.evaluate),
        split=apart.how,
        seed=options.seed,
        made_utc=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        not_covered=list(_NOT_COVERED),
    )
