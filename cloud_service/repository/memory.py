"""How much memory loaded versions take, and which of them make room for another. Pure.

An estimate: onnxruntime tells nobody what a session holds. It is of models at rest; what runs need while they run, and
keep for the next, comes on top and is the operator's to leave room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cloud_service.repository.sighting import Key

__all__ = ["RECENT_S", "Resident", "estimate_bytes", "evict"]

# Growth of the process by each further session of the same file, convolutional networks of 0.1 to 13 MiB in float32
# and int8 on onnxruntime 1.32, Linux: 1.5 to 2.5 times the file from 1 MiB up, up to 1 MiB more below. While it loads,
# and in the first session of a process, 4 times.
_FACTOR: Final = 2.5
_OVERHEAD_BYTES: Final = 1 << 20

RECENT_S: Final = 120.0
"""Whoever asked for a model so recently will ask again: to take it out now is to load it again soon."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A loaded version. `last_asked` is the monotonic instant of the last call that asked for it, or -inf."""

    key: Key
    cost_bytes: int
    last_asked: float
    busy: bool


def estimate_bytes(size_bytes: int, sessions: int) -> int:
    """Return what a model file of that length takes when it is loaded."""
    return sessions * (int(size_bytes * _FACTOR) + _OVERHEAD_BYTES)


def evict(residents: Iterable[Resident], *, need_bytes: int, limit_bytes: int, now: float) -> list[Key] | None:
    """Return the versions to take out so that `need_bytes` more fit into `limit_bytes`, or None where none may be.

    The least recently asked for go first. None goes that is busy, nor the last version of a model that was asked for
    within RECENT_S."""
    loaded = list(residents)
    missing = sum(resident.cost_bytes for resident in loaded) + need_bytes - limit_bytes
    recent = {resident.key[0] for resident in loaded if now - resident.last_asked < RECENT_S}
    left = Counter(resident.key[0] for resident in loaded)
    gone: list[Key] = []
    for resident in sorted(loaded, key=lambda each: (each.last_asked, each.key)):
        if missing <= 0:
            break
        model = resident.key[0]
        if resident.busy or (left[model] == 1 and model in recent):
            continue
        gone.append(resident.key)
        left[model] -= 1
        missing -= resident.cost_bytes
    return gone if missing <= 0 else None
