"""Which calls a place is kept for. Pure.

Calls that someone waits for and calls that can wait share one limit. Either kind may use all of it while the other does
not; where both want it, each has its share, and gets in although the other fills the rest. What is in work may
therefore exceed the limit by the larger share, and by no more. A place is no turn: of those that are in, the urgent run
first, and the others when there is nothing urgent."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = ["Occupancy", "Partition", "partition_of"]


class Partition(StrEnum):
    """LIVE: someone waits for the answer. BATCH: it can wait."""

    LIVE = "live"
    BATCH = "batch"


# A member is slow to look up in its class.
_LIVE: Final = Partition.LIVE
_BATCH: Final = Partition.BATCH
# A tenth is all that a full service has for calls that can wait; the rest would only wait there for nothing.
_LIVE_SHARE: Final = 0.9
_BATCH_SHARE: Final = 0.1


def partition_of(priority: int) -> Partition:
    """Return the partition of a request parameter `priority`: 1 is the highest, 0 says nothing and means as much."""
    return _LIVE if priority <= 1 else _BATCH


class Occupancy:
    """How many calls of each partition are in work. Numbers of their own: an enum's member is slow to look up."""

    __slots__ = ("batch", "live")

    def __init__(self, live: int = 0, batch: int = 0) -> None:
        self.live = live
        self.batch = batch

    @property
    def total(self) -> int:
        return self.live + self.batch

    def admits(self, limit: int, partition: Partition) -> bool:
        """Tell whether one more call of `partition` may come in."""
        if self.live + self.batch < limit:
            return True
        if partition is _LIVE:
            return self.live < _LIVE_SHARE * limit
        return self.batch < _BATCH_SHARE * limit

    def add(self, partition: Partition, calls: int) -> None:
        """Count `calls` more, or fewer."""
        if partition is _LIVE:
            self.live += calls
        else:
            self.batch += calls
