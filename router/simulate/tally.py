"""What a run comes to, summed as it goes: blocks of requests in a row, of which there are never many. Pure.

Requests near one another in time share a link, a queue and a temperature, so an interval has to be drawn from blocks
and not from single requests. A run of any length keeps the same memory: where blocks become too many, neighbours are
put together and the next ones are twice as long."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from router.policy import Worth
from router.values import value

__all__ = ["Block", "Ended", "Tally", "bucket_of", "seconds_of"]

MOST_BLOCKS: Final = 64
_LOG_WIDTH: Final = math.log(1.02)


def bucket_of(seconds: float) -> int:
    """Return the bucket of 2 % width that a time falls into; all below a microsecond share one."""
    return round(math.log(seconds if seconds > 1e-6 else 1e-6) / _LOG_WIDTH)


def seconds_of(bucket: int) -> float:
    """Return the time in the middle of a bucket."""
    return math.exp(bucket * _LOG_WIDTH)


@value
class Ended:
    """One request that ended, in the terms that it is judged by.

    `wrong` is the probability that the answer is wrong, as far as the score tells, and 0 where there is no answer;
    `lost` is 1 where the answer is the device's and only the best remote target is right, -1 where only the device is.
    `joules` is what its runs and calls cost the device, the radio's tail before them included."""

    target: str | None
    seconds: float
    wrong: float
    lost: float
    missed: bool
    failed: bool
    escalated: bool
    joules: float
    usd: float
    up_bytes: int
    down_bytes: int
    promised: bool = False
    """Whether a certificate covers it: its `lost` counts in what was promised."""


class Block:
    """Sums over requests in a row."""

    __slots__ = (
        "by_target",
        "cost",
        "down_bytes",
        "escalated",
        "failed",
        "joules",
        "lost",
        "missed",
        "promised",
        "promised_lost",
        "requests",
        "seconds",
        "times",
        "up_bytes",
        "usd",
        "wrong",
    )

    def __init__(self) -> None:
        self.requests = self.missed = self.failed = self.escalated = self.up_bytes = self.down_bytes = 0
        self.promised = 0
        self.cost = self.wrong = self.lost = self.promised_lost = self.seconds = self.joules = self.usd = 0.0
        self.by_target: Counter[str] = Counter()
        self.times: Counter[int] = Counter()
        """Requests by the bucket of the time they took."""

    def take(self, other: Block) -> None:
        """Add what `other` holds."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.by_target.update(other.by_target)
        self.times.update(other.times)


_SUMS: Final = tuple(name for name in Block.__slots__ if name not in ("by_target", "times"))


class Tally:
    """See the module. `worth` is whose costs are counted."""

    def __init__(self, worth: Worth, *, block_requests: int = 8) -> None:
        self._worth = worth
        self._length = block_requests
        self._open = Block()
        self.blocks: list[Block] = [self._open]

    def add(self, ended: Ended) -> float:
        """Count one request, and return what it cost."""
        block = self._open
        if block.requests >= self._length:
            block = self._next()
        worth = self._worth
        size_bytes = ended.up_bytes + ended.down_bytes
        cost = (
            worth.wrong_answer * ended.wrong
            + worth.missed_deadline * ended.missed
            + worth.failed_request * ended.failed
            + worth.second * ended.seconds
            + worth.dollar * ended.usd
            + worth.megabyte * size_bytes / 1e6
            + worth.joule * ended.joules
        )
        block.requests += 1
        block.cost += cost
        block.wrong += ended.wrong
        block.lost += ended.lost
        block.missed += ended.missed
        block.failed += ended.failed
        block.escalated += ended.escalated
        block.seconds += ended.seconds
        block.joules += ended.joules
        block.usd += ended.usd
        block.up_bytes += ended.up_bytes
        block.down_bytes += ended.down_bytes
        if ended.promised:
            block.promised += 1
            block.promised_lost += ended.lost
        if ended.target is not None:
            block.by_target[ended.target] += 1
        block.times[bucket_of(ended.seconds)] += 1
        return cost

    def spend(self, joules: float, size_bytes: int = 0, usd: float = 0.0) -> None:
        """Count what was spent for no request: audits, waking the radio, and keeping it up after the last call."""
        worth, block = self._worth, self._open
        block.joules += joules
        block.up_bytes += size_bytes
        block.usd += usd
        block.cost += worth.joule * joules + worth.megabyte * size_bytes / 1e6 + worth.dollar * usd

    def total(self) -> Block:
        """Return the sums over the whole run."""
        whole = Block()
        for block in self.blocks:
            whole.take(block)
        return whole

    def _next(self) -> Block:
        if len(self.blocks) >= MOST_BLOCKS:
            pairs = zip(self.blocks[::2], self.blocks[1::2], strict=True)
            self.blocks = []
            for one, other in pairs:
                one.take(other)
                self.blocks.append(one)
            self._length *= 2
        block = self._open = Block()
        self.blocks.append(block)
        return block
