"""What the cloud would gain over an answer of the device, by class and confidence: G of the decision model.

    G(c, x) = g(x) + o_c,    o_c = sum over class c of (S_i - g(x_i)) / (n_c + K)

S is 1 where the cloud is right and the device wrong, -1 the other way round, 0 where they are alike; without labels it
is 1 where the two disagree. g falls with confidence x: the means of S in tenths of the set it is fitted on, made
falling (pool adjacent violators), and joined by lines between the tenths' median confidences. o_c says how much more,
or less, than others of its confidence a class has to gain; K draws it to nothing where the class is rare.

A mean for each class and tenth has ten times as many numbers to learn from the same set, and its noise ends the test of
thresholds early: on the CIFAR-10 pair it escalates as much as confidence alone, and this a fifth less
(docs/adr/0022-gain-curve.md)."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from router.errors import CertifyError

__all__ = ["BINS", "GainTable", "fit_gain"]

BINS: Final = 10
_SHRINKAGE: Final = 100.0
_SINGLE: Final = struct.Struct("f")
_LARGEST: Final = 3.4e38

ScoreType = Literal["float32", "float64"]


@dataclass(frozen=True, slots=True)
class GainTable:
    """See the module. `rows` has G at each of the rising `knots` for every class seen, `default` for the others.

    Confidences are rounded to `score_type`, the type that they had in calibration: what ties there has to tie here."""

    knots: tuple[float, ...]
    rows: Mapping[int, tuple[float, ...]]
    default: tuple[float, ...]
    score_type: ScoreType = "float32"

    def score(self, answer: int, confidence: float) -> float:
        """Return s(x) = -G, the higher the better kept. A confidence that is no number keeps nothing: -inf."""
        if confidence != confidence:
            return -math.inf
        if self.score_type == "float32" and -_LARGEST < confidence < _LARGEST:
            confidence = _SINGLE.unpack(_SINGLE.pack(confidence))[0]
        row = self.rows.get(answer, self.default)
        knots = self.knots
        above = bisect_right(knots, confidence)
        if above == 0:
            return -row[0]
        if above == len(knots):
            return -row[-1]
        low = knots[above - 1]
        part = (confidence - low) / (knots[above] - low)
        return -(row[above - 1] + part * (row[above] - row[above - 1]))


def fit_gain(
    answers: Sequence[int],
    confidences: Sequence[float],
    gains: Sequence[int],
    *,
    shrinkage: float = _SHRINKAGE,
    score_type: ScoreType = "float32",
) -> GainTable:
    """Return the table for a fit set: the device's classes, its confidences, and S, one each an input.

    Raises CertifyError: for fewer inputs than tenths, lengths that differ, or a confidence that is not a number."""
    count = len(answers)
    if not count == len(confidences) == len(gains):
        raise CertifyError(
            f"{count} answers, {len(confidences)} confidences and {len(gains)} gains: one each is wanted"
        )
    if count < BINS:
        raise CertifyError(f"a gain table needs {BINS} inputs or more to fit on; there are {count}")
    if not all(map(math.isfinite, confidences)):
        raise CertifyError("a confidence in the fit set is not a number; leave inputs without a readable score out")
    knots, curve = _curve(confidences, gains)
    shared = GainTable(knots, {}, curve, score_type)
    over: defaultdict[int, float] = defaultdict(float)
    seen: defaultdict[int, int] = defaultdict(int)
    for answer, confidence, gain in zip(answers, confidences, gains, strict=True):
        over[answer] += gain + shared.score(answer, confidence)
        seen[answer] += 1
    rows: dict[int, tuple[float, ...]] = {}
    for answer in sorted(over):
        offset = over[answer] / (seen[answer] + shrinkage)
        rows[answer] = tuple(at + offset for at in curve)
    return GainTable(knots, rows, curve, score_type)


def _curve(confidences: Sequence[float], gains: Sequence[int]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return knots and what g is there; equal confidences are in one tenth, so there may be fewer than ten."""
    count = len(confidences)
    ranked = sorted(confidences)
    edges = [ranked[math.ceil(part * count / BINS) - 1] for part in range(1, BINS)]
    inside: list[list[tuple[float, int]]] = [[] for _ in range(BINS)]
    for confidence, gain in zip(confidences, gains, strict=True):
        inside[bisect_left(edges, confidence)].append((confidence, gain))
    filled = [sorted(part) for part in inside if part]
    knots = [part[len(part) // 2][0] for part in filled]
    means = [sum(gain for _, gain in part) / len(part) for part in filled]
    return tuple(knots), _falling(means, [len(part) for part in filled])


def _falling(means: Sequence[float], weights: Sequence[int]) -> tuple[float, ...]:
    """Return the falling sequence nearest to `means` in weighted squares: neighbours that rise are pooled."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for mean, weight in zip(means, weights, strict=True):
        pooled, heavy, many = mean, float(weight), 1
        while pools and pools[-1][0] < pooled:
            before, light, few = pools.pop()
            pooled = (pooled * heavy + before * light) / (heavy + light)
            heavy, many = heavy + light, many + few
        pools.append((pooled, heavy, many))
    return tuple(mean for mean, _, many in pools for _ in range(many))
