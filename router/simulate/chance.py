"""Chance that is the same on every machine and in every version of Python: a counter through splitmix64. Pure.

Each stream has a name, and draws from one never move another. What befalls a request is drawn by its number and not in
the order of calls: a policy that makes one call more meets the same inputs, the same faults and the same service times
as its rival, and so does the upper bound that both are compared with."""

from __future__ import annotations

from hashlib import blake2b
from math import cos, log, pi, sin, sqrt
from typing import Final

__all__ = ["Chance", "Keyed"]

_MASK: Final = (1 << 64) - 1
# Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB
_UNIT: Final = 2.0**-53
_OTHER: Final = 0x5851F42D4C957F2D  # turns a key's first state into that of a second, independent number


def _start(seed: int, stream: str) -> int:
    return int.from_bytes(blake2b(f"{seed}/{stream}".encode(), digest_size=8).digest(), "big")


def _mixed(state: int) -> float:
    state = ((state ^ (state >> 30)) * _FIRST) & _MASK
    state = ((state ^ (state >> 27)) * _SECOND) & _MASK
    return (((state ^ (state >> 31)) >> 11) + 0.5) * _UNIT


class Chance:
    """One stream of numbers. `seed` and `stream` fix them all."""

    __slots__ = ("_spare", "_state")

    def __init__(self, seed: int, stream: str) -> None:
        self._state = _start(seed, stream)
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


class Keyed:
    """One stream in which every number has a key, and can be asked for in any order."""

    __slots__ = ("_start",)

    def __init__(self, seed: int, stream: str) -> None:
        self._start = _start(seed, stream)

    def uniform(self, key: int) -> float:
        """Return the key's number, uniform and strictly between 0 and 1."""
        return _mixed((self._start + key * _GOLDEN) & _MASK)

    def normal(self, key: int) -> float:
        """Return the key's standard normal number."""
        start = (self._start + key * _GOLDEN) & _MASK
        return sqrt(-2 * log(_mixed(start))) * cos(2 * pi * _mixed(start ^ _OTHER))

    def exponential(self, key: int) -> float:
        """Return the key's exponential number of mean 1."""
        return -log(_mixed((self._start + key * _GOLDEN) & _MASK))
