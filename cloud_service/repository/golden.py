"""Golden examples: what a version must answer before it may answer anybody.

NAME/VERSION/golden.npz, and golden-2.npz and so on, are one call each, as callers would make it: `inputs/X` for each
input, `outputs/Y` for the outputs to compare. BYTES are arrays of numpy's S type, whose elements cannot end in NUL."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cloud_service.backend import Array
from cloud_service.errors import UnservableModel
from cloud_service.repository.files import read_regular
from cloud_service.repository.scan import Found
from cloud_service.repository.serving import Tolerance

__all__ = ["Example", "compare", "read_examples"]

_MAX_BYTES: Final = 64 << 20
# What it may unpack to, all arrays together.
_MAX_UNPACKED_BYTES: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Example:
    """One call and its answer, in the form that callers see. `source` names the file in errors."""

    source: str
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


def read_examples(found: Found) -> Iterator[Example]:
    """Read a version's examples, one at a time. Raises UnservableModel: where one cannot be read."""
    for path in found.golden_files():
        content = read_regular(path, within=found.root, max_bytes=_MAX_BYTES)
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
        named = _arrays(content)
    except Exception as error:  # a damaged archive raises whatever its parser met
        raise UnservableModel(
            f"{path} cannot be read as an .npz of plain arrays ({type(error).__name__}); write it with numpy.savez, no "
            f"longer than {_MAX_UNPACKED_BYTES} bytes"
        ) from error
    inputs = {name.removeprefix("inputs/"): array for name, array in named.items() if name.startswith("inputs/")}
    outputs = {name.removeprefix("outputs/"): array for name, array in named.items() if name.startswith("outputs/")}
    if not outputs or len(inputs) + len(outputs) != len(named):
        raise UnservableModel(f"{path}: its arrays are to be named inputs/NAME and outputs/NAME, one output at least")
    return Example(str(path), inputs, outputs)


def _arrays(content: bytes) -> dict[str, Array]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > _MAX_UNPACKED_BYTES:
            raise OverflowError
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: _bytes_as_objects(arrays[name]) for name in arrays.files}


def _bytes_as_objects(array: Array) -> Array:
    return array.astype(object) if array.dtype.kind == "S" else array


def _off(example: Example, name: str, how: str) -> UnservableModel:
    return UnservableModel(f"{example.source}: output {name!r} {how}; it is another model, or the file is of another")
