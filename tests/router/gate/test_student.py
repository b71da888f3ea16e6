from __future__ import annotations

import pytest

from router.gate.student import t_quantile
from router.running.waiting import normal_quantile

# From the printed tables.
TABLE = [
    (0.95, 1, 6.314),
    (0.95, 2, 2.920),
    (0.975, 4, 2.776),
    (0.95, 5, 2.015),
    (0.995, 3, 5.841),
    (0.95, 30, 1.697),
    (0.999, 9, 4.297),
    (0.95, 5000, 1.645),
]


@pytest.mark.parametrize(("share", "freedom", "expected"), TABLE)
def test_quantiles_are_those_of_the_tables(share: float, freedom: int, expected: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(expected, abs=6e-4)


def test_with_many_degrees_of_freedom_students_quantile_becomes_the_normals() -> None:
    assert t_quantile(0.95, 999) == pytest.approx(normal_quantile(0.95), rel=2e-3)
