"""A number that somebody gives to a command: between two others, or refused in one line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import Final

__all__ = ["number", "whole"]

_MOST_DIGITS: Final = 40
"""More than any number that is asked for has; of thousands int() would complain in words of its own."""


def whole(least: int, most: int, why: str = "") -> Callable[[str], int]:
    """Return what reads an argument that is from `least`, 0 or more, to `most`; `why` is added where it is refused."""

    def read(text: str) -> int:
        # isdigit alone would take other scripts' digits, and int() signs, spaces and underscores.
        digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not digits or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is not a whole number from {least} to {most}{why and f': {why}'}")
        return int(text)

    return read


def number(least: float, most: float) -> Callable[[str], float]:
    """Return what reads an argument that is from `least` to `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is no number from {least:g} to {most:g}")
        return value

    return read
