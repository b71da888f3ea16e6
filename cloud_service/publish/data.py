"""The examples that a release is made with: the app's inputs, and what is known of each.

Read from an .npz whose arrays have one row an example. Nothing that could poison a promise gets through: not a number
that is none, a label that is always the same, columns of unlike length; each is refused with what to do."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloud_service.publish.errors import PublishError

__all__ = ["Array", "Examples", "checked", "read_npz"]

Array = NDArray[Any]  # Any: each column has its own datatype

_MAX_UNPACKED_BYTES: Final = 16 << 30


@dataclass(frozen=True, slots=True)
class Examples:
    """Columns of one length. `inputs` are by the app's names, BYTES as objects; the others are None where not given."""

    inputs: Mapping[str, Array]
    labels: Array | None = None
    groups: Array | None = None
    times: Array | None = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def keys(self) -> list[bytes]:
        """Return a digest of each example's inputs: two examples with the same are one and the same."""
        columns = [self.inputs[name] for name in sorted(self.inputs)]
        return [_key([column[index] for column in columns]) for index in range(len(self))]

    def rows(self, chosen: Array) -> dict[str, Array]:
        """Return the inputs of the examples `chosen`, by index."""
        return {name: column[chosen] for name, column in self.inputs.items()}


def read_npz(
    path: Path, *, labels: str | None, groups: str | None = None, times: str | None = None, classes: bool = True
) -> Examples:
    """Read an .npz; `labels`, `groups` and `times` name columns, every other one is an input.

    `classes`: whether labels are classes.

    Raises PublishError: for what is no .npz, lacks a column, or fails `checked`."""
    columns: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _MAX_UNPACKED_BYTES:
            raise PublishError(f"{path} unpacks to {unpacked} bytes", f"give at most {_MAX_UNPACKED_BYTES}")
        with np.load(path, allow_pickle=False) as archive:
            for name in archive.files:
                columns[name] = archive[name]
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}", "name an .npz file") from error
    except (zipfile.BadZipFile, ValueError, EOFError, KeyError) as error:
        advice = "save arrays of numbers or of bytes with numpy.savez; pickled objects are not read"
        raise PublishError(f"{path} is not an .npz of arrays ({type(error).__name__})", advice) from error
    named: dict[str, Array | None] = {}
    for role, name in (("labels", labels), ("groups", groups), ("times", times)):
        if name is not None and name not in columns:
            there = ", ".join(columns) or "nothing"
            raise PublishError(f"{path} has no column {name!r} for {role}; there is {there}", "name one of these")
        named[role] = None if name is None else columns[name]
    inputs = {name: _as_input(column) for name, column in columns.items() if name not in (labels, groups, times)}
    return checked(Examples(inputs, named["labels"], named["groups"], named["times"]), classes=classes)


def checked(examples: Examples, *, classes: bool = True) -> Examples:
    """Return `examples`, which can be learnt from. `classes`: whether labels are classes.

    Raises PublishError: for columns of unlike length or none at all, a number that is not finite, or a single class."""
    if not examples.inputs:
        raise PublishError("the data has no input", "one array for each input, one row an example")
    columns: dict[str, Array | None] = {
        **examples.inputs, "labels": examples.labels, "groups": examples.groups, "times": examples.times
    }  # fmt: skip
    scalar = [name for name, column in columns.items() if column is not None and column.ndim == 0]
    if scalar:
        raise PublishError(f"column {scalar[0]!r} is one value", "one row an example")
    lengths = {name: len(column) for name, column in columns.items() if column is not None}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise PublishError(f"columns are of unlike length: {told}", "one row an example in each")
    if not len(examples):
        raise PublishError("the data has no example", "a few thousand make a useful promise")
    for name, column in columns.items():
        if column is not None and column.dtype.kind == "f" and not np.isfinite(column).all():
            bad = int((~np.isfinite(column).reshape(len(column), -1).all(axis=1)).sum())
            raise PublishError(f"column {name!r}: {bad} rows hold NaN or infinity", "leave these examples out")
    if classes and examples.labels is not None:
        _check_classes(examples.labels)
    return examples


def _check_classes(labels: Array) -> None:
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        given = f"{labels.dtype} of shape {list(labels.shape)}"
        raise PublishError(f"labels are {given}", "a class is an integer, the index of the model's output")
    if labels.min() < 0:
        raise PublishError("a label is negative", "a class is the index of the model's output, from 0")
    if len(np.unique(labels)) == 1:
        raise PublishError(f"every label is {labels[0]}", "a promise needs examples of several classes")


def _as_input(column: Array) -> Array:
    """Bytes and text become BYTES: numpy's own kinds for them pad with NUL."""
    if column.dtype.kind == "U":
        return np.array([element.encode() for element in column.ravel().tolist()], dtype=object).reshape(column.shape)
    return column.astype(object) if column.dtype.kind == "S" else column


def _key(parts: list[Any]) -> bytes:  # Any: arrays, numbers or bytes
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = part if isinstance(part, bytes) else np.ascontiguousarray(part).tobytes()
        found.update(len(content).to_bytes(8, "little") + content)
    return found.digest()
