"""The test by betting, which the exact one is held against: it has to be the one that is meant."""

from __future__ import annotations

import math

import pytest

from benchmarks.certifying.betting import p_value


def test_the_betting_follows_its_formula() -> None:
    losses, alpha, delta = [0, -1, 0, 1, 0, 0, -1, 0], 0.1, 0.1
    n, a = len(losses), (alpha + 1) / 2
    capital, best, seen = 1.0, 1.0, []
    means: list[float] = []
    for loss in losses:
        variance = (0.25 + sum((x - m) ** 2 for x, m in zip(seen, means, strict=True))) / (len(seen) + 1)
        bet = min(0.95 / (1 - a), math.sqrt(2 * math.log(1 / delta) / (n * variance)))
        capital *= 1 - bet * ((loss + 1) / 2 - a)
        best = max(best, capital)
        seen.append((loss + 1) / 2)
        means.append((0.5 + sum(seen)) / (len(seen) + 1))
    assert p_value(losses, n, alpha, delta) == pytest.approx(min(1.0, 1 / best))
