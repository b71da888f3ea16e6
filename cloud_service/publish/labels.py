"""What is right, as data says it: names or numbers, and what an answer of the model's shape can be right with.

A label that no answer can ever give would count every answer as wrong, on both ends alike, and so promise anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError

__all__ = ["label_indices", "read_label_names", "require_answerable"]

_MAX_BYTES: Final = 64 << 20
# Of a class's number: more is no class of any model, and more than numpy's integers hold.
_MAX_DIGITS: Final = 9


def read_label_names(path: Path) -> list[str]:
    """Return a label a line; two classes may share a name, as ImageNet's two kinds of crane do.

    Raises PublishError: for a file that cannot be read."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise PublishError(f"{path} cannot be read: {error.strerror or error}", "name a file of labels") from error
    except UnicodeDecodeError as error:
        raise PublishError(f"{path} cannot be read as text", "one label a line, in UTF-8") from error
    if len(text) > _MAX_BYTES:
        raise PublishError(f"{path} has more than {_MAX_BYTES} characters", "one label a line, in UTF-8")
    return [line.strip() for line in text.splitlines()]


def label_indices(labels: Sequence[str], names: Sequence[str] | None) -> tuple[Array, tuple[str, ...] | None]:
    """Return the index of each label, and the names that were counted by where nobody gave them.

    It is the label's place among `names`, or the number that it is; without `names` and where some are no numbers, its
    place among all in the order of the alphabet, as folders of pictures are read everywhere.

    Raises PublishError: for a label that is none of `names`, or several of them."""
    labels = [label.strip() for label in labels]
    numbers = all(_is_number(label) for label in labels)
    if names is None and not numbers:
        order = sorted(set(labels))
        known = {name: index for index, name in enumerate(order)}
        return np.array([known[label] for label in labels], dtype=np.int64), tuple(order)
    if names is None:
        return np.array([int(label) for label in labels], dtype=np.int64), None
    known = {name.strip(): index for index, name in enumerate(names)}
    strange = next((label for label in labels if label not in known and not _is_index(label, len(names))), None)
    if strange is not None:
        raise PublishError(f"{strange!r} is none of the {len(names)} labels", "name classes as the label file does")
    counts = Counter(name.strip() for name in names)
    shared = next((label for label in labels if counts[label] > 1), None)
    if shared is not None:
        which = " and ".join(str(index) for index, name in enumerate(names) if name.strip() == shared)
        raise PublishError(f"label {shared!r} is classes {which}", "say which by its number, or name them apart")
    return np.array([known[label] if label in known else int(label) for label in labels], dtype=np.int64), None


def require_answerable(task: str, labels: Array, shape: Sequence[int]) -> None:
    """Pass labels that an answer of `shape` (batch first, -1 unknown) can be right with.

    Raises PublishError: for a class beyond the model's, or labels of another length than its answers."""
    width = int(np.prod(shape[1:], dtype=np.int64)) if all(size >= 0 for size in shape[1:]) else None
    if width is None:
        return
    if task == "classification":
        if (highest := int(labels.max())) >= width:
            raise PublishError(
                f"label {highest} stands in the data, and the model answers with {width} classes, 0 to {width - 1}",
                "look whether these labels are the model's; names are put in its order by --labels-file",
            )
        return
    given = int(np.prod(labels.shape[1:], dtype=np.int64))
    if given != width:
        raise PublishError(
            f"a label has {given} numbers, and an answer of the model {width}",
            "a label of this task is an answer in full; name the output with --output",
        )


def _is_number(label: str) -> bool:
    return label.isascii() and label.isdecimal() and len(label) <= _MAX_DIGITS


def _is_index(label: str, count: int) -> bool:
    return _is_number(label) and int(label) < count
