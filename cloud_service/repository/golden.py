"""Golden examples: what a version must answer before it may answer anybody.

NAME/VERSION/golden.npz, and golden-2.npz and so on, are one call each, as callers would make it: `inputs/X` for each
input, `outputs/Y` for the outputs to compare; see nearfar_wire.golden_file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cloud_service.backend import Array
from cloud_service.errors import UnservableModel
from cloud_service.repository.files import read_regular
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Tolerance
from nearfar_wire.errors import GoldenFileError
from nearfar_wire.golden_file import MAX_GOLDEN_BYTES, read_golden_file

__all__ = ["Example", "compare", "read_examples"]


@dataclass(frozen=True, slots=True)
class Example:
    """One call and its answer, in the form that callers see. `source` names the file in errors."""

    source: str
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def read_examples(found: Found) -> Iterator[Example]:
    """Read a version's examples, one at a time. Raises UnservableModel: where one cannot be read."""
    for path in found.golden_files():
        content = read_regular(path, within=found.root, max_bytes=MAX_GOLDEN_BYTES)
        if content is not None:
            yield _example(path, content)


def compare(example: Example, answered: Mapping[str, Array], tolerance: Tolerance) -> None:
    """Pass an answer that is the golden one: numbers with a fraction within `tolerance`, all else exactly.

    NaN is equal to NaN alone. Raises UnservableModel: naming the output and by how much it is off."""
    for name, golden in example.outputs.items():
        given = answered[name]
        if given.shape != golden.shape:
            raise _off(example, name, f"has shape {list(given.shape)}, the golden one {list(golden.shape)}")
        if given.dtype.kind != golden.dtype.kind:
            raise _off(example, name, f"is {given.dtype}, the golden one {golden.dtype}")
        if golden.dtype.kind != "f":
            wrong = given != golden
            if wrong.any():
                raise _off(example, name, f"differs from the golden one in {int(wrong.sum())} of {wrong.size} elements")
            continue
        _compare_numbers(example, name, given.astype(np.float64), golden.astype(np.float64), tolerance)


def _compare_numbers(example: Example, name: str, given: Array, golden: Array, tolerance: Tolerance) -> None:
    close = np.isclose(given, golden, rtol=tolerance.relative, atol=tolerance.absolute, equal_nan=True)
    if close.all():
        return
    with np.errstate(invalid="ignore"):
        distance = np.abs(given - golden)[~close]
    far = np.nanmax(distance) if not np.isnan(distance).all() else np.nan
    raise _off(
        example,
        name,
        f"differs from the golden one by up to {far:.3g} in {int((~close).sum())} of {close.size} elements; allowed is "
        f"{tolerance.absolute:g} + {tolerance.relative:g} * |golden|",
    )


def _example(path: Path, content: bytes) -> Example:
    try:
        inputs, outputs = read_golden_file(content)
    except GoldenFileError as error:
        raise UnservableModel(f"{path}: {error}; write it with numpy.savez") from error
    return Example(str(path), inputs, outputs)


def _off(example: Example, name: str, how: str) -> UnservableModel:
    return UnservableModel(f"{example.source}: output {name!r} {how}; it is another model, or the file is of another")
