"""Examples in an .npz: one array a column, one row an example.

Pickled objects are never read, and neither is what unpacks to more than a machine would hold."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from cloud_service.publish.data import Array, Examples, checked
from cloud_service.publish.errors import PublishError
from cloud_service.publish.labels import label_indices

__all__ = ["read_npz"]

_MAX_UNPACKED_BYTES: Final = 16 << 30
_SUFFIX: Final = ".npy"


def read_npz(
    path: Path,
    *,
    labels: str | None,
    groups: str | None = None,
    times: str | None = None,
    names: Sequence[str] | None = None,
    classes: bool = True,
    labelled: bool = True,
) -> Examples:
    """Read an .npz; `labels`, `groups` and `times` name columns, every other one is an input.

    `labelled` False: the column with labels is left out.
    `classes`: whether labels are classes, which may be text: `names` are those of the model, in its order.

    Raises PublishError: for what is no .npz, lacks a column, or fails `checked`."""
    columns = _columns(path)
    named: dict[str, Array | None] = {}
    for role, name in (("labels", labels), ("groups", groups), ("times", times)):
        if name is not None and name not in columns:
            there = ", ".join(columns) or "nothing"
            raise PublishError(f"{path} has no column {name!r} for {role}; there is {there}", "name one of these")
        named[role] = None if name is None else columns[name]
    inputs = {name: _as_input(column) for name, column in columns.items() if name not in (labels, groups, times)}
    right, known = named["labels"] if labelled else None, None
    if classes and right is not None and right.ndim == 1 and right.dtype.kind in "US":
        texts = [label.decode("utf-8", "replace") if isinstance(label, bytes) else label for label in right.tolist()]
        right, known = label_indices(texts, names)
    return checked(Examples(inputs, right, named["groups"], named["times"], known), classes=classes)


def _columns(path: Path) -> dict[str, Array]:
    columns: dict[str, Array] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            _require_arrays(path, archive.infolist())
        with np.load(path, allow_pickle=False) as loaded:
            for name in loaded.files:
                columns[name] = _array(name, loaded[name])
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}", "name an .npz file") from error
    except (zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, EOFError, KeyError, MemoryError) as error:
        # RuntimeError is of encrypted entries and unknown compressions; MemoryError of a header that lies.
        advice = "save arrays of numbers or of bytes with numpy.savez; pickled objects are not read"
        raise PublishError(f"{path} is not an .npz of arrays ({type(error).__name__})", advice) from error
    return columns


def _require_arrays(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > _MAX_UNPACKED_BYTES:
        raise PublishError(f"{path} unpacks to {unpacked} bytes", f"give at most {_MAX_UNPACKED_BYTES}")
    counted = Counter(entry.filename for entry in entries)
    strange = next((name for name, count in counted.items() if count > 1 or not name.endswith(_SUFFIX)), None)
    if strange is not None:
        raise PublishError(f"{path} holds {strange!r}, which is no array of its own", "save it with numpy.savez")


def _array(name: str, loaded: object) -> Array:
    if not isinstance(loaded, np.ndarray):  # numpy gives what does not begin as an array as it is
        raise ValueError(name)  # noqa: TRY004  (see the caller: it is the file that is wrong)
    return loaded


def _as_input(column: Array) -> Array:
    """Bytes and text become BYTES: numpy's own kinds for them pad with NUL."""
    if column.dtype.kind == "U":
        return np.array([element.encode() for element in column.ravel().tolist()], dtype=object).reshape(column.shape)
    return column.astype(object) if column.dtype.kind == "S" else column
