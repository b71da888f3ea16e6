"""Numbers that were probably meant in another unit: a fraction where percent is wanted, seconds for milliseconds. Pure.

Only what nobody could mean: no battery tells a fifth of a percent, and no network takes a fifth of a millisecond."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from router.rules.predicates import Compare
from router.types import signal

__all__ = ["unit_slip"]

# What is in the unit, in words, and how many of it the larger one has that was probably meant.
_SLIPS: Final = {"%": ("percent", 100.0), "ms": ("milliseconds", 1000.0)}


def unit_slip(comparison: Compare) -> Iterator[str]:
    """Yield what to look at in a comparison's numbers."""
    described = signal(comparison.name)
    unit = "ms" if comparison.name == "time_left_ms" else "" if described is None else described.unit
    if unit not in _SLIPS:
        return
    words, factor = _SLIPS[unit]
    for value in comparison.value if isinstance(comparison.value, tuple) else (comparison.value,):
        if isinstance(value, float) and 0 < value < 1:
            yield f"{comparison.name} is in {words}: {value:g} is less than one; did you mean {value * factor:g}?"
