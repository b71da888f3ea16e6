"""Golden examples: what the device's model answered when its release was made, and whether it still does.

An .npz beside the manifest, `inputs/NAME` of the app and `outputs/NAME` of the device's model, an example a row. Rows
run one at a time, as an app asks and as publishing does, because a quantized model's answer may depend on its batch
mates.

The cloud holds its models to 1e-4 + 1e-3 * |golden|. That is too near for a device: its models are int8, and one
rounding that falls the other way in other kernels, on another kind of processor, goes through every later layer. So
two things are asked here, see docs/adr/0024-trial.md for what they were measured on:
- The numbers of each output, all examples together, are off by at most 0.15 of how far the golden ones spread (root
  mean squares). Other kernels of the same int8 file: up to 0.03 of logits and 0.08 of probabilities; another model, or
  swapped colours: from 0.26 of logits.
- By the release's own measure (the same class, within the tolerance) at most one answer in eight disagrees: where two
  classes are as good as equal, other kernels may well choose the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.device.fitness import read_beside
from edge_agent.runtimes import CannotLoad
from nearfar_wire.digest import verify
from nearfar_wire.disagreement import answer_output, disagree
from nearfar_wire.errors import GoldenFileError, TensorError
from nearfar_wire.golden_file import MAX_GOLDEN_BYTES, read_golden_file
from nearfar_wire.manifest import Manifest
from nearfar_wire.specs import check

__all__ = ["Example", "otherwise", "read_golden", "verify_golden"]

Array = NDArray[Any]  # Any: each tensor has its own datatype

# Publishing writes eight. More than these show nothing new, and the app waits for them.
_MAX_ROWS: Final = 64

_NUMBERS: Final = "fiu"
_FAR: Final = 0.15
_ONE_IN: Final = 8


@dataclass(frozen=True, slots=True)
class Example:
    """One request as an app makes it, and the outputs that it is to get."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def verify_golden(folder: Path, manifest: Manifest) -> bytes:
    """Return what the file of the release's examples holds, unparsed; empty where it has none.

    Raises DigestMismatch. Raises CannotLoad: where it is missing or too long."""
    golden = manifest.golden
    if golden is None:
        return b""
    content = read_beside(folder, golden.file)
    verify(golden.file, content, golden.digest)
    if len(content) > MAX_GOLDEN_BYTES:
        raise CannotLoad(f"{golden.file}: longer than {MAX_GOLDEN_BYTES} bytes; make the release with fewer examples")
    return content


def read_golden(folder: Path, manifest: Manifest) -> list[Example]:
    """Return the release's examples, none where it has none.

    Raises DigestMismatch: before anything is parsed. Raises CannotLoad: where they are missing or cannot be used."""
    golden, content = manifest.golden, verify_golden(folder, manifest)
    if golden is None:
        return []
    try:
        inputs, outputs = read_golden_file(content)
    except GoldenFileError as error:
        raise CannotLoad(f"{golden.file}: {error}; make the release again") from error
    if not {spec.name for spec in manifest.outputs}.issuperset(outputs):
        raise CannotLoad(f"{golden.file}: its arrays are to be named inputs/NAME and outputs/NAME, as in the manifest")
    examples = _rows(golden.file, manifest, inputs, outputs)
    specs = tuple(described.spec() for described in manifest.inputs)
    try:
        for example in examples:
            check(specs, example.inputs)
    except TensorError as error:
        raise CannotLoad(f"{golden.file}: not the app's inputs: {error}") from error
    return examples


def otherwise(manifest: Manifest, examples: Sequence[Example], answered: Sequence[Mapping[str, Array]]) -> str:
    """Tell how `answered`, an answer for each example, differs from the golden outputs; empty where it does not."""
    for name in examples[0].outputs:
        golden = [example.outputs[name] for example in examples]
        given = [answer[name] for answer in answered]
        problem = _differs(golden, given)
        if problem:
            return f"output {name!r} {problem}"
    answer = answer_output(manifest)
    compared = examples[0].outputs.get(answer)
    if compared is None or compared.dtype.kind not in _NUMBERS:
        return ""
    # By the measure that promises are made with; numbers were compared above.
    apart = [
        bool(disagree(manifest.task, given[answer], example.outputs[answer], manifest.tolerance).any())
        for example, given in zip(examples, answered, strict=True)
    ]
    if sum(apart) > len(examples) // _ONE_IN:
        return f"{sum(apart)} of {len(examples)} answers disagree"
    return ""


def _differs(golden: Sequence[Array], given: Sequence[Array]) -> str:
    for want, have in zip(golden, given, strict=True):
        if have.shape != want.shape:
            return f"has shape {list(have.shape)}, the golden one {list(want.shape)}"
        if have.dtype.kind != want.dtype.kind:
            return f"is {have.dtype}, the golden one {want.dtype}"
    want, have = (np.concatenate([array.ravel() for array in arrays]) for arrays in (golden, given))
    if want.dtype.kind not in _NUMBERS:
        wrong = int((want != have).sum())
        return f"differs from the golden one in {wrong} of {want.size} elements" if wrong else ""
    want, have = want.astype(np.float64), have.astype(np.float64)
    finite = np.isfinite(want)
    lost = int((finite & ~np.isfinite(have)).sum())
    if lost:
        return f"is not a number in {lost} of {want.size} elements"
    if not np.array_equal(want[~finite], have[~finite], equal_nan=True):
        return "is a number where the golden one is none"
    off = _distance(want[finite], have[finite])
    return f"is off by {off:.2g} of its spread; allowed is {_FAR:g}" if off > _FAR else ""


def _distance(want: Array, have: Array) -> float:
    """Root mean square of the difference, in units of the golden values' spread; of their size, where all are alike."""
    if not want.size:
        return 0.0
    with np.errstate(over="ignore"):
        off = float(np.sqrt(np.mean((have - want) ** 2)))
    unit = float(want.std()) or float(np.abs(want).max()) or 1.0
    return off / unit


def _rows(file: str, manifest: Manifest, inputs: Mapping[str, Array], outputs: Mapping[str, Array]) -> list[Example]:
    """Take the arrays apart by their first axis; where that is none of rows, all of it is one example."""
    shapes = [spec.shape for spec in manifest.inputs]
    shapes += [spec.shape for spec in manifest.outputs if spec.name in outputs]
    if any(not shape or shape[0] not in (-1, 1) for shape in shapes):
        return [Example(inputs, outputs)]
    arrays = [*inputs.values(), *outputs.values()]
    lengths = {len(array) if array.ndim else 0 for array in arrays}
    if len(lengths) != 1 or lengths == {0}:
        raise CannotLoad(f"{file}: its arrays have {sorted(lengths)} rows; each has an example a row, one at least")
    return [
        Example(
            {name: array[row : row + 1] for name, array in inputs.items()},
            {name: array[row : row + 1] for name, array in outputs.items()},
        )
        for row in range(min(lengths.pop(), _MAX_ROWS))
    ]
