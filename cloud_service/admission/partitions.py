"""Which calls a place is kept for. Pure.

Calls that someone waits for and calls that can wait share one limit. Either kind may use all of it while the other does
not; where both want it, each has its share, and gets in although the other fills the rest. What is in work may
therefore exceed the limit by the larger share, and by no more. A place is no turn: of those that are in, the urgent run
first, and the others when there is nothing urgent."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

__all__ = ["SHARES", "Partition", "may_enter", "partition_of"]


class Partition(StrEnum):
    """LIVE: someone waits for the answer. BATCH: it can wait."""

    LIVE = "live"
    BATCH = "batch"


# A tenth is all that a full service has for calls that can wait; the rest would only wait there for nothing.
SHARES: Final[Mapping[Partition, float]] = MappingProxyType({Partition.LIVE: 0.9, Partition.BATCH: 0.1})


def partition_of(priority: int) -> Partition:
    """Return the partition of a request parameter `priority`: 1 is the highest, 0 says nothing and means as much."""
    return Partition.LIVE if priority <= 1 else Partition.BATCH


def may_enter(in_flight: Mapping[Partition, int], limit: int, partition: Partition) -> bool:
    """Tell whether one more call of `partition` may come in."""
    return sum(in_flight.values()) < limit or in_flight[partition] < SHARES[partition] * limit
