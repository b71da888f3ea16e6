"""What a run comes to, summed as it goes: blocks of requests in a row, of which there are never many. Pure.

Requests near one another in time share a link, a queue and a temperature, so an interval has to be drawn from blocks
and not from single requests. A run of any length keeps the same memory: where blocks become too many, neighbours are
put together and the next ones are twice as long."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

from router.rules.policy import Worth
from router.running.events import Role
from router.simulate.meter import Meter
from router.values import value

__all__ = ["BLOCK_REQUESTS", "Block", "Ended", "Tally", "bucket_of", "seconds_of"]

MOST_BLOCKS: Final = 64
BLOCK_REQUESTS: Final = 8
"""In a block, at first."""
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
    `lost` by how much more probably the best remote target is right than who answered, and no answer is never right.
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
    promised_lost: int | None = None
    """Where a certificate covers it: 1 where the device's answer was kept and only the best remote target is right, -1
    where only the device is, else 0. Not a probability: what was promised is counted as it was certified."""
    besides: tuple[Role, ...] = ()
    """What was started for it beside the plan's legs and its escalation: backups, hedges, retries."""
    rules: tuple[str, ...] = ()
    """The policy's rules that applied to it."""
    number: int = 0
    """Which request it was, counted from 1 in the order in which they came."""


class Block:
    """Sums over requests in a row."""

    __slots__ = (
        "by_role",
        "by_rule",
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
        "wakes",
        "wrong",
    )

    def __init__(self) -> None:
        self.requests = self.missed = self.failed = self.escalated = self.up_bytes = self.down_bytes = 0
        self.promised = self.wakes = self.promised_lost = 0
        self.cost = self.wrong = self.lost = self.seconds = self.joules = self.usd = 0.0
        self.by_target: Counter[str] = Counter()
        self.by_role: Counter[Role] = Counter()
        """Requests by what was started for them beside their legs."""
        self.by_rule: Counter[str] = Counter()
        self.times: Counter[int] = Counter()
        """Answers by the bucket of the time they took. What failed had none, mostly at once, and was no quick one."""

    def take(self, other: Block) -> None:
        """Add what `other` holds."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTS:
            getattr(self, name).update(getattr(other, name))


_COUNTS: Final = ("by_role", "by_rule", "by_target", "times")
_SUMS: Final = tuple(name for name in Block.__slots__ if name not in _COUNTS)


class Tally:
    """See the module. `worth` is whose costs are counted."""

    def __init__(self, worth: Worth, *, block_requests: int = BLOCK_REQUESTS) -> None:
        self._worth = worth
        self._length = block_requests
        self._open = Block()
        self.blocks: list[Block] = [self._open]
        self.meters: list[Meter] = []
        """One of each device."""

    def meter(self) -> Meter:
        """Return a new device's meter."""
        meter = Meter()
        self.meters.append(meter)
        return meter

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
        if ended.promised_lost is not None:
            block.promised += 1
            block.promised_lost += ended.promised_lost
        if ended.target is not None:
            block.by_target[ended.target] += 1
        if ended.besides:
            block.by_role.update(set(ended.besides))
        if ended.rules:
            block.by_rule.update(ended.rules)
        if not ended.failed:
            block.times[bucket_of(ended.seconds)] += 1
        return cost

    def spend(self, joules: float, size_bytes: int = 0, usd: float = 0.0) -> None:
        """Count what was spent for no request: audits, wakes, and keeping the radio up after the last call."""
        worth, block = self._worth, self._open
        block.joules += joules
        block.up_bytes += size_bytes
        block.usd += usd
        block.cost += worth.joule * joules + worth.megabyte * size_bytes / 1e6 + worth.dollar * usd

    def woke(self, joules: float, size_bytes: int) -> None:
        """Count a wake of the radio, for requests to come."""
        self._open.wakes += 1
        self.spend(joules, size_bytes)

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
