"""What the device made of a request, by a certificate's table: each row's class and confidence, and the least s(x).

Most requests are one row, whose class and confidence are read from one list of numbers. The others are looked at row
by row, with the same numbers for each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nearfar_wire.confidence import of_value, row_reader
from nearfar_wire.disagreement import NO_CLASS, answer_output, classes
from router.cascade.gain import GainTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nearfar_wire.manifest import Manifest, Score

    Arrays = Mapping[str, NDArray[Any]]  # Any: each tensor has its own datatype

__all__ = ["Judge", "Judged"]


class Judged(NamedTuple):
    """What the device made of a request's rows: the least s(x), and each row's class and confidence."""

    score: float
    classes: tuple[int, ...]
    confidences: tuple[float, ...]


class Judge:
    """One release's. A row whose confidence or answer cannot be read has an s(x) of -inf, which keeps nothing."""

    __slots__ = ("_answer", "_classified", "_is_value", "_output", "_read_row", "_table", "_task")

    def __init__(self, manifest: Manifest, score: Score, table: GainTable) -> None:
        self._output = score.output
        self._answer = answer_output(manifest)
        self._task = manifest.task
        self._classified = manifest.task == "classification"
        self._is_value = score.kind == "value"
        self._read_row = row_reader(score)
        self._table = table

    def one_row(self, outputs: Arrays) -> tuple[float, float] | None:
        """Return s(x) and the confidence of an answer that is a single row; None where it is not, see `judge`."""
        values = outputs[self._output]
        if values.ndim != 2 or self._is_value:
            return None
        rows = values.tolist()
        if len(rows) != 1 or len(rows[0]) < 2:
            return None
        row = rows[0]
        confidence = self._read_row(row)
        answer = row.index(max(row)) if self._classified else 0
        return self._table.score_of_single(answer, confidence), confidence

    def judge(self, outputs: Arrays) -> Judged | None:
        """Return what the device made of each row; None where that cannot be said."""
        values = outputs[self._output]
        if self._is_value:
            confidences: Sequence[float] = [of_value(value) for value in values.ravel().tolist()]
            found = classes(self._task, outputs[self._answer]).tolist()
            if len(found) != len(confidences):
                return None
            if NO_CLASS in found:
                return Judged(-math.inf, tuple(found), tuple(confidences))
        else:
            if values.ndim == 0 or values.shape[-1] < 2:
                return None
            rows = values.reshape(-1, values.shape[-1]).tolist()
            confidences = [self._read_row(row) for row in rows]
            found = [row.index(max(row)) if self._classified else 0 for row in rows]
        # As they are read, confidences are rounded.
        least = min(map(self._table.score_of_single, found, confidences), default=0.0)
        return Judged(least, tuple(found), tuple(confidences))
