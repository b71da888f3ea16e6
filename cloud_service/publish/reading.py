"""Examples as people keep them: a folder of pictures by class, or a table of sentences. Arrays are read by archive.py.

FOLDER/CLASS/NAME.jpg      pictures; CLASS is a label's name, or its index
FILE.csv, FILE.jsonl       a column `text`, and the columns named for labels, groups and times"""

from __future__ import annotations

import csv
import datetime
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np

from cloud_service.publish.data import Array, Examples, checked
from cloud_service.publish.errors import PublishError
from cloud_service.publish.labels import label_indices
from cloud_service.publish.recipes.pictures import SOURCE as IMAGE
from cloud_service.publish.recipes.sentences import SOURCE as TEXT
from nearfar_wire.errors import kind_of

__all__ = ["read_pictures", "read_sentences"]

_PICTURES: Final = frozenset({".jpg", ".jpeg", ".png"})
_MAX_BYTES: Final = 8 << 30
_READERS: Final = (".csv", ".jsonl")


def read_pictures(folder: Path, names: Sequence[str] | None, *, labelled: bool = True) -> Examples:
    """Read FOLDER/CLASS/*; `names` are those of the model's classes, in its order.

    Without `names`, folders that are numbers are indices, and any other are classes in the order of their names. What
    is hidden, as editors and systems leave it behind, is passed over; any other file that is no picture is counted.

    Raises PublishError: where there are none, or a folder is no class."""
    if not folder.is_dir():
        raise PublishError(f"{folder} is no folder", "put pictures at FOLDER/CLASS/NAME.jpg")
    found = sorted(path for path in folder.glob("*/*") if path.is_file() and not _is_hidden(path, folder))
    paths = [path for path in found if path.suffix.lower() in _PICTURES]
    if not paths:
        raise PublishError(f"{folder} has no pictures", "put them at FOLDER/CLASS/NAME.jpg")
    if (together := sum(path.stat().st_size for path in paths)) > _MAX_BYTES:
        raise PublishError(f"the pictures in {folder} have {together} bytes", f"give at most {_MAX_BYTES}")
    labels, known = label_indices([path.parent.name for path in paths], names) if labelled else (None, None)
    pictures = np.empty(len(paths), dtype=object)
    for index, path in enumerate(paths):
        try:
            pictures[index] = path.read_bytes()
        except OSError as error:
            raise PublishError(f"{path} cannot be read: {error.strerror or error}", "leave it out") from error
    strange = [path for path in found if path.suffix.lower() not in _PICTURES]
    notes = (
        (f"{len(strange)} files were passed over that are not .jpg or .png, such as {strange[0]}",) if strange else ()
    )
    origins = tuple(path.relative_to(folder).as_posix() for path in paths)
    return checked(Examples({IMAGE: pictures}, labels, label_names=known, origins=origins, notes=notes))


def read_sentences(
    path: Path,
    names: Sequence[str] | None,
    *,
    labels: str | None,
    groups: str | None = None,
    times: str | None = None,
    classes: bool = True,
    labelled: bool = True,
) -> Examples:
    """Read a .csv or .jsonl; `labels`, `groups` and `times` name columns.

    `classes`: whether labels are classes, by name or number; otherwise they are numbers, or in JSON lists of them.
    `labelled` False: what is in their column does not count.

    Raises PublishError: for another kind of file, a line that is none, or a column that is missing."""
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise PublishError(f"{path} is not one of {', '.join(_READERS)}", "save sentences as one of these")
    rows = list(_csv(path) if kind == ".csv" else _jsonl(path))
    if not rows:
        raise PublishError(f"{path} has no rows", 'a column "text", one row an example')

    def column(name: str) -> list[Any]:  # Any: text of a table, or JSON
        missing = next((number for number, row in enumerate(rows, start=1) if row.get(name) is None), None)
        if missing is not None:
            there = ", ".join(str(key) for key in rows[missing - 1] if key is not None)
            raise PublishError(f"{path}: example {missing} has no {name!r}; there is {there}", "name one of these")
        return [row[name] for row in rows]

    texts = np.empty(len(rows), dtype=object)
    texts[:] = [_utf8(path, number, text) for number, text in enumerate(column("text"), start=1)]
    right, known = None, None
    given = None if labels is None else column(labels)
    if given is not None and labelled and classes:
        named = [_class_name(path, number, label) for number, label in enumerate(given, start=1)]
        right, known = label_indices(named, names)
    elif given is not None and labelled:
        right = _numbers(path, given)
    belonging = None if groups is None else np.array([str(group) for group in column(groups)])
    moments = None if times is None else np.array([_moment(path, time) for time in column(times)])
    return checked(Examples({TEXT: texts}, right, belonging, moments, known), classes=classes)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)


def _csv(path: Path) -> Iterable[dict[Any, Any]]:  # Any: text; what is over in a line stands under None
    try:
        with _opened(path) as file:
            reader = csv.DictReader(file)
            twice = [name for name, count in Counter(reader.fieldnames or ()).items() if count > 1]
            if twice:
                raise PublishError(f"{path}: column {twice[0]!r} stands twice", "one name a column")
            yield from reader
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PublishError(
            f"{path} cannot be read as a table ({type(error).__name__})", "UTF-8, with a header"
        ) from error


def _jsonl(path: Path) -> Iterable[dict[Any, Any]]:  # Any: JSON
    number = 0
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise PublishError(f"{path}: line {number} is no object", 'one {"text": ...} a line')
                yield row
    except (OSError, ValueError, RecursionError) as error:
        what = f"{path}: line {number} cannot be read as JSON" if number else f"{path} cannot be read"
        raise PublishError(f"{what} ({type(error).__name__})", "one object a line, in UTF-8") from error


def _opened(path: Path) -> TextIO:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise PublishError(f"{path} has {path.stat().st_size} bytes", f"give at most {_MAX_BYTES}")
        return path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}", "name a table of examples") from error


def _utf8(path: Path, number: int, text: Any) -> bytes:  # Any: as the file has it
    if not isinstance(text, str):
        raise PublishError(f"{path}: the text of example {number} is {kind_of(text)}", "put it in quotes")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise PublishError(f"{path}: the text of example {number} holds half a character", "leave it out") from error


def _class_name(path: Path, number: int, label: Any) -> str:  # Any: as the file has it
    if isinstance(label, bool) or not isinstance(label, str | int):
        raise PublishError(
            f"{path}: the label of example {number} is {kind_of(label)}",
            "a class is its name or a whole number; numbers with a point are for --task regression",
        )
    return str(label)


def _numbers(path: Path, values: Sequence[Any]) -> Array:  # Any: as the file has it
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise PublishError(
            f"{path}: a label is no number, or labels are of unlike length", "one number or one list of them an example"
        ) from error


def _moment(path: Path, value: Any) -> float:  # Any: as the file has it
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        moment = datetime.datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise PublishError(
            f"{path}: a time is neither a number nor a date such as 2026-01-31", "seconds, days or any other that rises"
        ) from error
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)).timestamp()
