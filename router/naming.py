"""What a mistyped name was probably meant to be. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return `; did you mean "..."?` for the nearest known name, or the list of known names where none is near."""
    names = sorted(known)
    # difflib is quadratic in the length: a megabyte of key must not cost a second.
    near = get_close_matches(given[:64], names, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known here: {', '.join(names)}" if names else ""
