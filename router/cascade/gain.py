"""What the cloud would gain over an answer of the device, by class and confidence: G of the decision model.

    G(c, x) = g(x) + o_c d(x),    o_c = sum over class c of d(x_i) (S_i - g(x_i)) / (sum over class c of d(x_i)^2 + K)

S is 1 where the cloud is right and the device wrong, -1 the other way round, 0 where they are alike; without labels it
is 1 where the two disagree. g falls with confidence x: the means of S in tenths of the set it is fitted on, made
falling (pool adjacent violators) and joined by lines, with one knot for all tenths that share a mean, so that two
confidences tie only where they are equal. d^2 is the same of S^2: o_c counts in standard deviations, as an answer that
is surely right has little to gain whatever its class.

K is the noise of one example over the variance of what truly sets classes apart, which is told from the products of
two examples of one class, less what chance might have made of it. Where that leaves nothing, as with hundreds of
classes and few examples, confidence alone decides. docs/adr/0027-class-offsets.md has what each part is worth."""

from __future__ import annotations

import math
import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import Final

from router.errors import CertifyError

__all__ = ["BINS", "KNOTS", "GainTable", "fit_gain"]

BINS: Final = 10
KNOTS: Final = BINS + 2
"""Most that a curve has: one a tenth, and the least and the largest confidence of the fit set."""
_CHANCE: Final = 3.0
"""Standard errors of what sets classes apart that are put down to chance."""
_TILT: Final = 1e-3
"""Fall of a curve that the examples leave flat: the surer answer goes first all the same."""
_SINGLE: Final = struct.Struct("f")
_LARGEST: Final = 3.4e38


@dataclass(frozen=True, slots=True)
class GainTable:
    """See the module. `rows` has G at each of the rising `knots` for every class seen, `default` for the others.

    Confidences are rounded to 32 bits, as they were in calibration: what ties there has to tie here."""

    knots: tuple[float, ...]
    rows: Mapping[int, tuple[float, ...]]
    default: tuple[float, ...]

    def score(self, answer: int, confidence: float) -> float:
        """Return s(x) = -G, the higher the better kept. A confidence that is no number keeps nothing: -inf."""
        if -_LARGEST < confidence < _LARGEST:
            confidence = _SINGLE.unpack(_SINGLE.pack(confidence))[0]
        return self.score_of_single(answer, confidence)

    def score_of_single(self, answer: int, confidence: float) -> float:
        """Return the same for a confidence that is rounded already: lines between the knots, level beyond them."""
        if confidence != confidence:
            return -math.inf
        knots, gains = self.knots, self.rows.get(answer, self.default)
        above = bisect_right(knots, confidence)
        if above == 0:
            return -gains[0]
        if above == len(knots):
            return -gains[-1]
        low = knots[above - 1]
        part = (confidence - low) / (knots[above] - low)
        return -(gains[above - 1] + part * (gains[above] - gains[above - 1]))


