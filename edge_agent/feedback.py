"""What an app says was right, as the array that an answer is compared with."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_agent.errors import RequestError
from edge_agent.releases import Release
from edge_agent.result import Result
from nearfar_wire.errors import quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["true_answer"]


def true_answer(release: Release, output: str, result: Result, label: object) -> NDArray[Any]:  # Any: by task
    """Return `label` for one row: an index of the classes, or an answer in the shape of `result`'s.

    Raises RequestError: for what is neither."""
    answered = result.outputs[output]
    if release.manifest.task == "classification":
        return np.array([_index(release, label, answered.shape[-1])])
    try:
        given = np.asarray(label, dtype=np.float64)
    except (TypeError, ValueError):
        given = np.array(np.nan)
    if given.size != answered.size or not np.isfinite(given).all():
        raise RequestError(f"model {release.name!r}: {answered.size} finite numbers are wanted, as the answer has")
    return given.reshape(answered.shape)


def _index(release: Release, label: object, classes: int) -> int:
    if isinstance(label, str):
        if label in release.labels:
            return release.labels.index(label)
        known = f"{len(release.labels)} labels" if release.labels else "no labels: give the index of the class"
        raise RequestError(f"model {release.name!r} has no label {quoted(label)}; the release has {known}")
    if isinstance(label, Integral) and not isinstance(label, bool) and 0 <= int(label) < classes:
        return int(label)
    raise RequestError(f"model {release.name!r}: a label is the name of a class, or its index below {classes}")
