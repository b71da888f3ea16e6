"""The examples that a release is made with: the app's inputs, and what is known of each.

Nothing that could poison a promise gets through: not a number that is none, a label that is always the same, columns of
unlike length; each is refused with what to do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cloud_service.publish.errors import PublishError

__all__ = ["Array", "Examples", "checked"]

Array = NDArray[Any]  # Any: each column has its own datatype

# Of a column's numpy kind: what a tensor can be made of. Bytes and text are objects here; see reading.py.
_TENSOR_KINDS: Final = frozenset("biufO")
_LABEL_KINDS: Final = frozenset("biuf")


@dataclass(frozen=True, slots=True)
class Examples:
    """Columns of one length. `inputs` are by the app's names, BYTES as objects; the others are None where not given."""

    inputs: Mapping[str, Array]
    labels: Array | None = None
    groups: Array | None = None
    times: Array | None = None
    label_names: tuple[str, ...] | None = None
    """Of the classes, where the data has names for them and nobody else does."""
    origins: tuple[str, ...] | None = None
    """Where each example was read from, for messages."""
    notes: tuple[str, ...] = ()
    """For the person who prepares."""

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def keys(self) -> list[bytes]:
        """Return a digest of each example's inputs: two examples with the same are one and the same."""
        columns = [self.inputs[name] for name in sorted(self.inputs)]
        return [_key([column[index] for column in columns]) for index in range(len(self))]

    def rows(self, chosen: Array) -> dict[str, Array]:
        """Return the inputs of the examples `chosen`, by index."""
        return {name: column[chosen] for name, column in self.inputs.items()}

    def origin(self, index: int) -> str:
        """Return in words which example it is."""
        return f"example {index + 1}" if self.origins is None else self.origins[index]


def checked(examples: Examples, *, classes: bool = True) -> Examples:
    """Return `examples`, which can be learnt from. `classes`: whether labels are classes.

    Raises PublishError: for columns of unlike length, kind or shape, or none at all, a number that is not finite, or
    labels that are all the same."""
    if not examples.inputs:
        raise PublishError("the data has no input", "one array for each input, one row an example")
    columns: dict[str, Array | None] = {
        **examples.inputs, "labels": examples.labels, "groups": examples.groups, "times": examples.times
    }  # fmt: skip
    given = {name: column for name, column in columns.items() if column is not None}
    scalar = [name for name, column in given.items() if column.ndim == 0]
    if scalar:
        raise PublishError(f"column {scalar[0]!r} is one value", "one row an example")
    lengths = {name: len(column) for name, column in given.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise PublishError(f"columns are of unlike length: {told}", "one row an example in each")
    if not len(examples):
        raise PublishError("the data has no example", "a few thousand make a useful promise")
    for name, column in examples.inputs.items():
        _check_input(name, column)
    examples = replace(examples, times=_instants(examples.times))
    for name, one_each in (("groups", examples.groups), ("times", examples.times)):
        if one_each is not None and one_each.ndim != 1:
            raise PublishError(f"column {name!r} has shape {list(one_each.shape)}", "one value an example")
    for name, column in given.items():
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            bad = int((~np.isfinite(column).reshape(len(column), -1).all(axis=1)).sum())
            raise PublishError(f"column {name!r}: {bad} rows hold NaN or infinity", "leave these examples out")
    if examples.labels is not None:
        _check_labels(examples.labels, classes=classes)
    return examples


def _check_input(name: str, column: Array) -> None:
    if column.dtype.kind not in _TENSOR_KINDS:
        raise PublishError(f"column {name!r} holds {column.dtype}", "an input is numbers, booleans or bytes")
    if column.dtype.kind == "O" and not all(isinstance(element, bytes) for element in column.flat):
        raise PublishError(f"column {name!r} holds objects that are no bytes", "an input is numbers, booleans or bytes")


def _instants(times: Array | None) -> Array | None:
    """Return times as numbers; dates are seconds since 1970."""
    if times is None:
        return None
    if times.dtype.kind == "M":
        lost = np.isnat(times)
        times = np.where(lost, np.nan, times.astype("datetime64[us]").astype(np.int64) / 1e6)
    if times.dtype.kind not in "iuf":
        raise PublishError(f"times are {times.dtype}", "a time is a number that rises, or a date")
    if not np.isfinite(times).all():
        bad = int((~np.isfinite(times)).sum())
        raise PublishError(f"column 'times': {bad} rows hold no time", "leave these examples out")
    return times


def _check_labels(labels: Array, *, classes: bool) -> None:
    given = f"{labels.dtype} of shape {list(labels.shape)}"
    if classes:
        if labels.dtype.kind not in "iu" or labels.ndim != 1:
            advice = "a class is an integer, the index of the model's output, or a name in --labels-file"
            raise PublishError(f"labels are {given}", advice)
        if labels.min() < 0:
            raise PublishError("a label is negative", "a class is the index of the model's output, from 0")
    elif labels.dtype.kind not in _LABEL_KINDS:
        raise PublishError(f"labels are {given}", "a label of this task is numbers: an answer in full")
    if (labels == labels[:1]).all():
        told = f"every label is {labels[0]}" if labels.ndim == 1 else "every label is the same"
        raise PublishError(told, "a promise needs examples of several classes")


def _key(parts: list[Any]) -> bytes:  # Any: arrays, numbers or bytes
    found = hashlib.blake2b(digest_size=16)
    for part in parts:
        # An array of objects holds addresses, not what lies there.
        elements = part.ravel().tolist() if isinstance(part, np.ndarray) and part.dtype.kind == "O" else [part]
        for element in elements:
            content = element if isinstance(element, bytes) else np.ascontiguousarray(element).tobytes()
            found.update(len(content).to_bytes(8, "little") + content)
    return found.digest()
