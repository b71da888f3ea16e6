"""Chance that is the same on every machine and in every version of Python: a counter through splitmix64. Pure.

Each stream has a name, and draws from one never move another: a policy that makes one call more meets the same inputs,
the same faults and the same service times as its rival."""

from __future__ import annotations

from hashlib import blake2b
from math import cos, log, pi, sin, sqrt
from typing import Final

__all__ = ["Chance"]

_MASK: Final = (1 << 64) - 1
# Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_UNIT: Final = 2.0**-53


class Chance:
    """One stream of numbers. `seed` and `stream` fix them all."""

    __slots__ = ("_spare", "_state")

    def __init__(self, seed: int, stream: str) -> None:
        self._state = int.from_bytes(blake2b(f"{seed}/{stream}".encode(), digest_size=8).digest(), "big")
        self._spare: float | None = None

    def uniform(self) -> float:
        """Return the next number, uniform and strictly between 0 and 1."""
        self._state = mixed = (self._state + _GOLDEN) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * _FIRST) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * _SECOND) & _MASK
        return (((mixed ^ (mixed >> 31)) >> 11) + 0.5) * _UNIT

    def normal(self) -> float:
        """Return the next standard normal number (Box and Muller's make two at a time)."""
        spare, self._spare = self._spare, None
        if spare is not None:
            return spare
        far = sqrt(-2 * log(self.uniform()))
        angle = 2 * pi * self.uniform()
        self._spare = far * sin(angle)
        return far * cos(angle)

    def exponential(self) -> float:
        """Return the next exponential number of mean 1."""
        return -log(self.uniform())
