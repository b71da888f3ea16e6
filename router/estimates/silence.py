"""After how long a silence a radio may be in another state. Pure.

A cellular radio sleeps some ten seconds after its last packet, Wi-Fi within a second; where exactly, the network says.
So silences are told apart finely around there, and hardly at all beyond."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

__all__ = ["SILENCES_S", "silence"]

# The last of them is a radio that has slept for good; from there on it makes no difference how long.
SILENCES_S: Final = (0.0, 1.0, 3.0, 6.0, 10.0, 15.0, 30.0)


def silence(idle_s: float) -> int:
    """Return the index in SILENCES_S of the last that `idle_s` has reached."""
    return max(0, bisect_right(SILENCES_S, idle_s) - 1)
