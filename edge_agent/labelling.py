"""Classes by their names: what an app shows a person, in place of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_agent.errors import RequestError
from edge_agent.releases import Release

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["top_classes"]


def top_classes(
    release: Release | None,
    outputs: Mapping[str, NDArray[Any]],  # Any: each output has its own datatype
    count: int,
) -> list[tuple[str, float]]:
    """See Result.top."""
    score = None if release is None else release.manifest.score
    if release is None or score is None or score.kind == "value" or release.manifest.task != "classification":
        raise RequestError("only a classifier whose release names the output with its scores has likeliest classes")
    values = outputs[score.output]
    rows = values.reshape(-1, values.shape[-1])
    if not len(rows):
        raise RequestError("the answer has no rows, as the request had none, and so no likeliest class")
    row = rows[0].astype(np.float64)
    if score.values == "logits":
        row = np.exp(row - row.max())
        row /= row.sum()
    likeliest = np.argsort(-row, kind="stable")[: max(0, count)].tolist()
    names = release.labels
    return [(names[index] if index < len(names) else str(index), float(row[index])) for index in likeliest]