def fit_gain(
    answers: Sequence[int],
    confidences: Sequence[float],
    gains: Sequence[int],
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
    tenths = _tenths(confidences, gains)
    weights = [len(tenth) for tenth in tenths]
    centres = [tenth[len(tenth) // 2][0] for tenth in tenths]
    means = _falling([sum(gain for _, gain in tenth) / len(tenth) for tenth in tenths], weights)
    knots, curve = _joined(centres, means, weights, min(confidences), max(confidences))
    # Half an example more that is not 0: of few examples without one it does not follow that there is none.
    squares = [(sum(abs(gain) for _, gain in tenth) + 0.5) / (len(tenth) + 1) for tenth in tenths]
    widths = _at(centres, _falling(squares, weights), knots)
    shared, width = GainTable(knots, {}, curve), GainTable(knots, {}, widths)
    classes: defaultdict[int, _Class] = defaultdict(_Class)
    noise = 0.0
    for answer, confidence, gain in zip(answers, confidences, gains, strict=True):
        off = gain + shared.score(answer, confidence)
        squared = -width.score(answer, confidence)
        classes[answer].add(off * math.sqrt(squared), squared)
        noise += off * off * squared
    apart = _apart(classes.values())
    rows: dict[int, tuple[float, ...]] = {}
    if apart > 0.0:
        shrinkage = noise / sum(of_class.weight for of_class in classes.values()) / apart
        for answer, of_class in sorted(classes.items()):
            offset = of_class.over / (of_class.weight + shrinkage)
            row = [gain + offset * math.sqrt(squared) for gain, squared in zip(curve, widths, strict=True)]
            rows[answer] = tuple(accumulate(reversed(row), max))[::-1]  # falling, as the curve is
    return GainTable(knots, rows, curve)


@dataclass(slots=True)
class _Class:
    """Sums over the examples of one class: how far they lie off the curve, and how much each tells."""

    over: float = 0.0
    over_squared: float = 0.0
    weight: float = 0.0
    weight_squared: float = 0.0

    def add(self, off: float, weight: float) -> None:
        self.over += off
        self.over_squared += off * off
        self.weight += weight
        self.weight_squared += weight * weight


def _apart(classes: Collection[_Class]) -> float:
    """Return the variance of what sets classes apart, less what chance might have made of it; 0 where nothing does.

    Noise of two examples is independent: the mean product of all pairs of one class holds none of it."""
    pairs = sum(of_class.weight**2 - of_class.weight_squared for of_class in classes)
    if pairs <= 0.0:
        return 0.0
    found = sum(of_class.over**2 - of_class.over_squared for of_class in classes)
    error = math.sqrt(2.0 * sum(of_class.over_squared**2 for of_class in classes))
    return max(0.0, found - _CHANCE * error) / pairs


def _tenths(confidences: Sequence[float], gains: Sequence[int]) -> list[list[tuple[float, int]]]:
    """Return the examples by tenths of confidence, each sorted; equal confidences are in one, so some may be none."""
    count = len(confidences)
    ranked = sorted(confidences)
    edges = [ranked[math.ceil(part * count / BINS) - 1] for part in range(1, BINS)]
    inside: list[list[tuple[float, int]]] = [[] for _ in range(BINS)]
    for confidence, gain in zip(confidences, gains, strict=True):
        inside[bisect_left(edges, confidence)].append((confidence, gain))
    return [sorted(part) for part in inside if part]


def _joined(
    centres: Sequence[float], means: Sequence[float], weights: Sequence[int], least: float, largest: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return knots and what the curve is there: strictly falling from the least confidence to the largest."""
    knots: list[float] = []
    curve: list[float] = []
    for mean, alike in groupby(range(len(means)), key=lambda index: means[index]):
        pool = list(alike)
        knots.append(sum(centres[index] * weights[index] for index in pool) / sum(weights[index] for index in pool))
        curve.append(mean)
    if least == largest:
        return tuple(knots), tuple(curve)
    if len(knots) == 1:
        return (least, largest), (curve[0] + _TILT / 2, curve[0] - _TILT / 2)
    first = (curve[1] - curve[0]) / (knots[1] - knots[0])
    last = (curve[-1] - curve[-2]) / (knots[-1] - knots[-2])
    if least < knots[0]:
        curve.insert(0, curve[0] + first * (least - knots[0]))
        knots.insert(0, least)
    if largest > knots[-1]:
        curve.append(curve[-1] + last * (largest - knots[-1]))
        knots.append(largest)
    return tuple(knots), tuple(curve)


def _at(centres: Sequence[float], values: Sequence[float], knots: Sequence[float]) -> tuple[float, ...]:
    """Return what lines between `values` at `centres` are at each of `knots`."""
    lines = GainTable(tuple(centres), {}, tuple(values))
    return tuple(-lines.score_of_single(0, knot) for knot in knots)


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
