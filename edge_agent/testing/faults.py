"""What can be wrong with a link, as a value, and what that means for the next piece of bytes. Pure.

link.py has the sockets; carry.py has the clock."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

__all__ = ["End", "Faults"]

# A slow link sends what fits in this time, and looks at its faults again.
_SLICE_S: Final = 0.02


class End(Enum):
    """How a connection is ended by its faults."""

    RESET = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the link. Replaced as a whole; by default nothing is."""

    latency_s: float = 0.0
    """Added each way, as a delay line: bytes wait side by side, not for one another."""
    bandwidth_bytes_s: float | None = None
    """Each way, shared by all connections."""
    slice_bytes: int | None = None
    """Deliver in pieces of at most this size."""
    black_hole: bool = False
    """Accept and read, and deliver nothing. What was held arrives when this ends, as TCP would resend it."""
    reset_after_bytes: int | None = None
    """Reset a connection after so many bytes downstream, counted from when these faults were set."""
    close_after_bytes: int | None = None
    """Close a connection in good order after so many bytes downstream, counted likewise."""

    def __post_init__(self) -> None:
        for name in ("bandwidth_bytes_s", "slice_bytes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} is {value}: it has to be above 0; `black_hole` lets nothing through")

    def next_size(self, left: int) -> int:
        """Return how many of the `left` bytes go in one piece; at least one."""
        sizes = [left]
        if self.bandwidth_bytes_s is not None:
            sizes.append(max(1, int(self.bandwidth_bytes_s * _SLICE_S)))
        if self.slice_bytes is not None:
            sizes.append(self.slice_bytes)
        return min(sizes)

    def before_end(self, delivered: int) -> tuple[int, End] | None:
        """Return how many more bytes go downstream after `delivered`, and how it ends then; None: it does not."""
        ends = [
            (max(0, after - delivered), end)
            for after, end in ((self.reset_after_bytes, End.RESET), (self.close_after_bytes, End.CLOSE))
            if after is not None
        ]
        return min(ends, key=lambda end: end[0], default=None)
