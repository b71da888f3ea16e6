"""Which confidences can be read from what the device's model gives, on every example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np

from cloud_service.publish.certify import Kind
from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError
from cloud_service.publish.options import PrepareOptions
from nearfar_wire.confidence import confidences
from nearfar_wire.manifest import Score

__all__ = ["read_confidences", "values_of"]

_KINDS: Final[Sequence[Kind]] = ("margin", "max_probability", "energy")
_NEAR: Final = 1e-3
# A softmax in 8 bits: each probability is off by up to half a level, and their sum by as many halves.
_LEVEL: Final = 1 / 256


def read_confidences(options: PrepareOptions, output: Array, fit: Array) -> dict[Kind, Array]:
    """Return every kind of confidence that can be read from the score `output`; `fit` are the rows that may be looked
    at. Raises PublishError: there is none."""
    values = values_of(output[fit])
    kinds: Sequence[Kind] = _KINDS if options.score is None else (options.score,)
    read: dict[Kind, Array] = {}
    for kind in kinds:
        if kind == "energy" and values != "logits":
            continue
        score = Score(output="o", kind=kind, values=values)
        found = confidences(output, score)
        if len(found) != len(output):
            raise PublishError("an answer has several rows for one example", "one row an example is certified")
        read[kind] = found
    if not read:
        raise PublishError(f"score {options.score!r} cannot be read from probabilities", "name margin or leave it out")
    return read


def values_of(output: Array) -> Literal["probabilities", "logits"]:
    """Tell what the score `output` holds: rows that sum up to one, as far as their numbers are exact, or logits."""
    rows = output.reshape(len(output), -1)
    levels = rows / _LEVEL
    near = _NEAR
    if np.allclose(levels, np.rint(levels), atol=_NEAR):
        near += rows.shape[1] * _LEVEL / 2
    shares = bool(((rows >= 0) & (rows <= 1)).all()) and bool(np.allclose(rows.sum(axis=1), 1, rtol=0, atol=near))
    return "probabilities" if shares else "logits"
