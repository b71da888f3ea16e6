"""When two answers disagree, by task, and which class an answer has: the loss of every promise is made of these.

The same functions judge where a threshold is made and where it is watched. An answer that is not a number disagrees
with everything, and is nobody's class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from nearfar_wire.errors import TensorError

if TYPE_CHECKING:
    from nearfar_wire.manifest import Manifest

__all__ = ["NO_CLASS", "answer_output", "classes", "disagree", "right"]

Array = np.ndarray[Any, Any]  # Any: any number type

NO_CLASS: Final = -1
"""The class of an answer that cannot be read."""


def answer_output(manifest: Manifest) -> str:
    """Return the output that is the answer: the score output, unless that holds nothing but the confidence."""
    score = manifest.score
    if score is not None and score.kind != "value":
        return score.output
    own = None if score is None else score.output
    return next((output.name for output in manifest.outputs if output.name != own), manifest.outputs[0].name)


def classes(task: str, values: Array) -> Array:
    """Return the INT64 class of each row of an answer: the largest of it; 0 where the task has no classes."""
    rows = _rows(values)
    found = rows.argmax(axis=1) if task == "classification" else np.zeros(len(rows))
    return np.where(_readable(task, rows), found, NO_CLASS).astype(np.int64)


def disagree(task: str, device: Array, remote: Array, tolerance: float | None) -> Array:
    """Return for each row whether two answers to the same inputs disagree. Tolerances are the manifest's.

    Raises TensorError: where the two have different shapes."""
    near, far = _rows(device), _rows(remote)
    if near.shape != far.shape:
        raise TensorError(None, f"answers of shapes {list(device.shape)} and {list(remote.shape)} cannot be compared")
    readable = _readable(task, near) & _readable(task, far)
    limit = 0.0 if tolerance is None else tolerance
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        if task == "classification":
            alike = near.argmax(axis=1) == far.argmax(axis=1)
        elif task == "multilabel":
            alike = ((near >= limit) == (far >= limit)).all(axis=1)
        elif task == "regression":
            alike = (np.abs(near - far) <= limit).all(axis=1)
        else:
            cosine = (near * far).sum(axis=1) / np.sqrt((near**2).sum(axis=1) * (far**2).sum(axis=1))
            alike = 1.0 - cosine <= limit  # NaN, of a vector of zeros, is not alike
    apart: Array = ~(alike & readable)
    return apart


def right(task: str, values: Array, labels: Array, tolerance: float | None) -> Array:
    """Return for each row whether an answer is what its label says: a class, or for other tasks an answer in full.

    Of several labels, 1 is one that counts and 0 one that does not, whatever an answer's numbers are."""
    if task == "classification":
        same: Array = classes(task, values) == labels
        return same
    if task == "multilabel":
        rows = _rows(values)
        counts = rows >= (0.0 if tolerance is None else tolerance)
        return np.asarray((counts == (labels.reshape(rows.shape) > 0.5)).all(axis=1) & _readable(task, rows))
    return ~disagree(task, values, labels.reshape(_rows(values).shape), tolerance)


def _readable(task: str, rows: Array) -> Array:
    if task == "classification":
        # -inf is the logit of a class that is ruled out. NaN would win the argmax here, and lose it elsewhere.
        return np.asarray(np.isfinite(rows.max(axis=1)) & ~np.isnan(rows).any(axis=1))
    return np.asarray(np.isfinite(rows).all(axis=1))


def _rows(values: Array) -> Array:
    """One row an input, in 64-bit floats; an answer of one number each is a row of one."""
    if values.ndim == 0:
        return values.reshape(1, 1).astype(np.float64)
    return values.reshape(len(values), -1).astype(np.float64)
