"""What a value of six fields costs to make: why router/values.py is not a frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from benchmarks.timing import compare, spread
from router.values import value

__all__ = ["main"]


@dataclass(frozen=True, slots=True)
class _Frozen:
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float


class _Tuple(NamedTuple):
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float


@value
class _Value:
    a: float
    b: float
    c: float
    d: float
    e: float
    f: float


def main() -> None:
    measured = compare(
        {
            "frozen dataclass": lambda: _Frozen(1, 2, 3, 4, 5, 6),
            "named tuple": lambda: _Tuple(1, 2, 3, 4, 5, 6),
            "router.values.value": lambda: _Value(1, 2, 3, 4, 5, 6),
        },
        count=50_000,
        rounds=9,
    )
    print("a value of six fields, microseconds to make")
    for name, times in measured.items():
        print(f"    {name:22} {spread(times):.2f}")
