"""Examples as people keep them: a folder of pictures by class, a table of sentences, an .npz of arrays.

FOLDER/CLASS/NAME.jpg      pictures; CLASS is a label's name, or its index
FILE.csv, FILE.jsonl       a column `text`, and the columns named for labels, groups and times
FILE.npz                   one array a column; see data.py"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from cloud_service.publish.data import Array, Examples, checked
from cloud_service.publish.errors import PublishError
from cloud_service.publish.recipes.pictures import SOURCE as IMAGE
from cloud_service.publish.recipes.sentences import SOURCE as TEXT

__all__ = ["read_label_names", "read_pictures", "read_sentences"]

_PICTURES: Final = frozenset({".jpg", ".jpeg", ".png"})
_MAX_BYTES: Final = 8 << 30


def read_label_names(path: Path) -> list[str]:
    """Return a label a line. Raises PublishError: for a file that cannot be read, or a label that stands twice."""
    try:
        names = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PublishError(f"{path} cannot be read as text", "one label a line, in UTF-8") from error
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) < 10_000 else []
    if twice:
        raise PublishError(f"{path}: label {twice[0]!r} stands twice", "one label a line, in the model's order")
    return names


def read_pictures(folder: Path, names: Sequence[str] | None, *, labelled: bool = True) -> Examples:
    """Read FOLDER/CLASS/*; `names` are those of the model's classes, in its order.

    Without `names`, folders that are numbers are indices, and any other are classes in the order of their names.

    Raises PublishError: where there are none, or a folder is no class."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in _PICTURES and path.is_file())
    if not paths:
        raise PublishError(f"{folder} has no pictures", "put them at FOLDER/CLASS/NAME.jpg")
    if (together := sum(path.stat().st_size for path in paths)) > _MAX_BYTES:
        raise PublishError(f"the pictures in {folder} have {together} bytes", f"give at most {_MAX_BYTES}")
    labels = label_indices([path.parent.name for path in paths], names) if labelled else None
    pictures = np.empty(len(paths), dtype=object)
    for index, path in enumerate(paths):
        pictures[index] = path.read_bytes()
    return checked(Examples({IMAGE: pictures}, labels))


def read_sentences(
    path: Path, names: Sequence[str] | None, *, labels: str | None, groups: str | None, times: str | None
) -> Examples:
    """Read a .csv or .jsonl; `labels`, `groups` and `times` name columns.

    Raises PublishError: for another kind of file, a line that is none, or a column that is missing."""
    rows = list(_csv(path) if path.suffix.lower() == ".csv" else _jsonl(path))
    if not rows:
        raise PublishError(f"{path} has no rows", 'a column "text", one row an example')

    def column(name: str) -> list[Any]:  # Any: text of a table, or JSON
        missing = next((number for number, row in enumerate(rows, start=1) if row.get(name) is None), None)
        if missing is not None:
            raise PublishError(f"{path}: example {missing} has no {name!r}", f"there is {', '.join(map(str, rows[0]))}")
        return [row[name] for row in rows]

    texts = np.empty(len(rows), dtype=object)
    texts[:] = [str(text).encode() for text in column("text")]
    found = None if labels is None else label_indices([str(label) for label in column(labels)], names)
    moments = None if times is None else _moments(path, column(times))
    return checked(
        Examples({TEXT: texts}, found, None if groups is None else np.array(column(groups), dtype=str), moments)
    )


def label_indices(labels: Sequence[str], names: Sequence[str] | None) -> Array:
    """Return the index of each label: its place among `names`, or the number that it is, or its place among all.

    Raises PublishError: for a label that is none of `names`."""
    if names is not None:
        known = {name.strip(): index for index, name in enumerate(names)}
        strange = next((label for label in labels if label not in known and not label.isdecimal()), None)
        if strange is not None:
            raise PublishError(f"{strange!r} is none of the {len(names)} labels", "name classes as the label file does")
        return np.array([known[label] if label in known else int(label) for label in labels], dtype=np.int64)
    if all(label.isdecimal() for label in labels):
        return np.array([int(label) for label in labels], dtype=np.int64)
    order = {name: index for index, name in enumerate(sorted(set(labels)))}
    return np.array([order[label] for label in labels], dtype=np.int64)


def _csv(path: Path) -> Iterable[dict[str, Any]]:  # Any: text
    try:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PublishError(
            f"{path} cannot be read as a table ({type(error).__name__})", "UTF-8, with a header"
        ) from error


def _jsonl(path: Path) -> Iterable[dict[str, Any]]:  # Any: JSON
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise PublishError(f"{path}: line {number} is no object", 'one {"text": ...} a line')
                yield row
    except (OSError, ValueError, RecursionError) as error:
        raise PublishError(f"{path} cannot be read as lines of JSON ({type(error).__name__})", "UTF-8") from error


def _moments(path: Path, values: Sequence[Any]) -> Array:  # Any: text, or JSON
    try:
        return np.array([float(value) for value in values])
    except (TypeError, ValueError) as error:
        raise PublishError(f"{path}: a time is not a number", "seconds, days or any other that rises") from error
