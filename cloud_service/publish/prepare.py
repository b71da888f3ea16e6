"""From one trained model and some data to a release: inspect, compress, join, certify, write.

The order keeps the sets apart: what is chosen (normalisation, candidate, score, gain table) is chosen on the fit set,
thresholds pass or fail on the calibration set, and what people are told was measured on the evaluation set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

from cloud_service.backend import Backend
from cloud_service.backends.opening import open_backend
from cloud_service.publish.certify import certify_outcomes
from cloud_service.publish.compress import Compression, Own, compress
from cloud_service.publish.contents import contents, golden_of
from cloud_service.publish.culprit import refused_example
from cloud_service.publish.data import Array, Examples, checked
from cloud_service.publish.describing import describe
from cloud_service.publish.document import certificate_of
from cloud_service.publish.ends import Ends, File, Plain, Tried
from cloud_service.publish.errors import PublishError
from cloud_service.publish.inspect import inspect
from cloud_service.publish.labels import require_answerable
from cloud_service.publish.options import PrepareOptions, Task
from cloud_service.publish.outcomes import Answers, answers, judge
from cloud_service.publish.prepared import Prepared
from cloud_service.publish.recipes.joined import Joined
from cloud_service.publish.recipes.softmax import with_softmax
from cloud_service.publish.refusals import (
    require_better_than_chance,
    require_enough,
    require_named,
    require_options,
    require_same_question,
)
from cloud_service.publish.release import CERTIFICATE, REPORT, write_files
from cloud_service.publish.report import write_report
from cloud_service.publish.sandbox import Failed, Ports, Sandbox
from cloud_service.publish.scores import read_confidences, values_of
from cloud_service.publish.splits import Split, shuffled, split
from cloud_service.publish.telling import report_facts
from cloud_service.publish.tflite import inspect_own, require_no_tflite
from nearfar_wire.disagreement import classes
from nearfar_wire.errors import TensorError
from nearfar_wire.manifest import Manifest
from nearfar_wire.preparer import Preparer
from router.cascade.certificate import to_json

__all__ = ["PrepareOptions", "Prepared", "Task", "prepare"]

Progress = Callable[[str, int, int], None]

_CALIBRATION_ROWS: Final = 512
_ALIKE_ROWS: Final = 32


def ignore(stage: str, done: int, total: int) -> None:
    """The progress of nobody who looks."""


def prepare(options: PrepareOptions, *, progress: Progress = ignore) -> Prepared:
    """Make and write a release.

    Raises PublishError: with what is wrong and what to do; then nothing was written."""
    require_options(options)
    examples = checked(options.examples, classes=options.task == "classification")
    require_no_tflite(options.model)
    inspect(options.model)
    sandbox = Sandbox(limit_s=options.patience_s)
    ports = _ports("the full model", options.model, sandbox)
    full = _file("the full model", "full", options.model, ports, _answer(ports, options.output, "--output"))
    options = _with_labels(options, examples, full.shape)
    ends = Plain(ports.inputs) if options.ends is None else options.ends(ports)
    apart = split(
        examples.keys(), _listed(examples.groups), _listed(examples.times), seed=options.seed, repeats=options.repeats
    )
    require_enough(options, len(apart.calibrate))
    try:
        return _prepared(options, examples, apart, ends, full, sandbox, progress)
    except TensorError as error:
        raise refused_example(examples, error) from error


def _prepared(
    options: PrepareOptions,
    examples: Examples,
    apart: Split,
    ends: Ends,
    full: File,
    sandbox: Sandbox,
    progress: Progress,
) -> Prepared:
    # In an order of chance: data is often sorted by class, and whoever looks at a part looks at the first.
    few = apart.fit[shuffled(len(apart.fit), options.seed)[:_CALIBRATION_ROWS]]
    compression, device, full = _compress(options, examples, few, ends, full, sandbox, progress)
    joined = ends.join(device, full, examples.rows(few))
    opened = open_backend(joined.device.content), open_backend(joined.remote.content)
    manifest = describe(options, joined, opened, device, full, compression.chosen)
    near = _run(manifest, joined, opened[0], examples, "device", progress)
    far = _run(manifest, joined, opened[1], examples, "remote", progress)
    answer = options.answer_name
    outcomes = judge(manifest, answer, near, far, examples.labels)
    if examples.labels is not None and options.task == "classification":
        answered = classes(options.task, far.outputs[answer])
        require_better_than_chance(answered[apart.fit], examples.labels[apart.fit])
    score_output = answer if options.score != "value" else options.score_name
    read = read_confidences(options, near.outputs[score_output], apart.fit)
    progress("certify", 0, 1)
    certified = certify_outcomes(outcomes, read, apart, options.alphas, options.delta)
    progress("certify", 1, 1)

    golden = golden_of(options, examples, apart)
    manifest, files = contents(options, manifest, joined, examples, near, far, golden, certified, outcomes, apart)
    certificate = certificate_of(options, manifest, certified, apart)
    files[CERTIFICATE] = to_json(certificate)
    notes = (*examples.notes, *ends.notes, *joined.notes, *_label_notes(examples), *_golden_notes(examples, golden))
    made = Prepared(options.out, manifest, certificate, certified, compression, apart, outcomes, notes)
    if options.report:
        files[REPORT] = write_report(report_facts(made))
    progress("write", 0, 1)
    write_files(options.out, options.name, files)
    progress("write", 1, 1)
    return made


def _compress(
    options: PrepareOptions,
    examples: Examples,
    chosen: Array,
    ends: Ends,
    full: File,
    sandbox: Sandbox,
    progress: Progress,
) -> tuple[Compression, File, File]:
    """Return what was tried, what ships, and the full model; it may have got a softmax."""
    rows = examples.rows(chosen)
    labels = None if examples.labels is None else examples.labels[chosen]
    wanted = None if labels is None or options.task != "classification" else labels.tolist()
    tensors = ends.tensors(full, rows, wanted)
    own: Own | None = None
    if options.device_model is not None:
        inspect_own(options.device_model)
        ports = _ports("the device model", options.device_model, sandbox)
        output = _answer(ports, options.device_output or _same(ports, full.output), "--device-output")
        file = _file("the device model", "own", options.device_model, ports, output)
        require_same_question(file.shape, full.shape)
        if wanted is None and options.task == "classification":
            # Whoever has no labels wants the device to answer as the full model does.
            answered = Tried(sandbox)(full.content, tensors)[full.output]
            wanted = [int(answer.argmax()) for answer in answered]
        taken = ends.tensors(file, rows, wanted)
        if options.task == "classification":
            full, file = _answering_alike(full, tensors, file, taken, sandbox)
        own = Own(file.content, taken, file.output)
    compression = compress(
        full.content,
        tensors,
        task=options.task,
        tolerance=options.tolerance,
        output=full.output,
        labels=labels,
        own=own,
        drop_layers=options.drop_layers,
        device=options.device,
        ship=options.ship,
        patience_s=options.patience_s,
        progress=progress,
    )
    best = compression.chosen
    assert best.content is not None
    output = own.output if own is not None and best.is_own else full.output
    origin: Literal["full", "own"] = "own" if best.is_own else "full"
    inputs = open_backend(best.content).inputs
    return compression, File("the device's model", origin, best.content, inputs, output), full


def _answering_alike(
    full: File, tensors: Mapping[str, Array], own: File, taken: Mapping[str, Array], sandbox: Sandbox
) -> tuple[File, File]:
    """Return both; where one of them gives probabilities, the other does then, too. `tensors` and `taken` are theirs.

    Raises PublishError: where they do not have the same number of classes."""
    answered: list[Array] = []
    for file, columns in ((full, tensors), (own, taken)):
        few = {name: column[:_ALIKE_ROWS] for name, column in columns.items()}
        try:
            answered.append(sandbox.answers(file.content, few, [file.output]).outputs[file.output])
        except Failed:
            return full, own  # why, is told where it is tried as a candidate
    if answered[0].shape[1:] != answered[1].shape[1:]:
        shapes = [list(answers.shape[1:]) for answers in answered]
        problem = f"an answer of the full model has shape {shapes[0]}, one of the device model {shapes[1]}"
        raise PublishError(problem, "both models have to tell the same classes apart")
    far, near = (values_of(answers) for answers in answered)
    if near == far:
        return full, own
    wanting = full if far == "logits" else own
    content, output = with_softmax(wanting.name, wanting.content, wanting.output)
    changed = replace(wanting, content=content, output=output)
    return (changed, own) if far == "logits" else (full, changed)


def _file(name: str, origin: Literal["full", "own"], content: bytes, ports: Ports, output: str) -> File:
    shape = next(spec.shape for spec in ports.outputs if spec.name == output)
    return File(name, origin, content, ports.inputs, output, shape)


def _ports(file: str, content: bytes, sandbox: Sandbox) -> Ports:
    """Open a model file, elsewhere first: what it folds while it loads may be more than there is memory."""
    try:
        return sandbox.ports(content)
    except Failed as error:
        raise PublishError(
            f"{file} cannot be loaded: {error.why}", "try it in onnxruntime, and export it again"
        ) from error


def _answer(ports: Ports, named: str | None, flag: str) -> str:
    offered = [spec.name for spec in ports.outputs]
    if named is None:
        named = next((spec.name for spec in ports.outputs if spec.datatype.startswith("FP")), None)
        if named is None:
            raise PublishError(f"no output has numbers with a point: {', '.join(offered)}", f"see {flag}")
    if named not in offered:
        raise PublishError(f"the model gives {', '.join(offered)}, and no {named!r}", f"name one with {flag}")
    return named


def _same(ports: Ports, output: str) -> str | None:
    return output if any(spec.name == output for spec in ports.outputs) else None


def _with_labels(options: PrepareOptions, examples: Examples, shape: Sequence[int]) -> PrepareOptions:
    """Return the options with names for the classes, where the data has some; `shape` is of the full model's answer.

    Raises PublishError: see labels.py and refusals.py."""
    if examples.labels is not None:
        require_answerable(options.task, examples.labels, shape)
    if options.label_names is not None:
        require_named(options.label_names, shape, "--labels-file")
    elif examples.label_names is not None:
        require_named(examples.label_names, shape, "the data")
        return replace(options, label_names=examples.label_names)
    return options


def _label_notes(examples: Examples) -> tuple[str, ...]:
    names = examples.label_names
    if names is None:
        return ()
    told = f"{names[0]} is 0, {names[1]} is 1, and so on to {names[-1]}, {len(names) - 1}"
    return (f"classes were counted in the order of their names: {told}; --labels-file says another order",)


def _golden_notes(examples: Examples, golden: Array) -> tuple[str, ...]:
    if not len(golden):
        return ("no example is in the release: neither end can show that it answers as it did here",)
    which = ", ".join(examples.origin(int(index)) for index in golden)
    return (f"{len(golden)} examples of the data go with the release to every device, as golden inputs: {which}",)


def _listed(column: Array | None) -> list[Any] | None:  # Any: whatever names a group or a time
    return None if column is None else column.tolist()


def _run(
    manifest: Manifest,
    joined: Joined,
    backend: Backend,
    examples: Examples,
    which: Literal["device", "remote"],
    progress: Progress,
) -> Answers:
    side = manifest.device if which == "device" else manifest.remote
    assert side is not None
    preparer = Preparer(manifest.inputs, side.feeds, lambda file: joined.files[file])
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
