"""What estimates are made of, summed over records as they are read: blocks of records in a row, never many. Pure.

Requests near one another in time share a link and a queue, so an interval is drawn from blocks of them and not from
single ones. A log of any length keeps the same memory: where blocks become too many, neighbours are put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from router.offpolicy.outcome import FIGURES, Known
from router.values import value

__all__ = ["Block", "Sample", "Sums", "Terms"]

MOST_BLOCKS: Final = 64
_LENGTH: Final = 8
"""Records in a block, at first."""


@value
class Sample:
    """One record as an estimate sees it.

    `weight` is by how much more probable what was done is under the other policy. `seen` is what came of it, `direct`
    what the model expects of what the other policy would do, `modelled` what it expects of what was done; both are None
    where nothing was expected of one of the plans. `unseen` is the share of what the other policy would do that the
    logged one never did. `differs`: whether they take different plans where neither explores."""

    weight: float
    seen: Known
    direct: Known | None = None
    modelled: Known | None = None
    differs: bool = False
    unseen: float = 0.0
    astray: bool = False
    """Whether what was done went another way than it would have on the other policy's terms."""


class Terms:
    """Sums over those records of a block that have one figure."""

    __slots__ = ("count", "direct", "residual", "seen", "weighed", "weight", "weight2")

    def __init__(self) -> None:
        self.count = 0
        self.seen = self.weight = self.weight2 = self.weighed = self.direct = self.residual = 0.0

    def take(self, other: Terms) -> None:
        """Add what `other` holds."""
        for name in Terms.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Block:
    """Sums over records in a row."""

    __slots__ = ("count", "figures")

    def __init__(self) -> None:
        self.count = 0
        self.figures = tuple(Terms() for _ in FIGURES)

    def take(self, other: Block) -> None:
        """Add what `other` holds."""
        self.count += other.count
        for mine, theirs in zip(self.figures, other.figures, strict=True):
            mine.take(theirs)


class Sums:
    """See the module. `most_weight` is what a larger weight is cut to; None: none is."""

    def __init__(self, most_weight: float | None = None) -> None:
        self._most_weight = most_weight
        self._length = _LENGTH
        self._open = Block()
        self.blocks: list[Block] = [self._open]
        self.count = self.differing = self.cut = self.unmodelled = 0
        self.weight = self.weight2 = self.largest = self.unseen = self.astray = 0.0
        self.differing_weight = self.differing_weight2 = self.differing_unseen = 0.0

    def add(self, sample: Sample) -> None:
        """Count one record."""
        weight = sample.weight
        if self._most_weight is not None and weight > self._most_weight:
            weight = self._most_weight
            self.cut += 1
        self.count += 1
        self.weight += weight
        self.weight2 += weight * weight
        self.largest = max(self.largest, weight)
        self.unseen += sample.unseen
        if sample.astray:
            self.astray += weight
        if sample.differs:
            self.differing += 1
            self.differing_weight += weight
            self.differing_weight2 += weight * weight
            self.differing_unseen += sample.unseen
        if sample.direct is None:
            self.unmodelled += 1
        block = self._open
        if block.count >= self._length:
            block = self._next()
        block.count += 1
        _add(block.figures, sample, weight)

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


def _add(figures: Sequence[Terms], sample: Sample, weight: float) -> None:
    direct, modelled = sample.direct, sample.modelled
    for place, seen in enumerate(sample.seen):
        if seen is None:
            continue
        terms = figures[place]
        terms.count += 1
        terms.seen += seen
        terms.weight += weight
        terms.weight2 += weight * weight
        terms.weighed += weight * seen
        # Whatever the model says, as long as it says it of both alike: nothing is as good a word as any.
        near = far = 0.0
        if direct is not None and modelled is not None:
            expected, expected_here = direct[place], modelled[place]
            if expected is not None and expected_here is not None:
                near, far = expected, expected_here
        terms.direct += near
        terms.residual += weight * (seen - far)
