"""From calibration to a threshold that keeps a promise: P(expected loss <= alpha) >= 1 - delta.

Thresholds are tested one after the other, from "keep nothing" downwards, on a grid that was fixed before calibration;
the last that passes before the first that fails is certified (fixed-sequence testing: no correction for many tests).
Loss is counted over all requests, and one that is escalated costs nothing.

Both tests are exact and know nothing of the order in which examples came: how many losses of each kind are kept is all
they look at, and that is carried from one threshold to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from router.cascade import binomial, trinomial
from router.errors import CertifyError

__all__ = ["Method", "Threshold", "certify", "grid_of", "smallest_n"]


class Method(StrEnum):
    """How a threshold is tested."""

    LABELS = "labels"
    """S in {-1, 0, 1} from labels; loss is accuracy lost; trinomial.py."""
    AGREEMENT = "agreement"
    """S in {0, 1}, 1 where the cloud disagrees; loss is kept disagreement, which accuracy lost cannot exceed;
    binomial.py."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """What was certified: answers with a score strictly above `value` stay. `value` inf keeps nothing."""

    value: float
    kept: float
    """Share of the calibration set that it keeps."""
    passed: tuple[float, ...]
    """Every threshold that passed, falling; the last one is `value`."""
    p_value: float
    """Of `value`; 1 where nothing passed."""
    tested: int


def grid_of(scores: Sequence[float], most: int = 200) -> tuple[float, ...]:
    """Return the grid for the scores of a fit set: up to `most` of their values, evenly chosen by rank, falling, and
    one below them all, which keeps everything. "Keep nothing" is not in it, as it needs no test."""
    distinct = sorted({score for score in scores if math.isfinite(score)}, reverse=True)
    if not distinct:
        return ()
    ranked = sorted((score for score in scores if math.isfinite(score)), reverse=True)
    if len(distinct) > most:
        distinct = sorted({ranked[index * (len(ranked) - 1) // (most - 1)] for index in range(most)}, reverse=True)
    return (*distinct, math.nextafter(distinct[-1], -math.inf))


def certify(
    scores: Sequence[float],
    gains: Sequence[int],
    grid: Sequence[float],
    alpha: float,
    delta: float,
    method: Method,
) -> Threshold:
    """Return the certified threshold for a calibration set, s(x_i) and S_i of each input.

    `grid` is falling and knows nothing of the calibration set: see grid_of. A score that is no number is never kept.

    Raises CertifyError: for alpha or delta out of range, a gain that the method does not know, a grid that is not
    falling, or a set so small that not even a device without a fault could be certified, with the n that it takes."""
    _check(alpha, delta)
    if len(scores) != len(gains):
        raise CertifyError(f"{len(scores)} scores and {len(gains)} gains: one each is wanted")
    if any(later >= earlier for earlier, later in pairwise(grid)):
        raise CertifyError("the grid of thresholds has to fall strictly: it is the order in which they are tested")
    known = {-1, 0, 1} if method is Method.LABELS else {0, 1}
    if not known.issuperset(gains):
        raise CertifyError(f"method {method.value}: a gain is one of {sorted(known)}")
    n = len(scores)
    if n < (needed := smallest_n(method, alpha, delta)):
        raise CertifyError(
            f"alpha {alpha:g} at delta {delta:g} ({method.value}) needs {needed} inputs to calibrate on or more, and "
            f"there are {n}; give more, or ask for a larger alpha or delta"
        )
    ranked = sorted(((score, gain) for score, gain in zip(scores, gains, strict=True) if score == score), reverse=True)
    passed: list[float] = []
    p_value = 1.0
    tested = kept = kept_by_passed = ups = downs = 0
    for threshold in grid:
        tested += 1
        while kept < len(ranked) and ranked[kept][0] > threshold:
            gain = ranked[kept][1]
            ups += gain > 0
            downs += gain < 0
            kept += 1
        p = _p_value(ups, downs, n, alpha, delta, method)
        if p > delta:
            break
        passed.append(threshold)
        p_value, kept_by_passed = p, kept
    if not passed:
        return Threshold(math.inf, 0.0, (), 1.0, tested)
    return Threshold(passed[-1], kept_by_passed / n, tuple(passed), p_value, tested)


def smallest_n(method: Method, alpha: float, delta: float) -> int:
    """Return the fewest inputs with which `method` can certify anything: all of them kept, and none lost.

    Raises CertifyError: alpha or delta is out of range."""
    _check(alpha, delta)
    if method is Method.AGREEMENT:
        return math.ceil(math.log(delta) / math.log1p(-alpha))

    def passes(n: int) -> bool:
        return trinomial.p_value(0, 0, n, alpha, delta) <= delta

    high = 1
    while not passes(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _p_value(ups: int, downs: int, n: int, alpha: float, delta: float, method: Method) -> float:
    if method is Method.LABELS:
        return trinomial.p_value(ups, downs, n, alpha, delta)
    return binomial.tail(ups, n, alpha)


def _check(alpha: float, delta: float) -> None:
    for name, share in (("alpha", alpha), ("delta", delta)):
        # Below a ten-thousandth no calibration set that anybody has would do, and the search for its size no end.
        if not 1e-4 <= share <= 0.5:
            raise CertifyError(f"{name} is a share from 0.0001 to 0.5, such as 0.01; not {share:g}")
