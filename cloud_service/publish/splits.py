"""Three sets that have nothing in common: to fit on, to calibrate on, to evaluate on.

By group where there are groups (a user, a session, a patient: all of one in one set), by time where there is time (what
is earlier is fitted on, what is later evaluated on), and by a seeded draw otherwise. Identical examples are one group:
a model that saw an input in one set must not meet it in another."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError

__all__ = ["SHARES", "Split", "split"]

SHARES: Final = (0.3, 0.45, 0.25)
"""Of fit, calibrate and evaluate. Calibration gets most: the share that stays on the device grows with its size, while
the gain table, shrunk as it is, and the bound on the evaluation set change little."""


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the examples in each set, rising, and in words how they were kept apart."""

    fit: Array
    calibrate: Array
    evaluate: Array
    how: str


def split(
    keys: Sequence[bytes], groups: Sequence[Hashable] | None, times: Sequence[float] | None, *, seed: int
) -> Split:
    """Return the three sets for examples with these content `keys`, groups and times, one each.

    Raises PublishError: for a leak that no split can avoid, or too few groups to fill three sets."""
    groups = groups if groups is not None else list(keys)
    clusters = _clusters(keys, groups)
    if len(clusters) < len(SHARES):
        what = "group" if len(keys) > len(clusters) else "example"
        raise PublishError(f"there are {len(clusters)} {what}s that differ", "three sets need three at the least")
    if times is not None:
        order = sorted(clusters, key=lambda members: (min(times[index] for index in members), members))
        how = "by time, what is later is evaluated on"
    else:
        order = sorted(clusters, key=lambda members: _draw(seed, keys[members[0]]))
        how = f"drawn with seed {seed}, identical inputs together"
    if len(clusters) < len(keys):
        how += f"; {len(clusters)} groups of {len(keys)} examples, each whole in one set"
    sets = _fill(order, len(keys))
    if times is not None:
        _require_order(sets, times)
    fit, calibrate, evaluate = (np.array(sorted(chosen), dtype=np.int64) for chosen in sets)
    return Split(fit, calibrate, evaluate, how)


def _clusters(keys: Sequence[bytes], groups: Sequence[Hashable]) -> list[list[int]]:
    """Join examples that share a group or their content, directly or over others."""
    leader = list(range(len(keys)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[str, Hashable], int] = {}
    for index, (key, group) in enumerate(zip(keys, groups, strict=True)):
        for tied in (("content", key), ("group", group)):
            leader[find(index)] = find(first.setdefault(tied, index))
    members: dict[int, list[int]] = {}
    for index in range(len(keys)):
        members.setdefault(find(index), []).append(index)
    return list(members.values())


def _fill(order: Sequence[list[int]], count: int) -> list[list[int]]:
    sets: list[list[int]] = [[] for _ in SHARES]
    place = 0
    for position, cluster in enumerate(order):
        left = len(order) - position
        # What is over goes on to the next set; and every set gets a cluster.
        full = sum(map(len, sets[: place + 1])) >= sum(SHARES[: place + 1]) * count
        if place < len(SHARES) - 1 and sets[place] and (full or left <= len(SHARES) - 1 - place):
            place += 1
        sets[place].extend(cluster)
    return sets


def _require_order(sets: Sequence[Sequence[int]], times: Sequence[float]) -> None:
    for earlier, later in pairwise(sets):
        begins = min(times[index] for index in later)
        leaked = sum(times[index] > begins for index in earlier)
        if leaked:
            raise PublishError(
                f"{leaked} examples are of the time of a later set, because the same input or group stands in both",
                "leave the repeated examples out, or split by group alone",
            )


def _draw(seed: int, key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=16, key=str(seed).encode()).digest()
