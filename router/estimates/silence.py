"""After how long a silence a radio may be in another state. Pure.

A cellular radio sleeps some ten seconds after its last packet, Wi-Fi within a second; where exactly, the network says.
So silences are told apart finely around there, and hardly at all beyond. Finer ones everywhere would part what is
learnt of one radio: half a second of silence is nothing to a cellular one."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

__all__ = ["MOST_SILENCES", "next_silence_s", "silence", "silences_of", "silences_s"]

# The last of them is a radio that has slept for good; from there on it makes no difference how long.
_CELLULAR_S: Final = (0.0, 1.0, 3.0, 6.0, 10.0, 15.0, 30.0)
# Power save begins after some 0.24 s: Huang et al., MobiSys 2012, table 3. Behind a phone's hotspot is another radio.
_WIFI_S: Final = (0.0, 0.25, *_CELLULAR_S[1:])
MOST_SILENCES: Final = len(_WIFI_S)


def silences_s(kind: str | None) -> tuple[float, ...]:
    """Return the silences that are told apart of a kind of link, in seconds, rising from 0; of one that is not known, a
    cellular radio's."""
    return _WIFI_S if kind == "wifi" else _CELLULAR_S


def silence(kind: str | None, idle_s: float) -> int:
    """Return the index among them of the last that `idle_s` has reached."""
    return max(0, bisect_right(silences_s(kind), idle_s) - 1)


def silences_of(kind: str | None, idle_s: Sequence[float]) -> list[int]:
    """Return `silence` of each."""
    known = silences_s(kind)
    return [max(0, bisect_right(known, each_s) - 1) for each_s in idle_s]


def next_silence_s(kind: str | None, idle_s: float) -> float:
    """Return the next silence that `idle_s` has yet to reach; infinity after the last."""
    known = silences_s(kind)
    following = silence(kind, idle_s) + 1
    return known[following] if following < len(known) else math.inf
