"""Three sets that have nothing in common: to fit on, to calibrate on, to evaluate on.

By group where there are groups (a user, a session, a patient: all of one in one set), by time where there is time (what
is earlier is fitted on, what is later evaluated on), and by a seeded draw otherwise.

An input that stands in the data several times is no example of its own each time: a threshold that was tested on copies
was tested on fewer than it says, and a copy in another set tells there what was learnt here. A few are left out; more
are refused, unless that is how requests come, and then all of one input are in one set."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from cloud_service.publish.data import Array
from cloud_service.publish.errors import PublishError

__all__ = ["SHARES", "Split", "shuffled", "split"]

SHARES: Final = (0.3, 0.45, 0.25)
"""Of fit, calibrate and evaluate. Calibration gets most: the share that stays on the device grows with its size, while
the gain table, shrunk as it is, and the bound on the evaluation set change little."""


_MOST_REPEATED: Final = 0.01
"""Of the data. Real sets have a few by accident; more come of a mistake, such as pictures made from others."""


@dataclass(frozen=True, slots=True)
class Split:
    """Indices of the examples in each set, rising, and in words how they were kept apart. Some may be in none."""

    fit: Array
    calibrate: Array
    evaluate: Array
    how: str


def split(
    keys: Sequence[bytes],
    groups: Sequence[Hashable] | None,
    times: Sequence[float] | None,
    *,
    seed: int,
    repeats: bool = False,
) -> Split:
    """Return the three sets for examples with these content `keys`, groups and times, one each.

    `repeats`: inputs repeat because requests do, and each counts.

    Raises PublishError: for too many inputs that repeat, a leak that no split can avoid, or too few groups to fill
    three sets."""
    used = list(range(len(keys))) if repeats else _first_of_each(keys, times)
    left_out = len(keys) - len(used)
    if left_out > _MOST_REPEATED * len(keys):
        raise PublishError(
            f"{left_out} of {len(keys)} examples repeat the input of an earlier one",
            "leave the repeated ones out, or give --repeats if requests repeat in the same way",
        )
    clusters = _clusters(keys, groups if groups is not None else list(keys), used)
    if len(clusters) < len(SHARES):
        what = "group" if len(keys) > len(clusters) else "example"
        raise PublishError(f"there are {len(clusters)} {what}s that differ", "three sets need three at the least")
    if times is not None:
        order = sorted(clusters, key=lambda members: (min(times[index] for index in members), members))
        how = "by time, what is later is evaluated on"
    else:
        order = sorted(clusters, key=lambda members: _draw(seed, keys[members[0]]))
        how = f"drawn with seed {seed}" + ("" if left_out else ", identical inputs together")
    if len(clusters) < len(used):
        how += f"; {len(clusters)} groups of {len(used)} examples, each whole in one set"
    if left_out:
        how += f"; {left_out} left out that repeat the input of another"
    sets = _fill(order, len(used))
    if times is not None:
        _require_order(sets, times)
    fit, calibrate, evaluate = (np.array(sorted(chosen), dtype=np.int64) for chosen in sets)
    return Split(fit, calibrate, evaluate, how)


def _first_of_each(keys: Sequence[bytes], times: Sequence[float] | None) -> list[int]:
    """Return the indices of one example of each content, rising: the earliest, or the one that stands first."""
    order = range(len(keys)) if times is None else sorted(range(len(keys)), key=lambda index: (times[index], index))
    first: dict[bytes, int] = {}
    for index in order:
        first.setdefault(keys[index], index)
    return sorted(first.values())


def _clusters(keys: Sequence[bytes], groups: Sequence[Hashable], used: Sequence[int]) -> list[list[int]]:
    """Join the examples `used` that share a group or their content, directly or over others."""
    leader = list(range(len(keys)))

    def find(index: int) -> int:
        while leader[index] != index:
            leader[index] = leader[leader[index]]
            index = leader[index]
        return index

    first: dict[tuple[str, Hashable], int] = {}
    for index in used:
        for tied in (("content", keys[index]), ("group", groups[index])):
            leader[find(index)] = find(first.setdefault(tied, index))
    members: dict[int, list[int]] = {}
    for index in used:
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
                "leave them out, or split by group or by time alone",
            )


def _draw(seed: int, key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=16, key=str(seed).encode()).digest()


def shuffled(count: int, seed: int) -> list[int]:
    """Return the numbers below `count` in an order that depends on `seed` alone, on every machine and version."""
    return sorted(range(count), key=lambda index: hashlib.sha256(f"{seed}:{index}".encode()).digest())
