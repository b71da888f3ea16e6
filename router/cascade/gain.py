"""What the cloud would gain over an answer of the device, by class and confidence: G of the decision model.

    G[c, b] = (sum of S_i in the cell + k g_b) / (n_cell + k),    g_b = mean of S_i in bin b over all classes

S is 1 where the cloud is right and the device wrong, -1 the other way round, 0 where they are alike; without labels it
is 1 where the two disagree. Bins are the deciles of confidence of the set it was fitted on."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from router.errors import CertifyError

__all__ = ["BINS", "GainTable", "fit_gain"]

BINS: Final = 10
_SHRINKAGE: Final = 20
_SINGLE: Final = struct.Struct("f")


@dataclass(frozen=True, slots=True)
class GainTable:
    """See the module. `table` has a row of BINS gains for each class seen, `default` is for the others.

    Confidences are compared in `score_type`, the type that they had in calibration: in a wider one a confidence that
    ties with an edge there would not tie here."""

    edges: tuple[float, ...]
    table: Mapping[int, tuple[float, ...]]
    default: tuple[float, ...]
    score_type: Literal["float32", "float64"] = "float32"

    def score(self, answer: int, confidence: float) -> float:
        """Return s(x) = -G[c, b], the higher the better kept. `confidence` is a number; NaN keeps nothing: -inf."""
        if confidence != confidence:
            return -math.inf
        if self.score_type == "float32":
            # Beyond the range of the type there is no confidence; packing it would raise.
            confidence = _SINGLE.unpack(_SINGLE.pack(confidence))[0] if abs(confidence) < 3.4e38 else confidence
        # An edge belongs to the bin below it.
        return -self.table.get(answer, self.default)[bisect_left(self.edges, confidence)]


def fit_gain(
    answers: Sequence[int],
    confidences: Sequence[float],
    gains: Sequence[int],
    *,
    shrinkage: float = _SHRINKAGE,
    score_type: Literal["float32", "float64"] = "float32",
) -> GainTable:
    """Return the table for a fit set: the device's classes, its confidences, and S, one each an input.

    Raises CertifyError: for fewer inputs than bins, lengths that differ, or a confidence that is not a number."""
    count = len(answers)
    if not count == len(confidences) == len(gains):
        raise CertifyError(
            f"{count} answers, {len(confidences)} confidences and {len(gains)} gains: one each is wanted"
        )
    if count < BINS:
        raise CertifyError(f"a gain table needs {BINS} inputs or more to fit on; there are {count}")
    if not all(map(math.isfinite, confidences)):
        raise CertifyError("a confidence in the fit set is not a number; leave inputs without a readable score out")
    ranked = sorted(confidences)
    edges = tuple(ranked[math.ceil(part * count / BINS) - 1] for part in range(1, BINS))
    by_bin: list[list[int]] = [[] for _ in range(BINS)]
    by_cell: defaultdict[int, list[list[int]]] = defaultdict(lambda: [[] for _ in range(BINS)])
    for answer, confidence, gain in zip(answers, confidences, gains, strict=True):
        place = bisect_left(edges, confidence)
        by_bin[place].append(gain)
        by_cell[answer][place].append(gain)
    overall = sum(gains) / count
    # Where many confidences are alike a bin can be empty; nothing is known of it but the whole.
    default = tuple(sum(bin_) / len(bin_) if bin_ else overall for bin_ in by_bin)
    table = {
        answer: tuple(
            (sum(cell) + shrinkage * mean) / (len(cell) + shrinkage) for cell, mean in zip(cells, default, strict=True)
        )
        for answer, cells in sorted(by_cell.items())
    }
    return GainTable(edges, table, default, score_type)
